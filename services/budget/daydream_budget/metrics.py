"""The ledger as metrics: limits, tax, burn rate, refusals, cost of a daydream and an insight."""

from __future__ import annotations

import logging
from collections.abc import Callable

import nats.errors
from nats.js import JetStreamContext
from opentelemetry import trace

from daydream_budget.ledger.ledger import Ledger
from daydream_budget.ledger.summary import summary
from daydream_contracts.errors import DaydreamError
from daydream_contracts.events import NANOUSD_PER_USD
from daydream_contracts.metrics import Metric
from daydream_contracts.metrics import budget as table
from daydream_contracts.rpc import HALT_REASONS, BudgetState, EmptyRequest, Grant, MemoryState
from daydream_contracts.topology import LEDGER, LEDGER_MIRROR, MEMORY_STATE
from daydream_runtime.instruments import Values
from daydream_runtime.runtime_context import Runtime
from daydream_runtime.span_failures import record_backpressure
from daydream_runtime.telemetry import Telemetry

log = logging.getLogger(__name__)
POLL_S = 15.0


class RefusalCounter:
    """Count refusals by their reason.

    `near-cap` is a short wait for money that work in progress holds. `cap` is a cap that is used
    up.
    """

    def __init__(self, telemetry: Telemetry) -> None:
        self._counter = telemetry.counter(table.REFUSALS)

    def counted(self, grant: Grant) -> Grant:
        """Return the grant, counted if it is a refusal."""
        if grant.refusal is not None:
            reason = table.NEAR_CAP if grant.refusal.near_cap else grant.refusal.reason
            self._counter.add(1, reason)
            record_backpressure(trace.get_current_span(), reason)
        return grant


class BudgetMetrics:
    """Observe one replica. Every replica shows the same ledger: take the maximum, not the sum."""

    def __init__(self, runtime: Runtime, ledger: Ledger) -> None:
        self._runtime = runtime
        self._ledger = ledger
        self._memory: MemoryState | None = None
        self._sequences: dict[str, int] = {}
        self._show(table.LIMITS, _limits)
        self._show(table.OVERRUNS, lambda state: [(state.overruns, ())])
        self._show(table.BURN, lambda state: [(state.burn_nanousd_per_h / NANOUSD_PER_USD, ())])
        self._show(table.TAX, _tax)
        self._show(table.COST, self._costs)
        gauge = runtime.telemetry.gauge
        gauge(table.HALTED, self._halted)
        gauge(table.CLOCK_SKEW, lambda: [(ledger.clock.skew_s, ())])
        gauge(
            table.LEDGER_ENTRIES,
            lambda: [(sequence, (name,)) for name, sequence in self._sequences.items()],
        )

    async def follow(self) -> None:
        """Read what the ledger does not know, again and again, until the service stops."""
        while not self._runtime.stopping.is_set():
            await self._read_memory()
            await self._read_streams(self._runtime.js)
            await self._runtime.pause(POLL_S)

    async def _read_memory(self) -> None:
        """Read the number of insights, for the cost of an insight."""
        try:
            self._memory = await self._runtime.rpc.request(
                MEMORY_STATE, EmptyRequest(), patience_s=POLL_S
            )
        except DaydreamError as error:
            log.debug("The memory does not report its insights: %s", error)

    async def _read_streams(self, js: JetStreamContext) -> None:
        """Read how long ledger and mirror are."""
        # the mirror first: it may not have what the ledger gets in between
        for name, stream in (("mirror", LEDGER_MIRROR), ("ledger", LEDGER)):
            try:
                self._sequences[name] = (await js.stream_info(stream)).state.last_seq
            except (nats.errors.Error, ConnectionError, TimeoutError) as error:
                log.debug("The stream %s can't be read: %r", stream, error)

    def _show(self, metric: Metric, values: Callable[[BudgetState], Values]) -> None:
        self._runtime.telemetry.gauge(metric, lambda: values(self._summary()))

    def _summary(self) -> BudgetState:
        return summary(self._ledger.state, self._ledger.sequence, self._ledger.ledger_time())

    def _halted(self) -> Values:
        halted = self._ledger.halted
        for reason in HALT_REASONS:
            yield int(halted is not None and halted.reason == reason), (reason,)

    def _costs(self, state: BudgetState) -> Values:
        if state.daydreams_paid:
            mean = state.daydreams_nanousd / state.daydreams_paid
            yield mean / NANOUSD_PER_USD, ("daydream",)
        for name, count in self._insights().items():
            if count:
                yield state.settled_nanousd / count / NANOUSD_PER_USD, (name,)

    def _insights(self) -> dict[str, int]:
        memory = self._memory
        if memory is None:
            return {}
        promoted = memory.decisions.get("promoted", 0)
        return {"insight": promoted, "promoted-insight": memory.insights}


def _limits(state: BudgetState) -> Values:
    for limit in state.limits:
        amounts = {
            "cap": limit.cap_nanousd,
            "settled": limit.settled_nanousd,
            "authorized": limit.authorized_nanousd,
            "reserved": limit.reserved_nanousd,
        }
        for name, value in amounts.items():
            yield value / NANOUSD_PER_USD, (limit.scope, limit.window, name)


def _tax(state: BudgetState) -> Values:
    if state.tax is not None and state.tax.ratio is not None:
        yield state.tax.ratio, ("ratio",)
    if state.tax is not None and state.tax.ratio_cap is not None:
        yield state.tax.ratio_cap, ("cap",)
