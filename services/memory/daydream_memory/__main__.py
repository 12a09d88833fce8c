"""`python -m daydream_memory`"""

from daydream_memory.app import build
from daydream_memory.settings import MemorySettings
from daydream_runtime.service import run


def main() -> None:
    """Run the memory service until it is told to stop."""
    run(MemorySettings, build)


if __name__ == "__main__":
    main()
