"""Run the console: `python -m daydream_console`."""

import uvloop

import daydream_runtime.nats_without_aiohttp  # noqa: F401 (before nats)
from daydream_console.app import build
from daydream_console.settings import ConsoleSettings
from daydream_runtime.process import run


def main() -> None:
    """Run the console until SIGTERM or SIGINT."""
    run(ConsoleSettings, build, uvloop.new_event_loop)


if __name__ == "__main__":
    main()
