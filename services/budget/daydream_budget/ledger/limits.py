"""The check against every limit and the tax; a refusal says when to ask again. Pure.

Limits are scopes × windows. For each: settled + authorized + reserved + need ≤ cap. The tax is one
more limit, on everything except canaries. Its window rolls. Its cap is ratio × foreground spend. It
is checked when a reservation is opened or increased. An attempt inside a reservation was counted
then, so foreground spend that rolls out of the window does not stop work in progress.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from daydream_budget.ledger.controls import usd
from daydream_budget.ledger.state import LedgerState, LimitUsage
from daydream_budget.ledger.windows import QUARTERS_PER_DAY, Span, quarter_of, renewal
from daydream_contracts.rpc import EVERYTHING, Refusal, SetLimit, TaxState

RELEASES_AFTER = timedelta(seconds=5)  # reserved money of others may be released this soon
TAX_CHANGES_AFTER = timedelta(minutes=15)  # a quarter-hour rolls out of the tax's window
CANARIES = "purpose:canary"
NO_CAP = Refusal(
    reason="no-cap",
    text="No cap on everything is set, so nothing is spent. Set one: "
    "daydream budget set --lifetime 1.00",
)
PAUSED = Refusal(
    reason="paused", text="The budget is paused. Resume it with: daydream budget resume"
)

Needs = Mapping[str, int]
"""How much more is needed under each scope, in nano-dollars."""


@dataclass(frozen=True)
class ExceededLimit:
    """A hard limit that the need would exceed, or that is exceeded already (need 0)."""

    limit: SetLimit
    cap: int
    used: LimitUsage
    need: int

    @property
    def shortfall(self) -> int:
        """Return how much is missing."""
        return self.need + self.used.total - self.cap

    @property
    def name(self) -> str:
        """Return scope/window."""
        return f"{self.limit.scope}/{self.limit.window}"

    @property
    def text(self) -> str:
        """Return what the limit leaves, as a clause."""
        left = max(0, self.cap - self.used.total)
        return f"the {self.name} cap of {usd(self.cap)} leaves {usd(left)}"


def refusal(state: LedgerState, needs: Needs, now: datetime) -> Refusal | None:
    """Return why the needs can't be reserved in addition; None if they can, or cost nothing."""
    if not needs.get(EVERYTHING):
        return None
    return (
        _stopped(state)
        or _refuse_exceeded(exceeded_limits(state, needs, now), state, now)
        or _taxed(state, needs, now)
    )


def stopped(state: LedgerState, scopes: tuple[str, ...], now: datetime) -> Refusal | None:
    """Return why nothing may be authorized, not even from money that is reserved already.

    That is: no cap, a pause, or a limit that is exceeded by a lowered cap or an overrun.
    """
    exceeded = exceeded_limits(state, dict.fromkeys(scopes, 0), now)
    return _stopped(state) or _refuse_exceeded(exceeded, state, now)


def exceeded_limits(state: LedgerState, needs: Needs, now: datetime) -> list[ExceededLimit]:
    """Return the hard limits that the needs would exceed."""
    exceeded = []
    for (scope, window), limit in state.controls.limits.items():
        need = needs.get(scope)
        cap = state.controls.cap(limit) if limit.hard and need is not None else None
        if need is None or cap is None:
            continue
        used = state.used(scope, window, now)
        if used.total + need > cap:
            exceeded.append(ExceededLimit(limit, cap, used, need))
    return exceeded


def tax_state(state: LedgerState, now: datetime) -> TaxState:
    """Return the tax over its window."""
    tax = state.controls.tax
    span = _days(now, tax.days)
    settled = state.accounts.settled_since
    daydream = settled(EVERYTHING, span) - settled(CANARIES, span)
    foreground = state.foreground.between(span)
    return TaxState(
        days=tax.days,
        ratio_cap=tax.ratio,
        daydream_nanousd=daydream,
        foreground_nanousd=foreground,
        ratio=daydream / foreground if foreground else None,
    )


def _stopped(state: LedgerState) -> Refusal | None:
    if state.controls.paused:
        return PAUSED
    return None if state.controls.has_cap else NO_CAP


def _refuse_exceeded(
    exceeded: list[ExceededLimit], state: LedgerState, now: datetime
) -> Refusal | None:
    """Refuse for all limits at once: it is worth asking again when all of them may have room."""
    if not exceeded:
        return None
    times = [_retry_at(limit, state, now) for limit in exceeded]
    texts = " and ".join(limit.text for limit in exceeded)
    need = max(limit.need for limit in exceeded)
    reason = f"up to {usd(need)} may be needed" if need else "more is spent already"
    return Refusal(
        reason="cap",
        text=f"{texts[0].upper()}{texts[1:]}, but {reason}.",
        retry_at=None if None in times else max(at for at in times if at is not None),
        shortfall_nanousd=max(limit.shortfall for limit in exceeded),
        limits=tuple(limit.name for limit in exceeded),
    )


def _retry_at(exceeded: ExceededLimit, state: LedgerState, now: datetime) -> datetime | None:
    """Return when the limit may have room: soon if only unsettled money is in the way."""
    if exceeded.used.settled + exceeded.need <= exceeded.cap:
        return now + RELEASES_AFTER
    return renewal(exceeded.limit.window, now, state.zone)


def _taxed(state: LedgerState, needs: Needs, now: datetime) -> Refusal | None:
    tax = state.controls.tax
    if tax.ratio is None or not state.foreground.reported:
        return None
    need = needs[EVERYTHING] - needs.get(CANARIES, 0)
    if not need:
        return None
    current = tax_state(state, now)
    everything, canaries = state.accounts.of(EVERYTHING), state.accounts.of(CANARIES)
    held = everything.reserved + everything.authorized - canaries.reserved - canaries.authorized
    used = current.daydream_nanousd + held
    cap = int(tax.ratio * current.foreground_nanousd)
    if used + need <= cap:
        return None
    text = (
        f"The tax would exceed {tax.ratio:g}: {usd(used)} of daydreaming and up to {usd(need)} "
        f"more, against {usd(current.foreground_nanousd)} of foreground spend in {tax.days} days."
    )
    return Refusal(
        reason="tax",
        text=text,
        retry_at=now + TAX_CHANGES_AFTER,
        shortfall_nanousd=used + need - cap,
        limits=("tax",),
    )


def _days(now: datetime, days: int) -> Span:
    end = quarter_of(now) + 1
    return end - days * QUARTERS_PER_DAY, end
