"""What people should know of: a soft share of a limit was reached, a limit refused, a bill came above its bound.

Once for each limit, share and window: the ledger remembers what was told (`SoftLimitReached`), and the alert's id is made from the same.
"""

from __future__ import annotations

from datetime import datetime

from daydream_budget.ledger.controls import usd
from daydream_budget.ledger.entries import AttemptSettled, SoftLimitReached
from daydream_budget.ledger.state import LedgerState
from daydream_budget.ledger.windows import span_of
from daydream_contracts.events import AlertRaised, derive_id

REFUSED = 1.0


def crossings(
    books: LedgerState, refused: set[str], now: datetime
) -> list[tuple[SoftLimitReached, AlertRaised]]:
    """Shares that were reached, and limits that have refused (as scope/window), and that nobody was told of in this window."""
    found = []
    for (scope, window), limit in books.controls.limits.items():
        cap = books.controls.cap(limit)
        if not cap:
            continue
        used = books.used(scope, window, now)
        reached = [share for share in limit.soft if used.settled + used.drawn >= share * cap]
        if f"{scope}/{window}" in refused:
            reached.append(REFUSED)
        first = span_of(window, now, books.zone)[0]
        told = books.controls.crossed.get((scope, window))
        share = max(reached, default=0.0)
        if share <= (told.share if told and told.first_quarter == first else 0.0):
            continue
        entry = SoftLimitReached(scope=scope, window=window, first_quarter=first, share=share)
        what = "refuses" if share == REFUSED else f"is used to {share:.0%}"
        text = f"the {scope}/{window} limit of {usd(cap)} {what}: {usd(used.settled)} spent, {usd(used.drawn + used.open)} held"
        alert_id = derive_id("limit", scope, window, first, str(share), cap)
        kind = "refused" if share == REFUSED else "soft-limit"
        found.append(
            (
                entry,
                AlertRaised(
                    alert_id=alert_id,
                    kind=kind,
                    about=f"{scope}/{window}",
                    text=text,
                    raised_at=now,
                ),
            )
        )
    return found


def overrun(books: LedgerState, entry: AttemptSettled, now: datetime) -> AlertRaised | None:
    """The alert for a bill above its bound: the bound's arithmetic is wrong for this model, which is a fault to fix."""
    attempt = books.attempts.get(entry.attempt_id)
    if attempt is None or entry.cost_nanousd <= attempt.bound:
        return None
    text = (
        f"{attempt.stage}, {attempt.model}: a call cost {usd(entry.cost_nanousd)} and its upper bound was {usd(attempt.bound)} "
        f"({entry.input_tokens} tokens in, {entry.output_tokens} out)"
    )
    return AlertRaised(
        alert_id=derive_id("overrun", entry.attempt_id),
        kind="overrun",
        about=entry.attempt_id,
        text=text,
        raised_at=now,
    )
