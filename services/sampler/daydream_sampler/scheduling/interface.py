"""What says whether it is time to draw."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True)
class Wait:
    """It is not the time: why, and until when if that is known."""

    text: str
    until: datetime | None = None


class DrawSchedule(Protocol):
    """Asked before every draw, so it answers from what it knows and looks no oftener than it must."""

    async def wait(self, now: datetime) -> Wait | None:
        """None: it is time to draw."""

    def ahead(self, now: datetime) -> float:
        """By which factor more pairs than usual may be on their way, to catch up with what was missed; 1 in the usual case."""


class Always:
    """There is always time."""

    async def wait(self, now: datetime) -> Wait | None:
        return None

    def ahead(self, now: datetime) -> float:
        return 1.0
