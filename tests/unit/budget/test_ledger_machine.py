"""The ledger's rules and state under any order of requests, times and repetitions.

A state machine driven by Hypothesis. It opens, increases, authorizes, settles, releases and expires
reservations; repeats requests (late, twice, out of order); lets windows pass over the nights on
which clocks change; changes limits, pauses, corrects, reports foreground spend; loses races,
crashes and replays. After every step the state must agree with an independent count of the entries
(`support.ledger_machine`).
"""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import initialize, precondition, rule

from daydream_budget.ledger.entries import AttemptSettled
from daydream_budget.ledger.retention import HORIZON
from daydream_budget.ledger.rules import decide, due
from daydream_contracts.rpc import (
    AllocationRequest,
    Authorize,
    CorrectionEntry,
    Grant,
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
from support.fake_ledger import for_one_call
from support.ledger_machine import (
    SCOPES,
    STAGES,
    WINDOWS,
    ZURICH,
    ExpectedAmount,
    allocations_of,
)
from support.ledger_persistence import PersistentMachine

pytestmark = pytest.mark.fault(
    "F2 F9 F16 F17 F18 F19 F20",
    invariant="any order of requests, repeats and crashes: sums equal an independent count",
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


class LedgerMachine(PersistentMachine):
    """The rules, and what must hold after each of them."""

    pick: Callable[[Any, int], Any] = staticmethod(lambda items, at: items[at % len(items)])

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
        expected=st.integers(0, 15),
    )
    def open(
        self,
        upper_bounds: list[int],
        branches: int,
        team: str,
        purpose: str,
        model_is_open: bool,
        expected: int = 0,
    ) -> None:
        halves = [upper_bound // 2 for upper_bound in upper_bounds]
        reduced = ReducedPlan(allocations=allocations_of(halves, team, model_is_open))
        request = OpenReservation(
            reservation_id=self.next_name("reservation"),
            allocations=allocations_of(upper_bounds, team, model_is_open, expected),
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

    @precondition(lambda self: self.reservation_ids)
    @rule(pick=picks, over=st.integers(0, 1))
    def authorize_all_that_is_left(self, pick: int, over: int) -> None:
        """Up to the tightest cap, whatever others hold, and not one more."""
        reservation_id = self.pick(self.reservation_ids, pick)
        amount = ExpectedAmount(self.now, "critic", "m0", "", self.purposes[reservation_id], 0)
        reservation = self.state.reservations.get(reservation_id)
        left = min((self.left(*key) for key in self.hard_limits(amount)), default=0)
        if left <= 0 or reservation is None or reservation.status == "released":
            return
        request = Authorize(
            reservation_id=reservation_id,
            call_id=self.next_name("call"),
            nonce=self.next_name("nonce"),
            stage="critic",
            model="m0",
            upper_bound_nanousd=left + over,
            lifetime_s=LIFETIMES_S[0],
        )
        fits = self.fits(request)
        grant = self.submit(request)
        if not self.state.foreground.reported:
            assert grant.granted == fits
        assert not (grant.granted and over)
        if grant.granted:
            self.attempt_ids.append(grant.attempt_id)

    @rule(
        upper_bound=amounts,
        key=st.sampled_from(["k1", "k2"]),
        team=st.sampled_from(TEAMS),
        lifetime_s=st.sampled_from(LIFETIMES_S),
    )
    def call_from_foreground(
        self, upper_bound: int, key: str, team: str, lifetime_s: float
    ) -> None:
        """Open and authorize in one request."""
        name = self.next_name("reservation")
        request = for_one_call(
            name,
            upper_bound,
            self.now,
            purpose="foreground",
            key=key,
            lifetime_s=lifetime_s,
            stage="gateway",
            model="m1",
            team=team,
        )
        first = request.first_attempt
        assert first is not None
        self.purposes[name], self.keys[name] = "foreground", key
        fits = self.fits(first)
        grant = self.submit(request)
        assert grant.granted == fits
        if grant.granted:
            self.attempt_ids.append(grant.attempt_id)

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
        fits = self.fits(request)
        grant = self.submit(request)
        if grant.granted:
            assert before is not None
            assert before.status != "released"
            assert fits
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
            key=about.key,
            at=about.at,
            by_nanousd=by,
        )
        if self.change(correction).refusal is None:
            self.excused |= by > 0
            self.corrections.append(dataclasses.replace(about, upper_bound=0, cost=by))
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
        assert self.state.foreground.total == self.foreground_spend()

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
TestLedgerMachine.settings = settings(stateful_step_count=40)
