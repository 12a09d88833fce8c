"""The books, summed up for people."""

from __future__ import annotations

from datetime import datetime

from daydream_budget.forecast import burn_nanousd_per_h, reached_at
from daydream_budget.ledger.limits import tax_state
from daydream_budget.ledger.reservations import CostStats
from daydream_budget.ledger.state import LedgerState
from daydream_budget.ledger.windows import renewal
from daydream_contracts.rpc import EVERYTHING, BudgetState, LimitState, StageSpend

CHANGES_SHOWN = 20


def summary(books: LedgerState, sequence: int, now: datetime) -> BudgetState:
    """The state of the books after the commit at `sequence`."""
    everything, paid = books.accounts.of(EVERYTHING), books.paid.get("daydream", CostStats())
    return BudgetState(
        limits=_limits(books, now),
        spend=_spend(books),
        settled_nanousd=everything.settled,
        authorized_nanousd=everything.drawn,
        reserved_nanousd=everything.open,
        reservations_open=sum(
            1 for reservation in books.reservations.values() if reservation.status == "open"
        ),
        reservations_released=books.sums["closed"],
        attempts_authorized=len(books.outstanding),
        overruns=books.sums["overruns"],
        last_sequence=sequence,
        paused=books.controls.paused,
        zone=books.controls.zone_name,
        tax=tax_state(books, now),
        burn_nanousd_per_h=burn_nanousd_per_h(books, EVERYTHING, now),
        daydreams_paid=paid.count,
        daydreams_nanousd=paid.total,
        daydreams_nanousd_squared=paid.squares,
        changes=tuple(reversed(list(books.controls.changes.values())[-CHANGES_SHOWN:])),
    )


def _limits(books: LedgerState, now: datetime) -> tuple[LimitState, ...]:
    found = []
    for (scope, window), limit in books.controls.limits.items():
        cap = books.controls.cap(limit)
        if cap is None:
            continue
        used = books.used(scope, window, now)
        found.append(
            LimitState(
                scope=scope,
                window=window,
                cap_nanousd=cap,
                share=limit.share,
                soft=limit.soft,
                hard=limit.hard,
                settled_nanousd=used.settled,
                authorized_nanousd=used.drawn,
                reserved_nanousd=used.open,
                renews_at=renewal(window, now, books.zone),
                reached_at=reached_at(books, scope, window, cap, now),
            )
        )
    return tuple(found)


def _spend(books: LedgerState) -> tuple[StageSpend, ...]:
    return tuple(
        StageSpend(
            stage=stage,
            model=model,
            calls=row.calls,
            unknown_calls=row.unknown_calls,
            settled_nanousd=row.settled,
            input_tokens=row.input_tokens,
            output_tokens=row.output_tokens,
        )
        for (stage, model), row in sorted(books.spend.items())
    )
