"""How much processor time and memory a document may need before its reading ends itself.

The process that reads has hard limits, and what it holds then is lost. So readers of documents with
many parts ask after each part, and stop before: what they have read becomes facts, and the report
says where they stopped. Without such a process nothing is limited.
"""

from __future__ import annotations

import os
import resource
import time
from contextlib import suppress
from dataclasses import dataclass

from daydream_memory.reading.passages import LeftOut

STOPPED = "stopped"  # kind of what was left out; an ingest offers such a document again
STATUS = "/proc/self/statm"
STATUS_BYTES = 256
# Of the limits of a document. The rest of them is for what was read: it still has to become facts.
READING_SHARE, FACTS_SHARE = 0.6, 0.85


@dataclass
class _Allowance:
    """`cpu_s`: that the document may need, 0 for no limit. `wall_s`: the same of time in all.

    `used_s`: processor time of this process before it. `began_s`: its start on the monotonic clock.
    `status`: open file that tells memory.
    """

    cpu_s: float = 0.0
    wall_s: float = 0.0
    used_s: float = 0.0
    began_s: float = 0.0
    resident_bytes: int = 0
    status: int = -1


_allowed = _Allowance()


def watch_memory() -> None:
    """Open what tells the memory of this process. Call it before files are out of reach."""
    with suppress(OSError):  # a system without it: memory is then limited from outside alone
        _allowed.status = os.open(STATUS, os.O_RDONLY | os.O_CLOEXEC)


def allow(cpu_s: float, wall_s: float, memory_mb: int) -> None:
    """Allow this time from now on, and this resident memory in all."""
    _allowed.cpu_s, _allowed.used_s = cpu_s, _used_s()
    _allowed.wall_s, _allowed.began_s = wall_s, time.monotonic()
    _allowed.resident_bytes = memory_mb << 20


def allow_all() -> None:
    """Limit nothing any more."""
    _allowed.cpu_s = 0.0


def used_up(share: float = READING_SHARE) -> str:
    """Return of what a share is used up, "time" or "memory", "" while there is some left."""
    if not _allowed.cpu_s:
        return ""
    if time.monotonic() - _allowed.began_s > share * _allowed.wall_s:
        return "time"
    if _used_s() - _allowed.used_s > share * _allowed.cpu_s:
        return "time"
    return "memory" if _resident_bytes() > share * _allowed.resident_bytes else ""


def stopped_at(part: str, done: int, whole: int, reason: str) -> LeftOut:
    """Return the report of a reading that ended after some of the parts."""
    return LeftOut(
        STOPPED,
        max(1, whole - done),
        f"reading stopped after {part} {done:,} of {whole:,}: the rest needs too much {reason}. "
        "Split it",
    )


def _used_s() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def _resident_bytes() -> int:
    if _allowed.status < 0:
        return 0
    os.lseek(_allowed.status, 0, os.SEEK_SET)
    pages = os.read(_allowed.status, STATUS_BYTES).split()[1]
    return int(pages) * resource.getpagesize()
