"""What the provider's log says of the slots: how many calls ended, and how long slots were busy."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Call:
    """A call at the provider, from its arrival to its answer, in seconds since the epoch."""

    began: float
    ended: float

    def within(self, begin: float, end: float) -> float:
        """Return how many of its seconds are in a window."""
        return max(0.0, min(self.ended, end) - max(self.began, begin))


def calls_of(lines: Iterable[Mapping[str, Any]]) -> list[Call]:
    """Return the calls that were answered. A key that was sent twice is two calls."""
    began: dict[str, list[float]] = {}
    calls = []
    for line in lines:
        if line["event"] == "start":
            began.setdefault(line["key"], []).append(line["at"])
        elif line["event"] in ("end", "gone") and began.get(line["key"]):
            calls.append(Call(began[line["key"]].pop(0), line["at"]))
    return calls


def calls_per_s(calls: Sequence[Call], begin: float, end: float) -> float:
    """Return how many calls ended in each second of a window, on average."""
    return sum(begin <= call.ended < end for call in calls) / (end - begin)


def slot_efficiency(calls: Sequence[Call], slots: int, begin: float, end: float) -> float:
    """Return the share of the slots' time in a window that was spent waiting for the provider."""
    return sum(call.within(begin, end) for call in calls) / (slots * (end - begin))
