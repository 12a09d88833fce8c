"""Time for the limiter: a clock, timers and jitter, all of which a test can replace."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Protocol

JITTER_SHARE = 0.2


class Timer(Protocol):
    """A callback that is due later."""

    def cancel(self) -> None:
        """Drop the callback."""


class Scheduler(Protocol):
    """A monotonic clock with timers. Every asyncio event loop is one."""

    def time(self) -> float:
        """Return the seconds since an arbitrary moment."""

    def call_later(self, delay: float, callback: Callable[[], object], /) -> Timer:
        """Call `callback` after `delay` seconds."""


def jittered(wait_s: float, rng: Random, extra_s_max: float = float("inf")) -> float:
    """Return the wait, made longer at random: by at most a fifth, and at most `extra_s_max`."""
    return wait_s + rng.random() * min(JITTER_SHARE * wait_s, extra_s_max)
