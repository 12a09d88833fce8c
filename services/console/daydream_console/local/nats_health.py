"""Whether a running NATS server must be started again: its disk was full, and has space again.

A stream that could not be written once refuses everything until its server is started again, also
after there is space. The server's `/healthz` says so. Services do not notice more than that nothing
is acknowledged, so their messages wait, and nothing is lost.
"""

from __future__ import annotations

import asyncio
import logging
import shutil
from dataclasses import dataclass
from pathlib import Path

from daydream_console.local.http_get import ask

log = logging.getLogger(__name__)
ASK_TIMEOUT_S = 2.0
WRITE_ERROR = b"write error"  # in the answer of nats-server 2.15
FREE_BYTES_MIN = 64 * 2**20  # with less, it would fail again at once


@dataclass
class NatsHealth:
    """Ask the server's health. `store` is a folder on the disk that it writes to."""

    health: str
    store: Path
    _is_reported: bool = False

    async def is_stuck(self) -> bool:
        """Return whether only a restart helps, and can help. Say once that the disk is full."""
        try:
            _, body = await asyncio.to_thread(ask, self.health, timeout_s=ASK_TIMEOUT_S)
            free = shutil.disk_usage(self.store).free
        except OSError:  # it is restarting, or its folder is gone
            return False
        if WRITE_ERROR not in body:
            self._is_reported = False
            return False
        if free < FREE_BYTES_MIN and not self._is_reported:
            log.error("NATS can't write to %s: its disk is full. Work waits for space", self.store)
            self._is_reported = True
        return free >= FREE_BYTES_MIN
