"""Handle what the budget service receives: foreground reports, and requests about money.

All requests are idempotent by the ids in them (see `ledger.rules`). A request is answered once the
entries of its reply are in the ledger's stream.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Annotated

from daydream_budget.foreground_cost import cost_of
from daydream_budget.ledger.ledger import Ledger
from daydream_budget.ledger.summary import summary
from daydream_budget.metrics import RefusalCounter
from daydream_budget.pricing.price_file import FlatPrice
from daydream_contracts.errors import PermanentError
from daydream_contracts.events import ForegroundReported
from daydream_contracts.rpc import (
    HALT_REASONS,
    AttemptsSettled,
    Authorize,
    BudgetChanged,
    BudgetState,
    ChangeBudget,
    EmptyRequest,
    Grant,
    LedgerRepair,
    OpenReservation,
    ReleaseReservation,
    RepairLedger,
    ReportForeground,
    ReservationStatus,
    Settle,
    SettleAttempts,
)
from daydream_runtime.from_context import FromContext


async def foreground_reported(
    report: ForegroundReported,
    ledger: Annotated[Ledger, FromContext()],
    prices: Annotated[Mapping[str, FlatPrice], FromContext()],
) -> None:
    """Count foreground spend. Idempotent: a report's id is counted once.

    Raises PermanentError if the report is too old or its model has no price.
    """
    cost = cost_of(report, prices) if report.cost_nanousd is None else report.cost_nanousd
    request = ReportForeground(report_id=report.report_id, at=report.spent_at, cost_nanousd=cost)
    if not (await ledger.submit(request)).counted:
        raise PermanentError(
            "too-old",
            f"The report is from {report.spent_at:%Y-%m-%d %H:%M}. "
            "Only reports of the last day are counted.",
        )


async def open_reservation(
    request: OpenReservation,
    ledger: Annotated[Ledger, FromContext()],
    refusals: Annotated[RefusalCounter, FromContext()],
) -> Grant:
    """Reserve money for one daydream, for the first plan that the remaining money allows."""
    first = request.first_attempt
    return refusals.counted(await _grant(ledger, request, first.settlements if first else ()))


async def authorize(
    request: Authorize,
    ledger: Annotated[Ledger, FromContext()],
    refusals: Annotated[RefusalCounter, FromContext()],
) -> Grant:
    """Authorize the upper bound of one attempt at a model call, against every limit."""
    return refusals.counted(await _grant(ledger, request, request.settlements))


async def settle(
    request: SettleAttempts, ledger: Annotated[Ledger, FromContext()]
) -> AttemptsSettled:
    """Settle attempts with their real costs."""
    settled = await asyncio.gather(*map(ledger.submit, request.attempts))
    return AttemptsSettled(attempts=tuple(settled))


async def release_reservation(
    request: ReleaseReservation, ledger: Annotated[Ledger, FromContext()]
) -> ReservationStatus:
    """End one branch of a reservation, or all of them."""
    status: ReservationStatus = await ledger.submit(request)
    return status


async def change_budget(
    request: ChangeBudget, ledger: Annotated[Ledger, FromContext()]
) -> BudgetChanged:
    """Change a limit, the tax, the time zone or the pause, or correct a cost."""
    reply = await ledger.submit(request)
    return BudgetChanged(refusal=reply.refusal, state=_state(ledger))


async def budget_state(
    request: EmptyRequest, ledger: Annotated[Ledger, FromContext()]
) -> BudgetState:
    """Return the ledger state, up to date with all replicas. Read only."""
    await ledger.refresh()
    return _state(ledger)


async def repair_ledger(
    request: RepairLedger, ledger: Annotated[Ledger, FromContext()]
) -> LedgerRepair:
    """Show the unreadable messages of the ledger, and void those that a person names."""
    return await ledger.repair(request)


async def _grant(
    ledger: Ledger, request: OpenReservation | Authorize, settlements: Sequence[Settle]
) -> Grant:
    """Return the reply to a request once the settlements that came with it are committed.

    While the ledger is halted it refuses all of them, and says so for the request.
    """
    if not settlements:
        alone: Grant = await ledger.submit(request)
        return alone
    requests = map(ledger.submit, (*settlements, request))  # in this order: they free money
    *settled, reply = await asyncio.gather(*requests, return_exceptions=True)
    if isinstance(reply, BaseException):
        raise reply
    grant: Grant = reply
    failed = [reply for reply in settled if isinstance(reply, BaseException)]
    is_halted = grant.refusal is not None and grant.refusal.reason in HALT_REASONS
    if failed and not is_halted:
        raise failed[0]
    return grant


def _state(ledger: Ledger) -> BudgetState:
    state = summary(ledger.state, ledger.sequence, ledger.ledger_time())
    return state.model_copy(update={"halted": ledger.halted})
