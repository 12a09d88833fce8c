"""What the budget service answers."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from daydream_budget.ledger import Ledger
from daydream_budget.rules import next_window
from daydream_shared.requests import BudgetState, LimitState, Nothing, SetLimit, StageSpend
from daydream_shared.subjects import (
    BUDGET_CLOSE,
    BUDGET_DRAW,
    BUDGET_GROW,
    BUDGET_LIMIT,
    BUDGET_OPEN,
    BUDGET_SETTLE,
    BUDGET_STATE,
    Endpoint,
)


def endpoints(ledger: Ledger) -> Mapping[Endpoint[Any, Any], Callable[[Any], Awaitable[Any]]]:
    """Every question of the budget's. All are idempotent by what they carry: see `rules`."""

    async def set_limit(question: SetLimit) -> BudgetState:
        await ledger.ask(question)
        return state(ledger)

    async def get_state(_: Nothing) -> BudgetState:
        await ledger.refresh()
        return state(ledger)

    return {
        BUDGET_OPEN: ledger.ask,
        BUDGET_GROW: ledger.ask,
        BUDGET_DRAW: ledger.ask,
        BUDGET_SETTLE: ledger.ask,
        BUDGET_CLOSE: ledger.ask,
        BUDGET_LIMIT: set_limit,
        BUDGET_STATE: get_state,
    }


def state(ledger: Ledger) -> BudgetState:
    """The books, summed up."""
    books, now = ledger.books, ledger.now()
    limits = []
    for window, cap in books.caps.items():
        settled, drawn = books.used(window, now)
        limits.append(
            LimitState(window=window, cap_nanousd=cap, settled_nanousd=settled, drawn_nanousd=drawn,
                       open_nanousd=books.sums["open"], renews_at=next_window(books, window, now))
        )  # fmt: skip
    spend = tuple(
        StageSpend(stage=stage, model=model, calls=row.calls, unknown_calls=row.unknown_calls, settled_nanousd=row.settled,
                   input_tokens=row.input_tokens, output_tokens=row.output_tokens)
        for (stage, model), row in sorted(books.spend.items())
    )  # fmt: skip
    return BudgetState(
        limits=tuple(limits), spend=spend, settled_nanousd=books.sums["settled"], drawn_nanousd=books.sums["drawn"],
        open_nanousd=books.sums["open"], envelopes_open=sum(1 for e in books.envelopes.values() if e.status == "open"),
        envelopes_closed=books.sums["closed"], attempts_drawn=len(books.outstanding), overruns=books.sums["overruns"], last_sequence=ledger.sequence,
    )  # fmt: skip
