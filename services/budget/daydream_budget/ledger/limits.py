"""The check against every limit and the tax; a refusal says when to ask again. Pure.

Limits are scopes × windows. The tax is one more limit, on everything except canaries: its window
rolls, and its cap is ratio × foreground spend. There are three checks, by what counts as used:

- an attempt is authorized if settled + authorized + its upper bound ≤ cap. This one is hard: it
  holds for every limit after every grant, whatever reservations hold;
- a reservation is opened if settled + authorized + reserved + what it holds ≤ cap;
- a plan is too large if settled + what it needs > cap.

Foreground work has no root cap, no tax and no pause: only the limits that are set on its scopes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from daydream_budget.ledger.accounts import LimitUsage
from daydream_budget.ledger.controls import usd
from daydream_budget.ledger.state import LedgerState
from daydream_budget.ledger.windows import QUARTERS_PER_DAY, Span, quarter_of, renewal
from daydream_contracts.rpc import EVERYTHING, FOREGROUND, Refusal, TaxState, Window

RETRY_SOON = timedelta(seconds=5)  # calls in progress settle in seconds
TAX_CHANGES_AFTER = timedelta(minutes=15)  # a quarter-hour rolls out of the tax's window
CANARIES = "purpose:canary"
TAX = "tax"
NO_CAP = Refusal(
    reason="no-cap",
    text="No cap on everything is set, so nothing is spent. Set one: "
    "daydream budget set --lifetime 1.00",
)
PAUSED = Refusal(
    reason="paused", text="The budget is paused. Resume it with: daydream budget resume"
)

Needs = Mapping[str, int]
"""How much is needed under each scope, in nano-dollars. Scopes with no need are not checked."""
Counted = Callable[[LimitUsage], int]
"""What counts as used in a check."""


def settled(used: LimitUsage) -> int:
    """Count what is spent for good: the rest of the cap is the remaining money."""
    return used.settled


def settled_and_authorized(used: LimitUsage) -> int:
    """Count what is spent, and what calls in progress may spend. The hard check."""
    return used.settled + used.authorized


def held(used: LimitUsage) -> int:
    """Count also what is held for work in progress. The check of admission."""
    return used.settled + used.authorized + used.reserved


@dataclass(frozen=True)
class BindingLimit:
    """A hard limit, or the tax (no `window`), and what is needed under it."""

    name: str
    window: Window | None
    cap: int
    used: LimitUsage
    need: int

    def exceeds(self, counted: Counted) -> bool:
        """Return whether the need does not fit."""
        return counted(self.used) + self.need > self.cap

    @property
    def is_near(self) -> bool:
        """Return whether enough remains, so that only unsettled money is in the way."""
        return not self.exceeds(settled)

    def retry_at(self, state: LedgerState, now: datetime) -> datetime | None:
        """Return when it may have room; None: not before a person changes something."""
        if self.is_near:
            return now + RETRY_SOON
        if self.window is None:
            return now + TAX_CHANGES_AFTER
        return renewal(self.window, now, state.zone)

    def text(self, counted: Counted) -> str:
        """Return what the limit leaves, as a clause."""
        left = usd(max(0, self.cap - counted(self.used)))
        if self.name == TAX:
            return f"the tax leaves {left} of {usd(self.cap)} that foreground spend allows"
        return f"the {self.name} cap of {usd(self.cap)} leaves {left}"


def stopped(state: LedgerState, root: str) -> Refusal | None:
    """Return why nothing paid is granted at all: a pause, or no cap."""
    if root == FOREGROUND:
        return None
    if state.controls.paused:
        return PAUSED
    return None if state.controls.has_cap else NO_CAP


def refuse_attempt(
    state: LedgerState,
    scopes: tuple[str, ...],
    upper_bound: int,
    now: datetime,
    counted: Counted = settled_and_authorized,
) -> Refusal | None:
    """Return why an attempt can't be authorized. What is free always passes."""
    if not upper_bound:
        return None
    needs = dict.fromkeys(scopes, upper_bound)
    return stopped(state, scopes[0]) or refuse(state, needs, now, counted)


def exceeded(
    state: LedgerState, needs: Needs, now: datetime, counted: Counted
) -> list[BindingLimit]:
    """Return the limits under which the needs do not fit."""
    return [limit for limit in binding_limits(state, needs, now) if limit.exceeds(counted)]


def refuse(state: LedgerState, needs: Needs, now: datetime, counted: Counted) -> Refusal | None:
    """Refuse for all limits at once: it is worth asking again when all of them may have room."""
    limits = exceeded(state, needs, now, counted)
    if not limits:
        return None
    near = all(limit.is_near for limit in limits)
    times = [limit.retry_at(state, now) for limit in limits]
    known = [at for at in times if at is not None]
    texts = " and ".join(limit.text(counted) for limit in limits)
    need = usd(max(limit.need for limit in limits))
    wait = " Work in progress will free more." if near else ""
    return Refusal(
        reason="tax" if all(limit.name == TAX for limit in limits) else "cap",
        text=f"{texts[0].upper()}{texts[1:]}, but {need} may be needed.{wait}",
        retry_at=max(known) if len(known) == len(times) else None,
        shortfall_nanousd=max(counted(limit.used) + limit.need - limit.cap for limit in limits),
        limits=tuple(limit.name for limit in limits),
        near_cap=near,
    )


def behind_others(taken: list[BindingLimit], now: datetime) -> Refusal:
    """Refuse what would fit, because earlier requests wait for the same money."""
    names = tuple(limit.name for limit in taken)
    return Refusal(
        reason="tax" if set(names) == {TAX} else "cap",
        text=f"Earlier requests wait for what {' and '.join(names)} leaves. They are first.",
        retry_at=now + RETRY_SOON,
        shortfall_nanousd=max(held(limit.used) + limit.need - limit.cap for limit in taken),
        limits=names,
        near_cap=True,
    )


def binding_limits(state: LedgerState, needs: Needs, now: datetime) -> Iterator[BindingLimit]:
    """Yield the hard limits, and the tax, under which something is needed."""
    for (scope, window), limit in state.controls.limits.items():
        need = needs.get(scope, 0)
        cap = state.controls.cap(limit) if limit.hard and need else None
        if cap is not None:
            used = state.used(scope, window, now)
            yield BindingLimit(f"{scope}/{window}", window, cap, used, need)
    taxed = needs.get(EVERYTHING, 0) - needs.get(CANARIES, 0)
    ratio = state.controls.tax.ratio
    if taxed > 0 and ratio is not None and state.foreground.reported:
        yield _tax(state, taxed, ratio, now)


def tax_state(state: LedgerState, now: datetime) -> TaxState:
    """Return the tax over its window."""
    tax = state.controls.tax
    span = _days(now, tax.days)
    daydream, foreground = _taxed_spend(state, span), state.foreground.between(span)
    return TaxState(
        days=tax.days,
        ratio_cap=tax.ratio,
        daydream_nanousd=daydream,
        foreground_nanousd=foreground,
        ratio=daydream / foreground if foreground else None,
    )


def _tax(state: LedgerState, need: int, ratio: float, now: datetime) -> BindingLimit:
    span = _days(now, state.controls.tax.days)
    numerator, denominator = ratio.as_integer_ratio()  # exact: a float overflows
    everything, canaries = state.accounts.of(EVERYTHING), state.accounts.of(CANARIES)
    used = LimitUsage(
        _taxed_spend(state, span),
        everything.authorized - canaries.authorized,
        everything.reserved - canaries.reserved,
    )
    cap = numerator * state.foreground.between(span) // denominator
    return BindingLimit(TAX, None, cap, used, need)


def _taxed_spend(state: LedgerState, span: Span) -> int:
    """Return what daydreaming has spent, without its canaries."""
    return state.accounts.settled_since(EVERYTHING, span) - state.accounts.settled_since(
        CANARIES, span
    )


def _days(now: datetime, days: int) -> Span:
    end = quarter_of(now) + 1
    return end - days * QUARTERS_PER_DAY, end
