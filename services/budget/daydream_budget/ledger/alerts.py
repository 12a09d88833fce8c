"""Alerts: a soft share of a limit was reached, a limit refused a grant, or a call was an overrun.

Or that a message of the ledger is unreadable.

The first two are raised once per limit, share and window: the ledger remembers what was reported
(`SoftLimitReached`), and the alert's id is derived from the same values.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from daydream_budget.ledger.accounts import LimitUsage
from daydream_budget.ledger.chain import UnreadableMessageError
from daydream_budget.ledger.controls import usd
from daydream_budget.ledger.entries import AttemptSettled, SoftLimitReached
from daydream_budget.ledger.state import LedgerState
from daydream_budget.ledger.windows import span_of
from daydream_contracts.events import AlertRaised, derive_id
from daydream_contracts.rpc import SetLimit

REFUSED = 1.0


def soft_limit_alerts(
    state: LedgerState, refused: Collection[str], now: datetime
) -> list[tuple[SoftLimitReached, AlertRaised]]:
    """Return what was not reported in this window yet: entries to write, and their alerts.

    `refused` holds the limits (scope/window) that have refused a grant.
    """
    alerts = []
    for (scope, window), limit in state.controls.limits.items():
        cap = state.controls.cap(limit)
        if not cap:
            continue
        used = state.used(scope, window, now)
        share = _reached_share(limit, used, cap, f"{scope}/{window}" in refused)
        first = span_of(window, now, state.zone)[0]
        if share <= _reported_share(state, limit, first):
            continue
        entry = SoftLimitReached(scope=scope, window=window, first_quarter=first, share=share)
        alerts.append((entry, _alert(entry, used, cap, now)))
    return alerts


def overrun(state: LedgerState, entry: AttemptSettled, now: datetime) -> AlertRaised | None:
    """Return the alert for an overrun: the computed upper bound is wrong for this model.

    Calls in flight at the same time have the same fault: a model's alerts of a day share their id.
    """
    attempt = state.attempts.get(entry.attempt_id)
    if attempt is None or entry.cost_nanousd <= attempt.upper_bound:
        return None
    text = (
        f"{attempt.stage}, {attempt.model}: a call cost {usd(entry.cost_nanousd)}, above its upper "
        f"bound of {usd(attempt.upper_bound)} "
        f"({entry.input_tokens} tokens in, {entry.output_tokens} out)."
    )
    return AlertRaised(
        alert_id=derive_id("overrun", attempt.model, f"{now:%Y-%m-%d}"),
        kind="overrun",
        about=entry.attempt_id,
        text=text,
        raised_at=now,
    )


def unreadable_alert(error: UnreadableMessageError) -> AlertRaised:
    """Return the alert for a message of the ledger that stops all grants."""
    message = error.message
    return AlertRaised(
        alert_id=derive_id("unreadable", message.sequence, message.digest),
        kind="ledger-unreadable",
        about=f"message {message.sequence}",
        text=f"Nothing is granted, because {error}. See: daydream budget repair",
        raised_at=message.stored_at,
    )


def _reached_share(limit: SetLimit, used: LimitUsage, cap: int, refused: bool) -> float:
    if refused:
        return REFUSED
    # authorized money is left out: most of it comes back within seconds
    return max((share for share in limit.soft if used.settled >= share * cap), default=0.0)


def _reported_share(state: LedgerState, limit: SetLimit, first_quarter: int) -> float:
    reported = state.controls.soft_limits.get((limit.scope, limit.window))
    return reported.share if reported and reported.first_quarter == first_quarter else 0.0


def _alert(entry: SoftLimitReached, used: LimitUsage, cap: int, now: datetime) -> AlertRaised:
    refused = entry.share == REFUSED
    name = f"{entry.scope}/{entry.window}"
    effect = "refuses a grant" if refused else f"is used to {entry.share:.0%}"
    held = usd(used.authorized + used.reserved)
    return AlertRaised(
        alert_id=derive_id(
            "limit", entry.scope, entry.window, entry.first_quarter, str(entry.share), cap
        ),
        kind="refused" if refused else "soft-limit",
        about=name,
        text=f"The {name} limit of {usd(cap)} {effect}: {usd(used.settled)} spent, {held} held.",
        raised_at=now,
    )
