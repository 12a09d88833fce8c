"""Rate limits of the fake provider. Both refuse with 429 and say when to come again."""

from __future__ import annotations

import time
from typing import Any, Protocol


class FakeLimit(Protocol):
    """Counts calls, and refuses those above its rate."""

    def wait_s(self) -> float:
        """Count a call. Return 0, or the seconds to wait if it is refused."""
        ...


class FakeFixedWindow(FakeLimit):
    """A number of calls in each window of time; the windows start with the first call."""

    def __init__(self, calls: int, seconds: float) -> None:
        self.calls, self.seconds = calls, seconds
        self._opened_s, self._used = 0.0, 0

    def wait_s(self) -> float:
        now_s = time.monotonic()
        if now_s - self._opened_s >= self.seconds:
            self._opened_s, self._used = now_s, 0
        if self._used < self.calls:
            self._used += 1
            return 0.0
        return self._opened_s + self.seconds - now_s


class FakeTokenBucket(FakeLimit):
    """A bucket of calls that refills steadily."""

    def __init__(self, calls: int, seconds: float) -> None:
        self.calls, self.rate = calls, calls / seconds
        self._level, self._at_s = float(calls), time.monotonic()

    def wait_s(self) -> float:
        now_s = time.monotonic()
        self._level = min(self.calls, self._level + (now_s - self._at_s) * self.rate)
        self._at_s = now_s
        if self._level >= 1:
            self._level -= 1
            return 0.0
        return (1 - self._level) / self.rate


def limit_of(description: dict[str, Any] | None) -> FakeLimit | None:
    """Make a limit from `{"kind": "window" or "bucket", "calls": 60, "seconds": 60}`."""
    if not description:
        return None
    calls, seconds = description["calls"], description["seconds"]
    if description["kind"] == "window":
        return FakeFixedWindow(calls, seconds)
    return FakeTokenBucket(calls, seconds)
