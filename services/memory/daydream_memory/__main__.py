"""Run the memory: `python -m daydream_memory`."""

from daydream_memory.app import build
from daydream_memory.settings import MemorySettings
from daydream_runtime.process import run


def main() -> None:
    """Run the memory until SIGTERM or SIGINT."""
    run(MemorySettings, build)


if __name__ == "__main__":
    main()
