"""What people may change. Every change is an entry with its author and reason."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from daydream_budget.ledger.accounts import scopes_of
from daydream_budget.ledger.admission import CLOCK_SKEW_MAX
from daydream_budget.ledger.controls import usd
from daydream_budget.ledger.entries import ControlsChanged, Entry
from daydream_budget.ledger.state import LedgerState
from daydream_budget.ledger.windows import quarter_of
from daydream_contracts.events import ContractModel
from daydream_contracts.number_limits import NANOUSD_MAX
from daydream_contracts.rpc import (
    EVERYTHING,
    Change,
    ChangeBudget,
    CorrectionEntry,
    Refusal,
    RemoveLimit,
    SetZone,
    TopUp,
)


class ChangeDecision(ContractModel):
    """The reply to a change; the service adds the state of the budget."""

    refusal: Refusal | None = None


def decide(
    state: LedgerState, request: ChangeBudget, now: datetime
) -> tuple[ChangeDecision, tuple[Entry, ...]]:
    """Return the entry of a change, once per `change_id`, or why it can't be made."""
    if request.change_id in state.controls.changes:
        return ChangeDecision(), ()
    change = _not_later(request.change, now)
    refusal = _refusal(state, change, now)
    if refusal is not None:
        return ChangeDecision(refusal=refusal), ()
    changed = ControlsChanged(
        change_id=request.change_id, change=change, who=request.who, why=request.why
    )
    return ChangeDecision(), (changed,)


def _not_later(change: Change, now: datetime) -> Change:
    """Return a correction of a moment ago as one of now, if the clock that sent it is ahead."""
    if isinstance(change, CorrectionEntry) and now < change.at <= now + CLOCK_SKEW_MAX:
        return change.model_copy(update={"at": now})
    return change


def _refusal(state: LedgerState, change: Change, now: datetime) -> Refusal | None:
    match change:
        case TopUp() | RemoveLimit() as of_limit:
            return _refuse_limit(state, of_limit)
        case SetZone(zone=name):
            return _refuse_zone(name)
        case CorrectionEntry() as correction:
            return _refuse_correction(state, correction, now)
    return None


def _refuse_limit(state: LedgerState, change: TopUp | RemoveLimit) -> Refusal | None:
    name = f"{change.scope}/{change.window}"
    limit = state.controls.limits.get((change.scope, change.window))
    if limit is None:
        return Refusal(reason="unknown-limit", text=f"Unknown limit: {name}.")
    if isinstance(change, TopUp) and limit.cap_nanousd is None:
        text = f"{name} is a share of all/{change.window}. Raise that limit instead."
        return Refusal(reason="unknown-limit", text=text)
    if isinstance(change, TopUp) and (limit.cap_nanousd or 0) + change.by_nanousd > NANOUSD_MAX:
        text = f"The cap of {name} would exceed {usd(NANOUSD_MAX)}, the highest that is allowed."
        return Refusal(reason="invalid-change", text=text)
    return None


def _refuse_zone(name: str) -> Refusal | None:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        return Refusal(reason="invalid-change", text=f"Unknown time zone: {name!r}.")
    return None


def _refuse_correction(
    state: LedgerState, correction: CorrectionEntry, now: datetime
) -> Refusal | None:
    """Refuse to make a sum negative: of a scope as a whole, or of a known quarter-hour."""
    if correction.at > now:
        text = f"The time of the correction is in the future: {correction.at:%Y-%m-%d %H:%M} UTC."
        return Refusal(reason="invalid-change", text=text)
    if correction.by_nanousd >= 0:
        return None
    quarter = quarter_of(correction.at)
    remembered = _is_remembered(state, correction.at)
    for scope in scopes_of(
        correction.stage,
        (correction.model,),
        correction.team,
        correction.purpose,
        correction.key,
    ):
        account = state.accounts.of(scope)
        in_quarter = account.quarters.get(quarter, 0) if remembered else account.settled
        settled = min(account.settled, in_quarter)
        if settled + correction.by_nanousd < 0:
            return Refusal(
                reason="invalid-change",
                text=f"Only {usd(settled)} was settled for {scope} at that time.",
                shortfall_nanousd=-(settled + correction.by_nanousd),
            )
    return None


def _is_remembered(state: LedgerState, at: datetime) -> bool:
    """Return whether the sum of this quarter-hour is still known."""
    quarters = state.accounts.of(EVERYTHING).quarters
    return not quarters or quarter_of(at) >= min(quarters)
