"""`python -m daydream_console`"""

from daydream_console.app import build
from daydream_console.settings import ConsoleSettings
from daydream_runtime.service import run


def main() -> None:
    """Run the console until it is told to stop."""
    run(ConsoleSettings, build)


if __name__ == "__main__":
    main()
