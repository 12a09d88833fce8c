"""What the budget service takes and answers."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from daydream_budget.ledger.ledger import Ledger
from daydream_budget.reports import cost_of
from daydream_budget.summary import summary
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
    """The budget's consumer."""

    async def foreground_reported(report: ForegroundReported) -> list[Message]:
        """Harmless twice: a report's id is counted once."""
        cost = cost_of(report, prices) if report.cost_nanousd is None else report.cost_nanousd
        question = ReportForeground(
            report_id=report.report_id, at=report.spent_at, cost_nanousd=cost
        )
        if not (await ledger.ask(question)).counted:
            raise PermanentError(
                "too-old",
                f"the report is from {report.spent_at:%Y-%m-%d %H:%M}, and only the last day's can be counted",
            )
        return []

    return {ForegroundReported: foreground_reported}


def endpoints(ledger: Ledger) -> Mapping[Endpoint[Any, Any], Callable[[Any], Awaitable[Any]]]:
    """Every question of the budget's. All are idempotent by what they carry: see `rules`."""

    async def change(question: ChangeBudget) -> BudgetChanged:
        answer = await ledger.ask(question)
        return BudgetChanged(
            refusal=answer.refusal, state=summary(ledger.books, ledger.sequence, ledger.now())
        )

    async def state(_: EmptyRequest) -> BudgetState:
        await ledger.refresh()
        return summary(ledger.books, ledger.sequence, ledger.now())

    return {
        BUDGET_OPEN: ledger.ask,
        BUDGET_INCREASE: ledger.ask,
        BUDGET_AUTHORIZE: ledger.ask,
        BUDGET_SETTLE: ledger.ask,
        BUDGET_RELEASE: ledger.ask,
        BUDGET_CHANGE: change,
        BUDGET_STATE: state,
    }
