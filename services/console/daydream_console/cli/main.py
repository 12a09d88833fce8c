"""The entry point of `daydream`. A Ctrl-C while the program is still being loaded ends it without a traceback."""

from __future__ import annotations

import os
import signal
from types import FrameType

EXIT_INTERRUPTED = 130


def main() -> None:
    """Run the command. Once it works, the command's own handler takes over the signal."""
    signal.signal(signal.SIGINT, _leave)
    from daydream_console.cli.commands import app

    app()


def _leave(_: int, __: FrameType | None) -> None:
    os._exit(EXIT_INTERRUPTED)  # nothing was started yet, so there is nothing to stop


if __name__ == "__main__":
    main()
