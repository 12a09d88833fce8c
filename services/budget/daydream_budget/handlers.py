"""Handle what the budget service receives: foreground reports, and requests about money."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from daydream_budget.foreground_cost import cost_of
from daydream_budget.ledger.ledger import Ledger
from daydream_budget.ledger.summary import summary
from daydream_contracts.errors import PermanentError
from daydream_contracts.events import ForegroundReported, Message
from daydream_contracts.rpc import (
    BudgetChanged,
    BudgetState,
    ChangeBudget,
    EmptyRequest,
    ReportForeground,
)
from daydream_contracts.topology import (
    BUDGET_AUTHORIZE,
    BUDGET_CHANGE,
    BUDGET_INCREASE,
    BUDGET_OPEN,
    BUDGET_RELEASE,
    BUDGET_SETTLE,
    BUDGET_STATE,
    Endpoint,
)
from daydream_models.pricing.price_file import FlatPrice
from daydream_runtime.service import Handler


def handlers(ledger: Ledger, prices: Mapping[str, FlatPrice]) -> Mapping[type[Message], Handler]:
    """Return the budget's consumer."""

    async def foreground_reported(report: ForegroundReported) -> list[Message]:
        """Count foreground spend. Idempotent: a report's id is counted once."""
        cost = cost_of(report, prices) if report.cost_nanousd is None else report.cost_nanousd
        request = ReportForeground(
            report_id=report.report_id, at=report.spent_at, cost_nanousd=cost
        )
        if not (await ledger.submit(request)).counted:
            raise PermanentError(
                "too-old",
                f"The report is from {report.spent_at:%Y-%m-%d %H:%M}. "
                "Only reports of the last day are counted.",
            )
        return []

    return {ForegroundReported: foreground_reported}


def endpoints(ledger: Ledger) -> Mapping[Endpoint[Any, Any], Callable[[Any], Awaitable[Any]]]:
    """Return the budget's endpoints. All are idempotent by the ids in the requests: see `rules`."""

    async def change(request: ChangeBudget) -> BudgetChanged:
        reply = await ledger.submit(request)
        state = summary(ledger.state, ledger.sequence, ledger.ledger_time())
        return BudgetChanged(refusal=reply.refusal, state=state)

    async def state(_: EmptyRequest) -> BudgetState:
        await ledger.refresh()
        return summary(ledger.state, ledger.sequence, ledger.ledger_time())

    return {
        BUDGET_OPEN: ledger.submit,
        BUDGET_INCREASE: ledger.submit,
        BUDGET_AUTHORIZE: ledger.submit,
        BUDGET_SETTLE: ledger.submit,
        BUDGET_RELEASE: ledger.submit,
        BUDGET_CHANGE: change,
        BUDGET_STATE: state,
    }
