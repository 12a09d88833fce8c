"""What people may change. Every change is an entry with its author and reason; nothing is edited or taken out."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from daydream_budget.ledger.accounts import scopes_of
from daydream_budget.ledger.controls import usd
from daydream_budget.ledger.entries import ControlsChanged, Entry
from daydream_budget.ledger.state import LedgerState
from daydream_budget.ledger.windows import quarter_of
from daydream_contracts.events import ContractModel
from daydream_contracts.rpc import (
    ChangeBudget,
    CorrectionEntry,
    Refusal,
    RemoveLimit,
    SetZone,
    TopUp,
)


class ChangeDecision(ContractModel):
    """The answer to a change; the service adds the state of the books."""

    refusal: Refusal | None = None


def decide(books: LedgerState, question: ChangeBudget) -> tuple[ChangeDecision, tuple[Entry, ...]]:
    """The entry of a change, once; or why it can't be made."""
    if question.change_id in books.controls.changes:
        return ChangeDecision(), ()
    refusal = _refusal(books, question)
    if refusal is not None:
        return ChangeDecision(refusal=refusal), ()
    return ChangeDecision(), (
        ControlsChanged(
            change_id=question.change_id, change=question.change, who=question.who, why=question.why
        ),
    )


def _refusal(books: LedgerState, question: ChangeBudget) -> Refusal | None:
    match question.change:
        case TopUp() | RemoveLimit() as what:
            limit = books.controls.limits.get((what.scope, what.window))
            if limit is None:
                return Refusal(
                    reason="unknown-limit", text=f"there is no limit {what.scope}/{what.window}"
                )
            if isinstance(what, TopUp) and limit.cap_nanousd is None:
                return Refusal(
                    reason="unknown-limit",
                    text=f"{what.scope}/{what.window} is a share of the whole: raise that instead",
                )
        case SetZone() as what:
            try:
                ZoneInfo(what.zone)
            except (ZoneInfoNotFoundError, ValueError):
                return Refusal(reason="invalid-change", text=f"there is no time zone {what.zone!r}")
        case CorrectionEntry() as what:
            return _uncorrectable(books, what)
    return None


def _uncorrectable(books: LedgerState, what: CorrectionEntry) -> Refusal | None:
    """Nothing may come to less than nothing: neither a scope as a whole nor what is known of the quarter-hour."""
    if books.at is not None and what.at > books.at:
        return Refusal(
            reason="invalid-change",
            text=f"the correction is for a time that has not come: {what.at:%Y-%m-%d %H:%M} UTC",
        )
    if what.by_nanousd >= 0:
        return None
    quarter = quarter_of(what.at)
    for scope in scopes_of(what.stage, (what.model,), what.team, what.purpose):
        account = books.accounts.of(scope)
        least = min(
            account.settled,
            account.quarters.get(quarter, 0) if _kept(books, what.at) else account.settled,
        )
        if least + what.by_nanousd < 0:
            return Refusal(
                reason="invalid-change",
                text=f"only {usd(least)} was settled for {scope} at that time",
                shortfall_nanousd=-(least + what.by_nanousd),
            )
    return None


def _kept(books: LedgerState, at: datetime) -> bool:
    quarters = books.accounts.of("all").quarters
    return not quarters or quarter_of(at) >= min(quarters)
