"""Wait until a program is ready, for as long as its start makes progress.

A slow disk or a large memory can need minutes. So the limit counts only while nothing changes: not
what the program says it is waiting for, and not its log.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from daydream_console.local.http_get import ask
from daydream_contracts.errors import ConfigurationError

TIMEOUT_VARIABLE = "DAYDREAM_START_TIMEOUT_S"
TIMEOUT_S = 300.0
HEALTH_TIMEOUT_S = 2.0
REPORT_EVERY_S = 20.0
OK = 200


def start_timeout_s() -> float:
    """Return the setting. Raise ConfigurationError for anything but a positive number."""
    value = os.environ.get(TIMEOUT_VARIABLE, "") or str(TIMEOUT_S)
    try:
        seconds = float(value)
    except ValueError:
        seconds = 0.0
    if seconds > 0:
        return seconds
    raise ConfigurationError(
        f"{TIMEOUT_VARIABLE} is {value!r}", f"Set it to seconds, e.g. {TIMEOUT_S:.0f}"
    )


@dataclass
class Readiness:
    """The start of one program: what it waits for, and since when nothing has changed."""

    name: str
    health: str
    log: Path
    timeout_s: float
    report: Callable[[str], None] = lambda _: None
    now: Callable[[], float] = time.monotonic
    _seen: tuple[str, int] = ("", -1)
    _changed_at: float = 0.0
    _reported_at: float = field(default=0.0)

    def __post_init__(self) -> None:
        self._changed_at = self._reported_at = self.now()

    async def is_ready(self) -> bool:
        """Ask once. Raise ConfigurationError if nothing has changed for the timeout."""
        missing = await asyncio.to_thread(missing_at, self.health)
        if not missing:
            return True
        self.note(missing, self.log.stat().st_size if self.log.exists() else 0)
        return False

    def note(self, missing: str, log_bytes: int) -> None:
        """Take what is missing. Report it now and then; raise after the timeout."""
        now = self.now()
        if (missing, log_bytes) != self._seen:
            self._seen, self._changed_at = (missing, log_bytes), now
        if now - self._changed_at > self.timeout_s:
            raise ConfigurationError(
                f"{self.name} is not ready, and nothing has changed for {self.timeout_s:g} s. "
                f"It waits for: {missing}",
                f"See {self.log}, or wait longer: export {TIMEOUT_VARIABLE}={2 * self.timeout_s:g}",
            )
        if now - self._reported_at > REPORT_EVERY_S:
            self._reported_at = now
            self.report(f"waiting for {self.name}: {missing}")


def missing_at(health: str) -> str:
    """Return what a program says it is waiting for. Empty: it is ready."""
    try:
        status, body = ask(health, timeout_s=HEALTH_TIMEOUT_S)
    except OSError:
        return "its process to listen"
    if status == OK:
        return ""
    return body.decode(errors="replace").strip() or f"status {status}"
