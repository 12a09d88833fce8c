"""Keep the state of the loop, read every two seconds, so that no page waits for it."""

from __future__ import annotations

from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from daydream_console.diagnosis import Diagnosis, diagnose
from daydream_console.overview import Overview

READ_EVERY_S = 2.0
SAMPLES_MAX = 90  # three minutes: the rates of the diagram are means over them


@dataclass
class LoopWatch:
    """Read the state in a loop. `read` asks all services."""

    read: Callable[[], Awaitable[Overview]]
    pause: Callable[[float], Awaitable[None]]
    _samples: deque[Overview] = field(default_factory=lambda: deque(maxlen=SAMPLES_MAX))

    async def follow(self) -> None:
        """Read until the task is cancelled."""
        while True:
            self._samples.append(await self.read())
            await self.pause(READ_EVERY_S)

    async def state(self) -> Overview:
        """Return the latest state."""
        if not self._samples:
            self._samples.append(await self.read())
        return self._samples[-1]

    async def diagnosis(self) -> Diagnosis:
        """Return why nothing is happening."""
        return diagnose(await self.state())

    def rates_per_min(self) -> dict[tuple[str, str], float]:
        """Return the messages per minute that each consumer has handled, by service and subject."""
        if len(self._samples) < 2:
            return {}
        first, last = self._samples[0], self._samples[-1]
        minutes = max(1e-9, (last.at - first.at).total_seconds() / 60)
        before = {(stage.service, stage.subject): stage.handled for stage in first.stages}
        return {
            (stage.service, stage.subject): max(
                0.0, (stage.handled - before.get((stage.service, stage.subject), 0)) / minutes
            )
            for stage in last.stages
        }

    def spend_per_min(self) -> dict[str, float]:
        """Return the nano-dollars per minute that each stage has settled."""
        budgets = [(sample.at, sample.budget) for sample in self._samples if sample.budget]
        if len(budgets) < 2:
            return {}
        (first_at, first), (last_at, last) = budgets[0], budgets[-1]
        minutes = max(1e-9, (last_at - first_at).total_seconds() / 60)
        spent: dict[str, float] = {}
        for budget, sign in ((last, 1), (first, -1)):
            for row in budget.spend:
                spent[row.stage] = spent.get(row.stage, 0) + sign * row.settled_nanousd / minutes
        return spent

    def latest(self) -> Overview | None:
        """Return the latest state that was read. None before the first one."""
        return self._samples[-1] if self._samples else None
