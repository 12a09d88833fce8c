"""`python -m daydream_console`"""

from daydream_console.app import build
from daydream_console.settings import Settings
from daydream_shared.runtime import run


def main() -> None:
    """Run the console until it is told to stop."""
    run(Settings, build)


if __name__ == "__main__":
    main()
