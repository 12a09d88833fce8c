"""Show how far a run of an arm is, and about how long it still takes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from daydream_console.bench.wording import dollars, duration
from daydream_console.cli.output import count, err
from daydream_console.cli.run_progress import RunWatch
from daydream_console.overview import Overview
from daydream_contracts.events import NANOUSD_PER_USD
from daydream_contracts.rpc import BudgetState, MemoryState, SamplerState

PRINTED_EVERY = timedelta(seconds=15)
SHARE_MIN = 0.02  # of the way: less tells nothing of the rest


@dataclass
class ArmWatch(RunWatch):
    """Watch a run of an arm. Its cap ends it, and each of the two maxima that is not 0."""

    label: str = ""
    cap_nanousd: int = 0
    daydreams_max: int = 0
    seconds_max: float = 0.0
    began: datetime | None = None
    printed: datetime | None = None

    def show(
        self, state: Overview, sampler: SamplerState, budget: BudgetState, memory: MemoryState
    ) -> None:
        """Show daydreams, spend and the time left: on the bar, and on a line now and then."""
        self.began = self.began or state.at
        ended = max(0, sampler.drawn - budget.daydreams_open)
        spent = budget.settled_nanousd
        text = f"{self.label}: {self.calibrating_text or self._done(ended, spent)}"
        shares = [spent / self.cap_nanousd]
        if self.daydreams_max:
            shares.append(ended / self.daydreams_max)
        seconds = (state.at - self.began).total_seconds()
        if left := time_left(seconds, shares, self.seconds_max):
            text += f", {left} left"
        self.show_waiting(state)
        self.progress.update(self.task, completed=ended, description=text)
        if not err.is_terminal and _is_due(self.printed, state.at):
            self.printed = state.at
            err.print(text, markup=False)

    def _done(self, ended: int, spent: int) -> str:
        of = f"{ended} of " if self.daydreams_max else ""
        daydreams = count(self.daydreams_max or ended, "daydream")
        cap = dollars(self.cap_nanousd / NANOUSD_PER_USD)
        return f"{of}{daydreams}, {dollars(spent / NANOUSD_PER_USD)} of {cap} spent"


def time_left(seconds: float, shares: Iterable[float], seconds_max: float = 0.0) -> str:
    """Return about how long it takes until the first bound, or "" if nothing is known.

    `shares` of each bound that are reached after `seconds`. `seconds_max` is a bound, or 0.
    """
    share = max(shares)
    at_most = max(0.0, seconds_max - seconds) if seconds_max else float("inf")
    if share < SHARE_MIN:
        return f"at most {duration(at_most)}" if seconds_max else ""
    return f"about {duration(min(at_most, seconds * (1 - share) / share))}"


def _is_due(printed: datetime | None, now: datetime) -> bool:
    return printed is None or now - printed >= PRINTED_EVERY
