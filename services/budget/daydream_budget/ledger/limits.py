"""Whether so much more may be held: the check against every limit and the tax, and the refusal that says when to come back. Pure.

Limits are scopes × windows. For each: settled + drawn + open + what is asked for ≤ cap. The tax is one more limit, on
everything but the canaries, in a window that rolls with the present: its cap is ratio × foreground spend. It holds when
reservations open or grow; a draw inside a reservation was counted then, and foreground spend that rolls out of sight does not
stop work that is under way.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from daydream_budget.ledger.controls import usd
from daydream_budget.ledger.state import LedgerState, LimitUsage
from daydream_budget.ledger.windows import QUARTERS_A_DAY, Span, quarter_of, renewal
from daydream_contracts.rpc import EVERYTHING, Refusal, SetLimit, TaxState

FLOWS_BACK_AFTER = timedelta(
    seconds=5
)  # when what others hold may make room, it is worth asking again so soon
CANARIES = "purpose:canary"
NO_CAP = Refusal(
    reason="no-cap",
    text="no cap on everything is set, and what is not capped may not be spent: daydream budget set --lifetime 1.00",
)
PAUSED = Refusal(reason="paused", text="the budget is paused: daydream budget resume")

Needs = Mapping[str, int]
"""How much more is asked for under each scope."""


@dataclass(frozen=True)
class ExceededLimit:
    """A limit that is in the way."""

    limit: SetLimit
    cap: int
    used: LimitUsage
    need: int

    @property
    def short(self) -> int:
        return self.need + self.used.total - self.cap

    @property
    def name(self) -> str:
        return f"{self.limit.scope}/{self.limit.window}"


def refusal(books: LedgerState, needs: Needs, now: datetime) -> Refusal | None:
    """Why this can't be held in addition; None if it can, or if it costs nothing."""
    if not needs.get(EVERYTHING):
        return None
    return (
        _stopped(books)
        or _over(exceeded_limit(books, needs, now), books, now)
        or _taxed(books, needs, now)
    )


def stopped(books: LedgerState, scopes: tuple[str, ...], now: datetime) -> Refusal | None:
    """Why nothing may be drawn from what is held already: no cap, a pause, or a limit that is exceeded, since somebody lowered
    it or a bill came above its bound."""
    return _stopped(books) or _over(
        exceeded_limit(books, dict.fromkeys(scopes, 0), now), books, now
    )


def exceeded_limit(books: LedgerState, needs: Needs, now: datetime) -> list[ExceededLimit]:
    """The hard limits that so much more would exceed."""
    found = []
    for (scope, window), limit in books.controls.limits.items():
        need = needs.get(scope)
        cap = books.controls.cap(limit) if limit.hard and need is not None else None
        if need is None or cap is None:
            continue
        used = books.used(scope, window, now)
        if used.total + need > cap:
            found.append(ExceededLimit(limit, cap, used, need))
    return found


def tax_state(books: LedgerState, now: datetime) -> TaxState:
    """The tax over its window."""
    tax = books.controls.tax
    span = _days(now, tax.days)
    spent = books.accounts.settled_since(EVERYTHING, span) - books.accounts.settled_since(
        CANARIES, span
    )
    earned = books.foreground.between(span)
    ratio = spent / earned if earned else None
    return TaxState(
        days=tax.days,
        ratio_cap=tax.ratio,
        daydream_nanousd=spent,
        foreground_nanousd=earned,
        ratio=ratio,
    )


def _stopped(books: LedgerState) -> Refusal | None:
    if books.controls.paused:
        return PAUSED
    return None if books.controls.capped else NO_CAP


def _over(found: list[ExceededLimit], books: LedgerState, now: datetime) -> Refusal | None:
    """Worth asking again when all that are in the way may have room."""
    if not found:
        return None
    texts = [
        f"the {one.name} cap of {usd(one.cap)} leaves {usd(max(0, one.cap - one.used.total))}"
        for one in found
    ]
    back = [_back_at(one, books, now) for one in found]
    retry_at = None if None in back else max(at for at in back if at is not None)
    need = max(one.need for one in found)
    text = (
        f"{' and '.join(texts)}, and up to {usd(need)} may be needed"
        if need
        else f"{' and '.join(texts)}, for more is spent already"
    )
    return Refusal(
        reason="cap",
        text=text,
        retry_at=retry_at,
        shortfall_nanousd=max(one.short for one in found),
        limits=tuple(one.name for one in found),
    )


def _back_at(one: ExceededLimit, books: LedgerState, now: datetime) -> datetime | None:
    if one.used.settled + one.need <= one.cap:
        return (
            now + FLOWS_BACK_AFTER
        )  # what is held for work in hand is the upper bound; most of it flows back
    return renewal(one.limit.window, now, books.zone)


def _taxed(books: LedgerState, needs: Needs, now: datetime) -> Refusal | None:
    tax = books.controls.tax
    if tax.ratio is None or not books.foreground.reported:
        return None
    need = needs[EVERYTHING] - needs.get(CANARIES, 0)
    if not need:
        return None
    state = tax_state(books, now)
    all_, canaries = books.accounts.of(EVERYTHING), books.accounts.of(CANARIES)
    used = state.daydream_nanousd + all_.open + all_.drawn - canaries.open - canaries.drawn
    cap = int(tax.ratio * state.foreground_nanousd)
    if used + need <= cap:
        return None
    text = (
        f"the tax would be above {tax.ratio:g}: {usd(used)} of daydreaming, and up to {usd(need)} more, "
        f"against {usd(state.foreground_nanousd)} of foreground spend in {tax.days} days"
    )
    return Refusal(
        reason="tax",
        text=text,
        retry_at=now + timedelta(minutes=15),
        shortfall_nanousd=used + need - cap,
        limits=("tax",),
    )


def _days(now: datetime, days: int) -> Span:
    end = quarter_of(now) + 1
    return end - days * QUARTERS_A_DAY, end
