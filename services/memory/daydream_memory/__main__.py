"""`python -m daydream_memory`"""

from daydream_memory.app import build
from daydream_memory.settings import Settings
from daydream_shared.runtime import run


def main() -> None:
    """Run the memory service until it is told to stop."""
    run(Settings, build)


if __name__ == "__main__":
    main()
