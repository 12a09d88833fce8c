"""Start the `daydream` command.

A Ctrl-C while the program is still loading ends it without a traceback.
"""

from __future__ import annotations

import os
import signal
from types import FrameType

from daydream_console.cli.exit_codes import EXIT_INTERRUPTED


def main() -> None:
    """Run the command. The command itself takes over the signal once it has started."""
    signal.signal(signal.SIGINT, _exit)
    from daydream_console.cli.program import create_program

    create_program()()


def _exit(_: int, __: FrameType | None) -> None:
    os._exit(EXIT_INTERRUPTED)  # nothing was started yet, so there is nothing to stop


if __name__ == "__main__":
    main()
