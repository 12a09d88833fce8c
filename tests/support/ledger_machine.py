"""What the ledger's state machine test rests on: an independent count of the money.

It knows nothing of how the ledger keeps its state: it adds up the entries alone and compares. Its
windows come from the wall clock's names, not from quarter-hours.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction
from typing import Any
from zoneinfo import ZoneInfo

from hypothesis.stateful import RuleBasedStateMachine, invariant

from daydream_budget.ledger.entries import (
    COMMIT,
    AttemptAuthorized,
    AttemptSettled,
    Commit,
    Entry,
    RequestQueued,
    ReservationOpened,
)
from daydream_budget.ledger.invariants import check
from daydream_budget.ledger.rules import LedgerRequest, decide
from daydream_budget.ledger.snapshots import LedgerSnapshot
from daydream_budget.ledger.state import LedgerState
from daydream_contracts.rpc import (
    AllocationRequest,
    Authorize,
    Change,
    ChangeBudget,
    OpenReservation,
    ReleaseReservation,
    Settle,
)

ZURICH = ZoneInfo("Europe/Zurich")
STAGES = ("synthesizer", "critic")
SCOPES = (
    "all",
    "stage:critic",
    "model:m1",
    "team:red",
    "purpose:canary",
    "foreground",
    "key:k1",
)
WINDOWS = ("hour", "day", "week", "month", "lifetime")
UNORDERED = ("open_attempts", "totals_by_stage", "totals_by_key", "limits", "soft_limits")
LABELS = {
    "hour": "%Y-%m-%d %H %z",
    "day": "%Y-%m-%d",
    "week": "%G %V",
    "month": "%Y-%m",
    "lifetime": "",
}


@dataclass(frozen=True)
class GrantedRequest:
    """A request that was not refused, and its reply."""

    request: LedgerRequest
    reply: Any


@dataclass
class ExpectedAmount:
    """What the machine itself knows of an attempt or a correction. `cost` None: not settled."""

    at: datetime
    stage: str
    model: str
    team: str
    purpose: str
    upper_bound: int
    cost: int | None = None
    key: str = ""

    def is_in(self, scope: str) -> bool:
        """Return whether the scope counts it: foreground work has its own root."""
        kind, _, name = scope.partition(":")
        is_foreground = self.purpose == "foreground"
        if kind in ("all", "foreground"):
            return is_foreground == (kind == "foreground")
        if is_foreground and kind not in ("key", "team"):
            return False
        return bool(getattr(self, kind) == name)


def allocations_of(
    upper_bounds: list[int], team: str, model_is_open: bool, expected: int = 0
) -> tuple[AllocationRequest, ...]:
    return tuple(
        AllocationRequest(
            stage=stage,
            model="m0",
            alternative_models=("m1",) if model_is_open else (),
            team=team,
            upper_bound_nanousd=upper_bound,
            expected_nanousd=expected,
        )
        for stage, upper_bound in zip(STAGES, upper_bounds, strict=False)
    )


def window_label(window: str, at: datetime) -> str:
    """Return the wall clock's name of the calendar window, in Zurich."""
    return at.astimezone(ZURICH).strftime(LABELS[window])


def content(state: LedgerState) -> dict[str, Any]:
    """Return everything in the state that matters, to compare; no empty accounts, no caches."""
    snapshot = LedgerSnapshot.of(state, 0).model_dump(exclude={"accounts"}, warnings=False)
    for name in UNORDERED:
        snapshot[name] = sorted(snapshot[name], key=repr)
    accounts = {
        scope: (
            account.reserved,
            account.authorized,
            account.settled,
            {quarter: amount for quarter, amount in account.quarters.items() if amount},
        )
        for scope, account in state.accounts.by_scope.items()
    }
    used = {scope: row for scope, row in accounts.items() if row != (0, 0, 0, {})}
    return {**snapshot, "accounts": used}


class CountingMachine(RuleBasedStateMachine):
    """One replica's state, the commits that made it, and an independent count of the money.

    `excused`: a person or an overrun may have broken a limit.
    """

    def __init__(self) -> None:
        super().__init__()
        self.now: datetime
        self.state = LedgerState()
        self.commits: list[Commit] = []
        self.granted: list[GrantedRequest] = []
        self.reservation_ids: list[str] = []
        self.purposes: dict[str, str] = {}
        self.keys: dict[str, str] = {}
        self.attempt_ids: list[str] = []
        self.expires_at: dict[str, datetime] = {}
        self.counted: dict[str, ExpectedAmount] = {}
        self.corrections: list[ExpectedAmount] = []
        self.foreground = 0
        self.count = 0
        self.excused = False

    def next_name(self, kind: str) -> str:
        self.count += 1
        return f"{kind}-{self.count}"

    def amounts_in(self, scope: str) -> list[ExpectedAmount]:
        amounts = (*self.counted.values(), *self.corrections)
        return [amount for amount in amounts if amount.is_in(scope)]

    def left(self, scope: str, window: str) -> int:
        """Return what a limit leaves for attempts, by the machine's own count.

        A settled attempt counts in the window of its authorization, an open one in every window.
        """
        here = window_label(window, self.now)
        used = sum(
            amount.upper_bound if amount.cost is None else amount.cost
            for amount in self.amounts_in(scope)
            if amount.cost is None or window_label(window, amount.at) == here
        )
        cap = self.cap(scope, window)
        return 0 if cap is None else cap - used

    def held(self, scope: str) -> int:
        """Return what open reservations still hold under a scope."""
        return sum(
            allocation.remaining
            for reservation in self.state.reservations.values()
            if reservation.status == "open"
            for allocation in reservation.allocations
            if scope in allocation.scopes
        )

    def hard_limits(self, amount: ExpectedAmount) -> list[tuple[str, str]]:
        """Return the hard limits, as scope and window, that count this amount."""
        return [
            (scope, window)
            for (scope, window), limit in self.state.controls.limits.items()
            if limit.hard and amount.is_in(scope) and self.cap(scope, window) is not None
        ]

    def cap(self, scope: str, window: str) -> int | None:
        limits = self.state.controls.limits
        limit = limits[scope, window]  # type: ignore[index]
        if limit.cap_nanousd is not None:
            return limit.cap_nanousd
        whole = limits.get(("all", window))  # type: ignore[arg-type]
        return None if whole is None else int((whole.cap_nanousd or 0) * Fraction(str(limit.share)))

    def change(self, change: Change) -> Any:
        change_id = self.next_name("change")
        return self.submit(ChangeBudget(change_id=change_id, change=change, who="a test"))

    def submit(self, request: LedgerRequest) -> Any:
        """Decide a request and commit its entries; check that a repeated one has no effect."""
        reply, entries = decide(self.state, request, self.now)
        if entries:
            self.commit(*entries)
        refusal = getattr(reply, "refusal", None)
        if refusal is not None:
            assert all(isinstance(entry, RequestQueued) for entry in entries)
            assert not entries or refusal.near_cap
            return reply
        repeated, more_entries = decide(self.state, request, self.now)
        assert more_entries == ()
        # the attempts of a released reservation are forgotten
        assert isinstance(request, Settle | ReleaseReservation) or repeated == reply
        self.granted.append(GrantedRequest(request, reply))
        return reply

    def commit(self, *entries: Entry) -> None:
        """Write entries as the ledger does.

        Try them, lose the race, roll them back, then fold what comes from the stream.
        """
        before = content(self.state)
        self.state.undo_log.begin()
        for entry in entries:
            self.state.apply(entry, self.now)
        self.state.undo_log.rollback()
        assert content(self.state) == before
        written = COMMIT.dump_json(Commit(at=self.now, by="test", entries=entries))
        commit = COMMIT.validate_json(written)
        self.state.fold(commit)
        self.commits.append(commit)
        for entry in entries:
            self.count_entry(entry)

    def count_entry(self, entry: Entry) -> None:
        if isinstance(entry, AttemptAuthorized):
            self.expires_at[entry.attempt_id] = entry.expires_at
            self.counted[entry.attempt_id] = ExpectedAmount(
                self.now,
                entry.stage,
                entry.model,
                entry.team,
                self.purposes[entry.reservation_id],
                entry.upper_bound_nanousd,
                key=self.keys.get(entry.reservation_id, ""),
            )
        elif isinstance(entry, AttemptSettled):
            amount = self.counted[entry.attempt_id]
            assert amount.cost is None, "settled once"
            amount.cost = entry.cost_nanousd

    # --- checks of single rules -------------------------------------------------------------------

    def check_opened(self, request: OpenReservation) -> None:
        """Check that what the reservation just opened holds fits under all of its limits."""
        opened = self.commits[-1].entries[0]
        assert isinstance(opened, ReservationOpened)
        if not sum(allocation.upper_bound_nanousd for allocation in opened.allocations):
            return
        assert self.state.controls.has_cap
        assert not self.state.controls.paused
        allocations = self.state.reservations[request.reservation_id].allocations
        scopes = {scope for row in allocations if row.held for scope in row.scopes}
        for (scope, window), limit in self.state.controls.limits.items():
            if limit.hard and scope in scopes and self.cap(scope, window) is not None:
                assert self.left(scope, window) >= self.held(scope)

    def fits(self, request: Authorize) -> bool:
        """Return whether every hard limit leaves the upper bound of the attempt.

        It is free, or there is a cap and no pause: foreground work needs neither.
        """
        reservation_id = request.reservation_id
        amount = ExpectedAmount(
            self.now,
            request.stage,
            request.model,
            request.team,
            self.purposes[reservation_id],
            request.upper_bound_nanousd,
            key=self.keys.get(reservation_id, ""),
        )
        if not amount.upper_bound:
            return True
        controls = self.state.controls
        if amount.purpose != "foreground" and (controls.paused or not controls.has_cap):
            return False
        return all(self.left(*key) >= amount.upper_bound for key in self.hard_limits(amount))

    def foreground_spend(self) -> int:
        """Return what was reported and measured."""
        measured = sum(amount.cost or 0 for amount in self.amounts_in("foreground"))
        return self.foreground + measured

    def is_remembered(self, request: LedgerRequest, reply: Any) -> bool:
        match request:
            case Authorize():
                return reply.attempt_id in self.state.attempts
            case OpenReservation(reservation_id=reservation_id, first_attempt=Authorize()):
                return reservation_id in self.state.reservations
            case OpenReservation(reservation_id=reservation_id):
                remembered = (*self.state.reservations, *self.state.ended.released)
                return reservation_id in remembered
            case Settle(attempt_id=attempt_id):
                return reply.known and attempt_id in self.state.attempts
        return isinstance(request, ChangeBudget)

    # --- what must hold after every step ----------------------------------------------------------

    @invariant()
    def the_state_is_consistent(self) -> None:
        if self.commits:
            check(self.state)

    @invariant()
    def every_limit_holds_unless_a_person_or_an_overrun_broke_it(self) -> None:
        if not self.commits:
            return
        limits = self.state.controls.limits.items()
        exceeded = any(self.left(*key) < 0 for key, limit in limits if limit.hard)
        if not exceeded:
            self.excused = False
        assert self.excused or not exceeded

    @invariant()
    def the_sums_are_those_of_the_entries(self) -> None:
        if not self.commits:
            return
        unsettled = {key for key, amount in self.counted.items() if amount.cost is None}
        assert set(self.state.open_attempts) == unsettled
        for scope in SCOPES:
            self.check_sums(scope)
        overruns = [
            amount
            for amount in self.counted.values()
            if amount.cost is not None and amount.cost > amount.upper_bound
        ]
        assert self.state.totals.overruns == len(overruns)

    def check_sums(self, scope: str) -> None:
        account, amounts_in = self.state.accounts.of(scope), self.amounts_in(scope)
        assert account.settled == sum(amount.cost or 0 for amount in amounts_in)
        unsettled = [amount.upper_bound for amount in amounts_in if amount.cost is None]
        assert account.authorized == sum(unsettled)
        for window in WINDOWS:
            here = window_label(window, self.now)
            used = self.state.used(scope, window, self.now)  # type: ignore[arg-type]
            assert used.settled == sum(
                amount.cost or 0 for amount in amounts_in if window_label(window, amount.at) == here
            ), f"{scope}/{window}"
