"""The ledger state, summed up for people."""

from __future__ import annotations

from datetime import datetime

from daydream_budget.ledger.forecast import burn_nanousd_per_h, reached_at
from daydream_budget.ledger.limits import tax_state
from daydream_budget.ledger.state import LedgerState
from daydream_budget.ledger.totals import CostStats, KeyTotals
from daydream_budget.ledger.windows import renewal
from daydream_contracts.rpc import (
    EVERYTHING,
    FOREGROUND,
    BudgetState,
    ForegroundSpend,
    LimitState,
    StageSpend,
)

CHANGES_SHOWN = 20


def summary(state: LedgerState, sequence: int, now: datetime) -> BudgetState:
    """Return the summary of the state after the commit at `sequence`."""
    everything, foreground = state.accounts.of(EVERYTHING), state.accounts.of(FOREGROUND)
    daydreams = state.totals.by_purpose.get("daydream", CostStats())
    opened = [row for row in state.reservations.values() if row.status == "open"]
    return BudgetState(
        limits=_limits(state, now),
        spend=_spend(state),
        settled_nanousd=everything.settled,
        authorized_nanousd=everything.authorized,
        reserved_nanousd=everything.reserved,
        reservations_open=len(opened),
        reservations_released=state.totals.released,
        attempts_authorized=len(state.open_attempts),
        foreground=_foreground(state),
        foreground_settled_nanousd=foreground.settled,
        foreground_authorized_nanousd=foreground.authorized,
        overruns=state.totals.overruns,
        last_sequence=sequence,
        paused=state.controls.paused,
        zone=state.controls.zone_name,
        tax=tax_state(state, now),
        burn_nanousd_per_h=burn_nanousd_per_h(state, EVERYTHING, now),
        daydreams_open=sum(row.purpose == "daydream" for row in opened),
        daydreams_paid=daydreams.count,
        daydreams_nanousd=daydreams.total,
        daydreams_nanousd_squared=daydreams.squares,
        daydreams_reserved_nanousd=daydreams.reserved,
        changes=tuple(reversed(list(state.controls.changes.values())[-CHANGES_SHOWN:])),
    )


def _limits(state: LedgerState, now: datetime) -> tuple[LimitState, ...]:
    limits = []
    for (scope, window), limit in state.controls.limits.items():
        cap = state.controls.cap(limit)
        if cap is None:
            continue
        used = state.used(scope, window, now)
        limits.append(
            LimitState(
                scope=scope,
                window=window,
                cap_nanousd=cap,
                share=limit.share,
                soft=limit.soft,
                hard=limit.hard,
                settled_nanousd=used.settled,
                authorized_nanousd=used.authorized,
                reserved_nanousd=used.reserved,
                burn_nanousd_per_h=burn_nanousd_per_h(state, scope, now),
                renews_at=renewal(window, now, state.zone),
                reached_at=reached_at(state, scope, window, cap, now),
            )
        )
    return tuple(limits)


def _spend(state: LedgerState) -> tuple[StageSpend, ...]:
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
        for (stage, model), row in sorted(state.totals.by_stage.items())
    )


def _foreground(state: LedgerState) -> tuple[ForegroundSpend, ...]:
    return tuple(
        ForegroundSpend(
            key=key,
            team=team,
            label=row.label,
            model=model,
            calls=row.calls,
            unknown_calls=row.unknown_calls,
            settled_nanousd=row.settled,
            input_tokens=row.input_tokens,
            output_tokens=row.output_tokens,
        )
        for (key, team, model), row in sorted(state.totals.by_key.items(), key=_key_of)
    )


def _key_of(item: tuple[tuple[str, str, str], KeyTotals]) -> tuple[str, str, str]:
    return item[0]
