"""The ledger's rules and state under any order of requests, times and repetitions.

A state machine driven by Hypothesis. It opens, increases, authorizes, settles, releases and expires
reservations; repeats requests (late, twice, out of order); lets windows pass over the nights on
which clocks change; changes limits, pauses, corrects, reports foreground spend; loses races,
crashes and replays. After every step the state must agree with an independent count of the entries
(`support.ledger_machine`).
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import initialize, precondition, rule

from daydream_budget.ledger.entries import AttemptSettled
from daydream_budget.ledger.retention import HORIZON
from daydream_budget.ledger.rules import decide, due
from daydream_budget.ledger.snapshots import LedgerSnapshot
from daydream_budget.ledger.state import LedgerState
from daydream_contracts.rpc import (
    AllocationRequest,
    Authorize,
    CorrectionEntry,
    Grant,
    IncreaseReservation,
    OpenReservation,
    Pause,
    ReducedPlan,
    ReleaseReservation,
    RemoveLimit,
    ReportForeground,
    SetLimit,
    SetTax,
    Settle,
    SetZone,
    TopUp,
)
from support.ledger_machine import (
    SCOPES,
    STAGES,
    WINDOWS,
    ZURICH,
    CountedAmount,
    CountingMachine,
    allocations_of,
    content,
)

IDLE_S = 6 * 3600.0
LIFETIMES_S = [900.0, 30 * 3600.0]
EVENING_BEFORE_SUMMER_TIME = datetime(2026, 3, 28, 20, 30, tzinfo=UTC)
EVENING_BEFORE_WINTER_TIME = datetime(2026, 10, 24, 20, 30, tzinfo=UTC)
LONG_TIMES = [
    timedelta(hours=7),
    timedelta(hours=23),
    timedelta(hours=25),
    timedelta(days=8),
    timedelta(days=33),
]
MODELS, TEAMS = ("m0", "m1"), ("", "red")

amounts = st.integers(0, 40)
picks = st.integers(0, 1_000_000)


class LedgerMachine(CountingMachine):
    """The rules, and what must hold after each of them."""

    pick: Callable[[Any, int], Any] = staticmethod(lambda items, at: items[at % len(items)])

    def __init__(self) -> None:
        super().__init__()
        self.early_snapshot: tuple[str, int] | None = None

    @initialize(
        start=st.sampled_from([EVENING_BEFORE_SUMMER_TIME, EVENING_BEFORE_WINTER_TIME]),
        day_cap=st.integers(90, 200),
    )
    def begin(self, start: datetime, day_cap: int) -> None:
        self.now = start
        self.change(SetZone(zone="Europe/Zurich"))
        self.change(SetLimit(window="day", cap_nanousd=day_cap))
        for branches in (1, 2, 3):
            self.open([20, 10], branches, "", "daydream", False)
        for pick in (0, 1):
            self.authorize(pick, 20, 0, 0, False, LIFETIMES_S[pick])

    # --- requests ---------------------------------------------------------------------------------

    @rule(
        upper_bounds=st.lists(amounts, min_size=1, max_size=2),
        branches=st.integers(1, 3),
        team=st.sampled_from(TEAMS),
        purpose=st.sampled_from(["daydream", "canary"]),
        model_is_open=st.booleans(),
    )
    def open(
        self, upper_bounds: list[int], branches: int, team: str, purpose: str, model_is_open: bool
    ) -> None:
        halves = [upper_bound // 2 for upper_bound in upper_bounds]
        reduced = ReducedPlan(allocations=allocations_of(halves, team, model_is_open))
        request = OpenReservation(
            reservation_id=self.next_name("reservation"),
            allocations=allocations_of(upper_bounds, team, model_is_open),
            branches=branches,
            purpose=purpose,
            requested_at=self.now,
            reduced_plans=(reduced,),
        )
        grant = self.request_open(request)
        is_free = not any(upper_bounds)
        if is_free:
            assert grant.granted, "what is free passes whatever the limits say"
        if grant.granted:
            assert grant.plan == 0 or (grant.plan == 1 and not is_free)

    @precondition(lambda self: self.state.controls.has_cap and not self.state.controls.paused)
    @rule(over=st.integers(0, 1))
    def open_all_that_is_free(self, over: int) -> None:
        """Up to the cap, and not one more."""
        controls = self.state.controls
        limits = [
            key
            for key, limit in controls.limits.items()
            if limit.hard and controls.cap(limit) is not None and key[0] in ("all", "stage:critic")
        ]
        free = min(self.free(*key) for key in limits)
        if free > 0 and not self.state.foreground.reported:
            part = AllocationRequest(stage="critic", model="m0", upper_bound_nanousd=free + over)
            request = OpenReservation(
                reservation_id=self.next_name("reservation"),
                allocations=(part,),
                requested_at=self.now,
            )
            assert self.request_open(request).granted == (not over)

    @rule(age=st.timedeltas(timedelta(days=5), timedelta(days=9)))
    def open_what_was_requested_long_ago(self, age: timedelta) -> None:
        part = AllocationRequest(stage="critic", model="m0", upper_bound_nanousd=1)
        request = OpenReservation(
            reservation_id=self.next_name("reservation"),
            allocations=(part,),
            requested_at=self.now - age,
        )
        grant = self.request_open(request)
        if grant.refusal is None:
            assert age <= HORIZON
        elif age > HORIZON:
            assert grant.refusal.reason == "too-old"

    @precondition(lambda self: self.reservation_ids)
    @rule(pick=picks, by=amounts, stage=st.sampled_from(STAGES), model=st.sampled_from(MODELS))
    def increase(self, pick: int, by: int, stage: str, model: str) -> None:
        self.submit(
            IncreaseReservation(
                reservation_id=self.pick(self.reservation_ids, pick),
                increase_id=self.next_name("increase"),
                stage=stage,
                model=model,
                by_nanousd=by,
            )
        )

    @precondition(lambda self: self.reservation_ids)
    @rule(
        pick=picks,
        upper_bound=amounts,
        stage=st.integers(0, 1),
        model=st.integers(0, 1),
        again=st.booleans(),
        lifetime_s=st.sampled_from(LIFETIMES_S),
    )
    def authorize(
        self, pick: int, upper_bound: int, stage: int, model: int, again: bool, lifetime_s: float
    ) -> None:
        self.count += 1
        reservation_id = self.pick(self.reservation_ids, pick)
        before = copy.deepcopy(self.state.reservations.get(reservation_id))
        request = Authorize(
            reservation_id=reservation_id,
            call_id=f"call-{reservation_id}" if again else f"call-{self.count}",
            nonce=f"nonce-{self.count}",
            stage=STAGES[stage],
            model=MODELS[model],
            team=before.allocations[0].team if before else "",
            upper_bound_nanousd=upper_bound,
            lifetime_s=lifetime_s,
        )
        stopped = self.is_stopped(request)
        grant = self.submit(request)
        if grant.granted:
            self.check_authorized(before, request, stopped)
            assert grant.attempt_id not in self.attempt_ids, "a grant is valid for one worker"
            self.attempt_ids.append(grant.attempt_id)

    @precondition(lambda self: self.attempt_ids)
    @rule(
        pick=picks,
        cost=st.none() | st.integers(0, 40),
        tokens=st.none() | st.integers(0, 500),
        release=st.booleans(),
    )
    def settle(self, pick: int, cost: int | None, tokens: int | None, release: bool) -> None:
        attempt_id = self.pick(self.attempt_ids, pick)
        attempt = self.state.attempts.get(attempt_id)
        if attempt is not None and attempt.charged is None:
            charged = attempt.upper_bound if cost is None else cost
            self.excused |= charged > attempt.upper_bound
        self.submit(
            Settle(
                attempt_id=attempt_id,
                cost_nanousd=cost,
                input_tokens=tokens,
                output_tokens=tokens,
                release=release,
            )
        )

    @precondition(lambda self: self.reservation_ids)
    @rule(pick=picks, branch=st.none() | st.integers(0, 2))
    def release(self, pick: int, branch: int | None) -> None:
        reservation_id = self.pick(self.reservation_ids, pick)
        reservation = self.state.reservations.get(reservation_id)
        if reservation is None or branch is None or branch < reservation.branches:
            request = ReleaseReservation(reservation_id=reservation_id, branch=branch)
            status = self.submit(request)
            assert status.released or (reservation is not None and branch is not None)

    @rule(
        scope=st.sampled_from(SCOPES),
        window=st.sampled_from(WINDOWS),
        cap=st.integers(0, 300) | st.integers(100, 400),
        hard=st.booleans(),
    )
    def set_limit(self, scope: str, window: str, cap: int, hard: bool) -> None:
        self.excused = True  # it may be lower than what is used
        self.change(SetLimit(scope=scope, window=window, cap_nanousd=cap, hard=hard))

    @rule(
        scope=st.sampled_from(SCOPES[1:]), window=st.sampled_from(WINDOWS), share=st.floats(0.1, 1)
    )
    def set_share(self, scope: str, window: str, share: float) -> None:
        self.excused = True
        self.change(SetLimit(scope=scope, window=window, share=share))

    @precondition(lambda self: self.state.controls.limits)
    @rule(pick=picks, by=st.none() | st.integers(-50, 100))
    def remove_or_top_up(self, pick: int, by: int | None) -> None:
        scope, window = self.pick(sorted(self.state.controls.limits), pick)
        self.excused = True
        if by is None:
            self.change(RemoveLimit(scope=scope, window=window))
        else:
            self.change(TopUp(scope=scope, window=window, by_nanousd=by))

    @rule(paused=st.booleans())
    def pause(self, paused: bool) -> None:
        self.change(Pause(paused=paused))

    @precondition(lambda self: self.counted)
    @rule(pick=picks, by=st.integers(-30, 30))
    def correct(self, pick: int, by: int) -> None:
        about = self.counted[self.pick(sorted(self.counted), pick)]
        correction = CorrectionEntry(
            stage=about.stage,
            model=about.model,
            team=about.team,
            purpose=about.purpose,
            at=about.at,
            by_nanousd=by,
        )
        if self.change(correction).refusal is None:
            self.excused |= by > 0
            self.corrections.append(
                CountedAmount(about.at, about.stage, about.model, about.team, about.purpose, 0, by)
            )
        else:
            assert by < 0

    @rule(
        cost=st.integers(0, 30),
        age=st.timedeltas(timedelta(0), timedelta(hours=30)),
        ratio=st.none() | st.floats(0.5, 30),
    )
    def report_foreground(self, cost: int, age: timedelta, ratio: float | None) -> None:
        self.change(SetTax(ratio=ratio))
        request = ReportForeground(
            report_id=self.next_name("report"), at=self.now - age, cost_nanousd=cost
        )
        answer = self.submit(request)
        self.foreground += cost * answer.counted
        assert answer.counted == (age <= timedelta(days=1))
        assert self.state.foreground.total == self.foreground

    @precondition(lambda self: self.granted)
    @rule(pick=picks)
    def repeat(self, pick: int) -> None:
        """Repeat any request: no entry, and the same reply while the ledger remembers it."""
        earlier = self.pick(self.granted, pick)
        reply, entries = decide(self.state, earlier.request, self.now)
        assert entries == ()
        if self.is_remembered(earlier.request, earlier.reply):
            assert reply == earlier.reply

    # --- time -------------------------------------------------------------------------------------

    @rule(by=st.timedeltas(timedelta(seconds=1), timedelta(hours=1)))
    def time_passes(self, by: timedelta) -> None:
        self.now += by

    @rule()
    def sweep(self) -> None:
        entries = tuple(due(self.state, self.now, IDLE_S))
        for entry in entries:
            if isinstance(entry, AttemptSettled):
                assert self.expires_at[entry.attempt_id] < self.now
                assert entry.unknown
                upper_bound = self.counted[entry.attempt_id].upper_bound
                assert entry.cost_nanousd == upper_bound, "an unsettled attempt is spent in full"
        if entries:
            self.commit(*entries)
        assert all(self.expires_at[key] >= self.now for key in self.state.open_attempts)
        still_due = due(self.state, self.now, IDLE_S)
        assert not any(isinstance(entry, AttemptSettled) for entry in still_due)

    @rule(by=st.sampled_from(LONG_TIMES))
    def a_long_time_passes(self, by: timedelta) -> None:
        """The service sweeps every second; test_rules.py has the case without a sweep first."""
        self.now += by
        self.sweep()

    @rule()
    def midnight_comes(self) -> None:
        local = self.now.astimezone(ZURICH)
        tomorrow = datetime.combine(local.date() + timedelta(days=1), datetime.min.time(), ZURICH)
        self.now = tomorrow.astimezone(UTC)
        self.sweep()

    # --- persistence ------------------------------------------------------------------------------

    @precondition(lambda self: self.early_snapshot is None and len(self.commits) >= 5)
    @rule()
    def take_a_snapshot(self) -> None:
        sequence = len(self.commits)
        self.early_snapshot = LedgerSnapshot.of(self.state, sequence).model_dump_json(), sequence

    @rule()
    def crash_and_load(self) -> None:
        """Start from a snapshot after a kill: nothing outside the snapshot may matter."""
        snapshot = LedgerSnapshot.of(self.state, 1).model_dump_json()
        self.state = LedgerSnapshot.model_validate_json(snapshot).to_state()

    def teardown(self) -> None:
        """Compare a replay from nothing, and one from a snapshot, with the state."""
        if not self.commits:
            return
        empty = LedgerSnapshot.of(LedgerState(), 0).model_dump_json(), 0
        for text, sequence in (empty, self.early_snapshot or empty):
            snapshot = LedgerSnapshot.model_validate_json(text)
            assert snapshot.sequence == sequence
            replayed = snapshot.to_state()
            for commit in self.commits[sequence:]:
                replayed.fold(commit)
            assert content(replayed) == content(self.state)
            assert list(replayed.ended.released) == list(self.state.ended.released)

    # --- checks of single rules -------------------------------------------------------------------

    def request_open(self, request: OpenReservation) -> Grant:
        """Submit a request to open; a paid grant leaves every limit of its scopes intact."""
        grant: Grant = self.submit(request)
        if not grant.granted:
            return grant
        self.reservation_ids.append(request.reservation_id)
        self.purposes[request.reservation_id] = request.purpose
        self.check_opened(request)
        return grant


TestLedgerMachine = LedgerMachine.TestCase
TestLedgerMachine.settings = settings(
    max_examples=120,
    stateful_step_count=40,
    deadline=None,
    derandomize=True,
    suppress_health_check=list(HealthCheck),
)
