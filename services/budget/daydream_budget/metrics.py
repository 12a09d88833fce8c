"""The ledger as metrics: limits, tax, burn rate, refusals, cost of a daydream and an insight."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable

from opentelemetry import trace
from opentelemetry.metrics import CallbackOptions, Observation

from daydream_budget.ledger.ledger import Ledger
from daydream_budget.ledger.summary import summary
from daydream_contracts.errors import DaydreamError
from daydream_contracts.events import NANOUSD_PER_USD
from daydream_contracts.rpc import HALT_REASONS, BudgetState, EmptyRequest, Grant, MemoryState
from daydream_contracts.topology import MEMORY_STATE
from daydream_runtime.runtime_context import Runtime
from daydream_runtime.span_failures import record_back_pressure
from daydream_runtime.telemetry import Telemetry

log = logging.getLogger(__name__)
MEMORY_POLL_S = 15.0
NEAR_CAP = "near-cap"
REASONS = (NEAR_CAP, "cap", "tax", "paused", "no-cap", *HALT_REASONS)


class RefusalCounter:
    """Count refusals by their reason.

    `near-cap` is a short wait for money that work in progress holds. `cap` is a cap that is used
    up.
    """

    def __init__(self, telemetry: Telemetry) -> None:
        self._counter = telemetry.meters.get_meter("daydream").create_counter(
            "daydream.budget.refusals", description="requests for money that the ledger refused"
        )
        for reason in REASONS:
            self._counter.add(0, {"reason": reason})

    def counted(self, grant: Grant) -> Grant:
        """Return the grant, counted if it is a refusal."""
        if grant.refusal is not None:
            reason = NEAR_CAP if grant.refusal.near_cap else grant.refusal.reason
            self._counter.add(1, {"reason": reason})
            record_back_pressure(trace.get_current_span(), reason)
        return grant


class BudgetMetrics:
    """Observe one replica. Every replica shows the same ledger: take the maximum, not the sum."""

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
                "calls that cost more than their upper bound",
                self._overruns,
            ),
            (
                "daydream.ledger.halted",
                "1",
                "1 while nothing is committed, by reason",
                self._halted,
            ),
            ("daydream.budget.burn", "usd/h", "spending in the last hour", self._burn),
            ("daydream.tax", "1", "daydream spend over foreground spend, and its cap", self._tax),
            (
                "daydream.cost",
                "usd",
                "cost of one daydream, one insight and one promoted insight",
                self._costs,
            ),
        ):
            gauge(name, [self._callback(observe)], unit=unit, description=description)
        gauge(
            "daydream.budget.clock_skew",
            [lambda _: [Observation(ledger.clock.skew_s)]],
            unit="s",
            description="how far the clock is ahead of NATS's clock",
        )

    async def watch_memory(self) -> None:
        """Poll the number of insights from memory, for the cost of an insight."""
        while not self._runtime.stopping.is_set():
            try:
                self._memory = await self._runtime.rpc.request(
                    MEMORY_STATE, EmptyRequest(), patience_s=MEMORY_POLL_S
                )
            except DaydreamError as error:
                log.debug("The memory does not report its insights: %s", error)
            await self._runtime.pause(MEMORY_POLL_S)

    def _callback(
        self, observe: Callable[[BudgetState], Iterable[Observation]]
    ) -> Callable[[CallbackOptions], Iterable[Observation]]:
        return lambda _: list(observe(self._summary()))

    def _summary(self) -> BudgetState:
        return summary(self._ledger.state, self._ledger.sequence, self._ledger.ledger_time())

    def _limits(self, state: BudgetState) -> Iterable[Observation]:
        for limit in state.limits:
            amounts = {
                "cap": limit.cap_nanousd,
                "settled": limit.settled_nanousd,
                "authorized": limit.authorized_nanousd,
                "reserved": limit.reserved_nanousd,
            }
            for name, value in amounts.items():
                labels = {"scope": limit.scope, "window": limit.window, "of": name}
                yield Observation(value / NANOUSD_PER_USD, labels)

    def _overruns(self, state: BudgetState) -> Iterable[Observation]:
        yield Observation(state.overruns)

    def _halted(self, _: BudgetState) -> Iterable[Observation]:
        halted = self._ledger.halted
        for reason in HALT_REASONS:
            yield Observation(
                int(halted is not None and halted.reason == reason), {"reason": reason}
            )

    def _burn(self, state: BudgetState) -> Iterable[Observation]:
        yield Observation(state.burn_nanousd_per_h / NANOUSD_PER_USD)

    def _tax(self, state: BudgetState) -> Iterable[Observation]:
        if state.tax is not None and state.tax.ratio is not None:
            yield Observation(state.tax.ratio, {"of": "ratio"})
        if state.tax is not None and state.tax.ratio_cap is not None:
            yield Observation(state.tax.ratio_cap, {"of": "cap"})

    def _costs(self, state: BudgetState) -> Iterable[Observation]:
        if state.daydreams_paid:
            mean = state.daydreams_nanousd / state.daydreams_paid
            yield Observation(mean / NANOUSD_PER_USD, {"of": "daydream"})
        for name, count in self._insights().items():
            if count:
                cost = state.settled_nanousd / count
                yield Observation(cost / NANOUSD_PER_USD, {"of": name})

    def _insights(self) -> dict[str, int]:
        memory = self._memory
        if memory is None:
            return {}
        promoted = memory.decisions.get("promoted", 0)
        return {"insight": promoted, "promoted-insight": memory.insights}
