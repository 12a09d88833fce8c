"""Run the console: `python -m daydream_console`."""

from daydream_console.app import build
from daydream_console.settings import ConsoleSettings
from daydream_runtime.process import run


def main() -> None:
    """Run the console until SIGTERM or SIGINT."""
    run(ConsoleSettings, build)


if __name__ == "__main__":
    main()
