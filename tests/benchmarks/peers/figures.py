"""What the files of a run say: which pairs have ended, and which calls were made again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


def ended_numbers(text: str) -> set[int]:
    """Return the numbers of the pairs that have ended, each once. A line without its end is left
    out: it is being written."""
    return {int(line) for line in text.splitlines(keepends=True) if line.endswith("\n")}


@dataclass(frozen=True)
class CallCounts:
    """How many calls the provider got, and how many different ones."""

    calls: int
    different: int

    @property
    def repeated(self) -> int:
        """Return the calls beyond one per call."""
        return self.calls - self.different

    def since(self, before: CallCounts) -> CallCounts:
        """Return what came after `before`. A call that was made before and again after counts as
        repeated after."""
        return CallCounts(self.calls - before.calls, self.different - before.different)

    @property
    def per_call(self) -> float:
        """Return how often a call was made, in the mean; 0 if none was."""
        return self.calls / self.different if self.different else 0.0


def counted(calls: Mapping[str, int]) -> CallCounts:
    """Count the calls of a provider's record: how often each request was sent, by its key."""
    return CallCounts(sum(calls.values()), len(calls))
