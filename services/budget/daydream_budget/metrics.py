"""The books as metrics: every limit, the tax, the burn, and what a daydream and an insight cost."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable

from opentelemetry.metrics import CallbackOptions, Observation

from daydream_budget.ledger.ledger import Ledger
from daydream_budget.summary import summary
from daydream_contracts.errors import DaydreamError
from daydream_contracts.events import NANOUSD_PER_USD
from daydream_contracts.rpc import BudgetState, EmptyRequest, MemoryState
from daydream_contracts.topology import MEMORY_STATE
from daydream_runtime.service import Runtime

log = logging.getLogger(__name__)
YIELD_S = 15.0


class BudgetMetrics:
    """Observes one replica's books; every replica shows the same ledger, so take the maximum over them, not the sum."""

    def __init__(self, runtime: Runtime, ledger: Ledger) -> None:
        self._runtime = runtime
        self._ledger = ledger
        self._memory: MemoryState | None = None
        gauge = runtime.telemetry.meters.get_meter("daydream").create_observable_gauge
        for name, unit, description, observe in (
            ("daydream.budget", "usd", "each limit and what counts against it", self._limits),
            (
                "daydream.budget.overruns",
                "1",
                "bills above their bound: each is an alarm",
                self._overruns,
            ),
            ("daydream.budget.burn", "usd/h", "spending in the last hour", self._burn),
            ("daydream.tax", "1", "daydream spend over foreground spend, and its cap", self._tax),
            (
                "daydream.cost",
                "usd",
                "what one daydream, one insight and one promoted insight has cost",
                self._costs,
            ),
        ):
            gauge(name, [self._observed(observe)], unit=unit, description=description)

    async def watch_yield(self) -> None:
        """Ask the memory what was found, for the cost of an insight."""
        while not self._runtime.stopping.is_set():
            try:
                self._memory = await self._runtime.ask(
                    MEMORY_STATE, EmptyRequest(), patience_s=YIELD_S
                )
            except DaydreamError as failure:
                log.debug("the memory does not say what was found: %s", failure)
            await self._runtime.pause(YIELD_S)

    def _observed(
        self, observe: Callable[[BudgetState], Iterable[Observation]]
    ) -> Callable[[CallbackOptions], Iterable[Observation]]:
        return lambda _: list(
            observe(summary(self._ledger.books, self._ledger.sequence, self._ledger.now()))
        )

    def _limits(self, state: BudgetState) -> Iterable[Observation]:
        for limit in state.limits:
            amounts = {
                "cap": limit.cap_nanousd,
                "settled": limit.settled_nanousd,
                "authorized": limit.authorized_nanousd,
                "reserved": limit.reserved_nanousd,
            }
            for name, value in amounts.items():
                yield Observation(
                    value / NANOUSD_PER_USD,
                    {"scope": limit.scope, "window": limit.window, "of": name},
                )

    def _overruns(self, state: BudgetState) -> Iterable[Observation]:
        yield Observation(state.overruns)

    def _burn(self, state: BudgetState) -> Iterable[Observation]:
        yield Observation(state.burn_nanousd_per_h / NANOUSD_PER_USD)

    def _tax(self, state: BudgetState) -> Iterable[Observation]:
        if state.tax is not None and state.tax.ratio is not None:
            yield Observation(state.tax.ratio, {"of": "ratio"})
        if state.tax is not None and state.tax.ratio_cap is not None:
            yield Observation(state.tax.ratio_cap, {"of": "cap"})

    def _costs(self, state: BudgetState) -> Iterable[Observation]:
        if state.daydreams_paid:
            yield Observation(
                state.daydreams_nanousd / state.daydreams_paid / NANOUSD_PER_USD, {"of": "daydream"}
            )
        memory = self._memory
        found = (
            {"insight": memory.decisions.get("promoted", 0), "promoted-insight": memory.insights}
            if memory
            else {}
        )
        for name, count in found.items():
            if count:
                yield Observation(state.settled_nanousd / count / NANOUSD_PER_USD, {"of": name})
