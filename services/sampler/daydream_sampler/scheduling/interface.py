"""The interface of a draw schedule: is it time to draw?"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True)
class Wait:
    """It is not time to draw: why, and until when if that is known."""

    text: str
    until: datetime | None = None


class DrawSchedule(Protocol):
    """Asked before every draw, so it answers from what it knows and polls no more than it must."""

    async def wait(self, now: datetime) -> Wait | None:
        """Return None when it is time to draw."""

    def ahead(self, now: datetime) -> float:
        """Return a factor on the pairs that may be in progress, to catch up after a wait; usually
        1.
        """


class Always:
    """It is always time to draw."""

    async def wait(self, now: datetime) -> Wait | None:
        return None

    def ahead(self, now: datetime) -> float:
        return 1.0
