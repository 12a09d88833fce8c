"""Keep services running that only answer questions: `python -m support.readers FOLDER SERVICE …`.

The command starts and stops such services each time when nothing is running. For several commands
one start is enough.
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
import sys
from pathlib import Path

from daydream_console.local.folder import DataFolder
from daydream_console.local.stack import running


async def main(folder: str, *services: str) -> None:
    """Run the services until SIGINT."""
    async with running(DataFolder(Path(folder)), services, draws=False):
        await asyncio.Event().wait()


if __name__ == "__main__":
    # A shell starts background jobs with SIGINT ignored, and this inherits it.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(main(*sys.argv[1:]))
