"""Run the memory: `python -m daydream_memory`."""

import uvloop

import daydream_runtime.nats_without_aiohttp  # noqa: F401 (before nats)
from daydream_memory.app import build
from daydream_memory.settings import MemorySettings
from daydream_runtime.process import run


def main() -> None:
    """Run the memory until SIGTERM or SIGINT."""
    run(MemorySettings, build, uvloop.new_event_loop)


if __name__ == "__main__":
    main()
