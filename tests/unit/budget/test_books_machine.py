"""The ledger's rules and books under any order of questions, times and repetitions (a state machine driven by Hypothesis).

Nothing here knows how the books are kept: the machine keeps sums of its own from the entries alone and compares. It opens,
grows, draws, settles, closes, expires, repeats what was asked (late, twice, out of order), rolls windows over the nights on
which clocks change, changes limits, pauses, corrects, reports foreground spend, loses races, crashes and replays.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from daydream_budget.ledger.entries import (
    COMMIT,
    AttemptAuthorized,
    AttemptSettled,
    Commit,
    Entry,
    ReservationOpened,
)
from daydream_budget.ledger.limits import exceeded_limit
from daydream_budget.ledger.rules import Question, decide, due
from daydream_budget.ledger.snapshots import LedgerSnapshot
from daydream_budget.ledger.state import HORIZON, LedgerState, check
from daydream_contracts.rpc import (
    AllocationRequest,
    Authorize,
    Change,
    ChangeBudget,
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
    Window,
)

IDLE_S = 6 * 3600.0
LIFETIMES_S = [900.0, 30 * 3600.0]
ZURICH = ZoneInfo("Europe/Zurich")
EVENING_BEFORE_SUMMER_TIME = datetime(2026, 3, 28, 20, 30, tzinfo=UTC)
EVENING_BEFORE_WINTER_TIME = datetime(2026, 10, 24, 20, 30, tzinfo=UTC)
STAGES, MODELS, TEAMS = ("synthesizer", "critic"), ("m0", "m1"), ("", "red")
SCOPES = ("all", "stage:critic", "model:m1", "team:red", "purpose:canary")
WINDOWS: tuple[Window, ...] = ("hour", "day", "week", "month", "lifetime")

amounts = st.integers(0, 40)
picks = st.integers(0, 1_000_000)


@dataclass(frozen=True)
class Asked:
    """A question that was granted, and what came back."""

    question: Question
    answer: Any


@dataclass
class Spent:
    """What the machine itself knows of a draw or a correction."""

    at: datetime
    stage: str
    model: str
    team: str
    purpose: str
    bound: int
    cost: int | None = None

    def is_in(self, scope: str) -> bool:
        kind, _, name = scope.partition(":")
        return scope == "all" or getattr(self, kind) == name


def label(window: str, at: datetime) -> str:
    """The name of the calendar window, by another way than the books': the wall clock's."""
    local = at.astimezone(ZURICH)
    forms = {
        "hour": "%Y-%m-%d %H %z",
        "day": "%Y-%m-%d",
        "week": "%G %V",
        "month": "%Y-%m",
        "lifetime": "",
    }
    return local.strftime(forms[window])


class LedgerMachine(RuleBasedStateMachine):
    """One replica's books, the commits that made them, and an independent count of the money."""

    def __init__(self) -> None:
        super().__init__()
        self.commits: list[Commit] = []
        self.asked: list[Asked] = []
        self.reservation_ids: list[str] = []
        self.purposes: dict[str, str] = {}
        self.attempt_ids: list[str] = []
        self.until: dict[str, datetime] = {}
        self.spent: dict[str, Spent] = {}
        self.corrections: list[Spent] = []
        self.foreground = 0
        self.count = 0
        self.excused = False
        self.early_snapshot: tuple[str, int] | None = None

    @initialize(
        start=st.sampled_from([EVENING_BEFORE_SUMMER_TIME, EVENING_BEFORE_WINTER_TIME]),
        day_cap=st.integers(90, 200),
    )
    def begin(self, start: datetime, day_cap: int) -> None:
        self.now = start
        self.books = LedgerState()
        self.change(SetZone(zone="Europe/Zurich"))
        self.change(SetLimit(window="day", cap_nanousd=day_cap))
        for branches in (1, 2, 3):
            self.open([20, 10], branches, "", "daydream", False)
        for pick in (0, 1):
            self.draw(pick, 20, 0, 0, False, LIFETIMES_S[pick])

    # --- the questions ------------------------------------------------------------------------------------------------

    @rule(
        bounds=st.lists(amounts, min_size=1, max_size=2),
        branches=st.integers(1, 3),
        team=st.sampled_from(TEAMS),
        purpose=st.sampled_from(["daydream", "canary"]),
        model_is_open=st.booleans(),
    )
    def open(
        self, bounds: list[int], branches: int, team: str, purpose: str, model_is_open: bool
    ) -> None:
        self.count += 1
        name = f"reservation-{self.count}"
        question = OpenReservation(
            reservation_id=name,
            allocations=self.parts(bounds, team, model_is_open),
            branches=branches,
            purpose=purpose,
            requested_at=self.now,
            reduced_plans=(
                ReducedPlan(
                    allocations=self.parts([bound // 2 for bound in bounds], team, model_is_open)
                ),
            ),
        )
        answer = self.grant(question, sum(bounds))
        if sum(bounds) == 0:
            assert answer.granted, "what is free passes whatever the limits say"
        if answer.granted:
            assert answer.plan in (0, 1)
            assert answer.plan == 0 or sum(bounds) > 0
            self.reservation_ids.append(name)
            self.purposes[name] = purpose

    def parts(
        self, bounds: list[int], team: str, model_is_open: bool
    ) -> tuple[AllocationRequest, ...]:
        others = ("m1",) if model_is_open else ()
        return tuple(
            AllocationRequest(
                stage=STAGES[at],
                model="m0",
                alternative_models=others,
                team=team,
                upper_bound_nanousd=bound,
            )
            for at, bound in enumerate(bounds)
        )

    @precondition(lambda self: self.books.controls.capped and not self.books.controls.paused)
    @rule(over=st.integers(0, 1))
    def open_all_that_is_left(self, over: int) -> None:
        """Up to the cap, and not one more."""
        limits = {
            key: limit
            for key, limit in self.books.controls.limits.items()
            if limit.hard and self.books.controls.cap(limit) is not None
        }
        free = min(self.free(*key) for key in limits if key[0] in ("all", "stage:critic"))
        if free > 0 and not self.books.foreground.reported:
            self.count += 1
            part = AllocationRequest(stage="critic", model="m0", upper_bound_nanousd=free + over)
            question = OpenReservation(
                reservation_id=f"reservation-{self.count}",
                allocations=(part,),
                requested_at=self.now,
            )
            answer = self.grant(question, free + over)
            assert answer.granted == (not over)
            if answer.granted:
                self.reservation_ids.append(question.reservation_id)
                self.purposes[question.reservation_id] = "daydream"

    @rule(age=st.timedeltas(timedelta(days=5), timedelta(days=9)))
    def open_what_was_asked_for_long_ago(self, age: timedelta) -> None:
        self.count += 1
        part = AllocationRequest(stage="critic", model="m0", upper_bound_nanousd=1)
        question = OpenReservation(
            reservation_id=f"reservation-{self.count}",
            allocations=(part,),
            requested_at=self.now - age,
        )
        answer = self.grant(question, 1)
        if answer.granted:
            assert age <= HORIZON
            self.reservation_ids.append(question.reservation_id)
            self.purposes[question.reservation_id] = "daydream"
        elif age > HORIZON:
            assert answer.refusal is not None
            assert answer.refusal.reason == "too-old"

    @precondition(lambda self: self.reservation_ids)
    @rule(pick=picks, by=amounts, stage=st.sampled_from(STAGES), model=st.sampled_from(MODELS))
    def grow(self, pick: int, by: int, stage: str, model: str) -> None:
        self.count += 1
        question = IncreaseReservation(
            reservation_id=self.pick(self.reservation_ids, pick),
            increase_id=f"growth-{self.count}",
            stage=stage,
            model=model,
            by_nanousd=by,
        )
        self.grant(question, by)

    @precondition(lambda self: self.reservation_ids)
    @rule(
        pick=picks,
        bound=amounts,
        stage=st.integers(0, 1),
        model=st.integers(0, 1),
        again=st.booleans(),
        lifetime_s=st.sampled_from(LIFETIMES_S),
    )
    def draw(
        self, pick: int, bound: int, stage: int, model: int, again: bool, lifetime_s: float
    ) -> None:
        self.count += 1
        reservation_id = self.pick(self.reservation_ids, pick)
        reservation = self.books.reservations.get(reservation_id)
        team = reservation.pots[0].team if reservation else ""
        call_id = f"call-{reservation_id}" if again else f"call-{self.count}"
        question = Authorize(
            reservation_id=reservation_id,
            call_id=call_id,
            nonce=f"nonce-{self.count}",
            stage=STAGES[stage],
            model=MODELS[model],
            team=team,
            upper_bound_nanousd=bound,
            lifetime_s=lifetime_s,
        )
        before = copy.deepcopy(reservation)
        spent = Spent(
            self.now, STAGES[stage], MODELS[model], team, self.purposes[reservation_id], 0
        )
        stopped = self.books.controls.paused or any(
            self.free(*key) < 0 for key in self.books.controls.limits if spent.is_in(key[0])
        )
        answer = self.ask(question)
        if answer.granted:
            assert before is not None
            assert before.status == "open"
            assert bound <= max(
                pot.left for pot in before.pots if pot.pays(STAGES[stage], MODELS[model], team)
            )
            assert not (bound and stopped), "no paid draw while a limit is exceeded, or in a pause"
            assert answer.attempt_id not in self.attempt_ids, "a grant is good for one worker"
            self.attempt_ids.append(answer.attempt_id)

    @precondition(lambda self: self.attempt_ids)
    @rule(
        pick=picks,
        cost=st.none() | st.integers(0, 40),
        tokens=st.none() | st.integers(0, 500),
        last=st.booleans(),
    )
    def settle(self, pick: int, cost: int | None, tokens: int | None, last: bool) -> None:
        attempt_id = self.pick(self.attempt_ids, pick)
        attempt = self.books.attempts.get(attempt_id)
        if attempt is not None and attempt.charged is None:
            real = attempt.bound if cost is None else cost
            self.excused |= real > attempt.bound
        self.ask(
            Settle(
                attempt_id=attempt_id,
                cost_nanousd=cost,
                input_tokens=tokens,
                output_tokens=tokens,
                release=last,
            )
        )

    @precondition(lambda self: self.reservation_ids)
    @rule(pick=picks, branch=st.none() | st.integers(0, 2))
    def close(self, pick: int, branch: int | None) -> None:
        reservation_id = self.pick(self.reservation_ids, pick)
        reservation = self.books.reservations.get(reservation_id)
        if reservation is None or branch is None or branch < reservation.branches:
            answer = self.ask(ReleaseReservation(reservation_id=reservation_id, branch=branch))
            assert answer.released or (reservation is not None and branch is not None)

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

    @precondition(lambda self: self.books.controls.limits)
    @rule(pick=picks, by=st.none() | st.integers(-50, 100))
    def remove_or_top_up(self, pick: int, by: int | None) -> None:
        scope, window = self.pick(sorted(self.books.controls.limits), pick)
        self.excused = True
        self.change(
            RemoveLimit(scope=scope, window=window)
            if by is None
            else TopUp(scope=scope, window=window, by_nanousd=by)
        )

    @rule(paused=st.booleans())
    def pause(self, paused: bool) -> None:
        self.change(Pause(paused=paused))

    @precondition(lambda self: self.spent)
    @rule(pick=picks, by=st.integers(-30, 30))
    def correct(self, pick: int, by: int) -> None:
        about = self.spent[self.pick(sorted(self.spent), pick)]
        what = CorrectionEntry(
            stage=about.stage,
            model=about.model,
            team=about.team,
            purpose=about.purpose,
            at=about.at,
            by_nanousd=by,
        )
        if self.change(what).refusal is None:
            self.excused |= by > 0
            self.corrections.append(
                Spent(about.at, about.stage, about.model, about.team, about.purpose, 0, by)
            )
        else:
            assert by < 0

    @rule(
        cost=st.integers(0, 30),
        age=st.timedeltas(timedelta(0), timedelta(hours=30)),
        ratio=st.none() | st.floats(0.5, 30),
    )
    def foreground_is_reported(self, cost: int, age: timedelta, ratio: float | None) -> None:
        self.count += 1
        self.change(SetTax(ratio=ratio))
        answer = self.ask(
            ReportForeground(report_id=f"report-{self.count}", at=self.now - age, cost_nanousd=cost)
        )
        self.foreground += cost * answer.counted
        assert answer.counted == (age <= timedelta(days=1))
        assert self.books.foreground.total == self.foreground

    @precondition(lambda self: self.asked)
    @rule(pick=picks)
    def repeat(self, pick: int) -> None:
        """Whatever was asked before can be asked again: no entry, and while the ledger remembers it the same answer."""
        earlier = self.pick(self.asked, pick)
        answer, entries = decide(self.books, earlier.question, self.now)
        assert entries == ()
        match earlier.question:
            case Authorize() if earlier.answer.attempt_id in self.books.attempts:
                assert answer == earlier.answer
            case OpenReservation() if earlier.question.reservation_id in (
                *self.books.reservations,
                *self.books.closed,
            ):
                assert answer == earlier.answer
            case Settle() if (
                earlier.answer.known and earlier.question.attempt_id in self.books.attempts
            ):
                assert answer == earlier.answer
            case ChangeBudget():
                assert answer == earlier.answer

    # --- time ---------------------------------------------------------------------------------------------------------

    @rule(by=st.timedeltas(timedelta(seconds=1), timedelta(hours=1)))
    def time_goes_on(self, by: timedelta) -> None:
        self.now += by

    @rule()
    def sweep(self) -> None:
        entries = tuple(due(self.books, self.now, IDLE_S))
        for entry in entries:
            if isinstance(entry, AttemptSettled):
                assert self.until[entry.attempt_id] < self.now
                assert entry.unknown
                assert entry.cost_nanousd == self.spent[entry.attempt_id].bound, (
                    "what nobody settled is spent in full"
                )
        if entries:
            self.commit(*entries)
        assert all(self.until[key] >= self.now for key in self.books.outstanding)
        assert not any(
            isinstance(entry, AttemptSettled) for entry in due(self.books, self.now, IDLE_S)
        )

    @rule(
        by=st.sampled_from(
            [
                timedelta(hours=7),
                timedelta(hours=23),
                timedelta(hours=25),
                timedelta(days=8),
                timedelta(days=33),
            ]
        )
    )
    def a_long_time_passes(self, by: timedelta) -> None:
        self.now += by
        self.sweep()  # the service sweeps every second; test_rules.py has the case in which something else comes first

    @rule()
    def midnight_comes(self) -> None:
        local = self.now.astimezone(ZURICH)
        tomorrow = datetime.combine(local.date() + timedelta(days=1), datetime.min.time(), ZURICH)
        self.now = tomorrow.astimezone(UTC)
        self.sweep()

    # --- persistence --------------------------------------------------------------------------------------------------

    @precondition(lambda self: self.early_snapshot is None and len(self.commits) >= 5)
    @rule()
    def take_a_snapshot(self) -> None:
        self.early_snapshot = (
            LedgerSnapshot.of(self.books, len(self.commits)).model_dump_json(),
            len(self.commits),
        )

    @rule()
    def crash_and_load(self) -> None:
        """The replica is killed and starts from a snapshot: nothing that it kept besides may matter."""
        self.books = LedgerSnapshot.model_validate_json(
            LedgerSnapshot.of(self.books, 1).model_dump_json()
        ).books()

    def teardown(self) -> None:
        """All commits folded from nothing, and those after a snapshot folded onto it, give the same books."""
        if not self.commits:
            return
        replayed = LedgerState()
        for commit in self.commits:
            replayed.fold(commit)
        assert content(replayed) == content(self.books)
        assert list(replayed.closed) == list(self.books.closed)
        body, sequence = self.early_snapshot or (
            LedgerSnapshot.of(LedgerState(), 0).model_dump_json(),
            0,
        )
        snapshot = LedgerSnapshot.model_validate_json(body)
        assert snapshot.sequence == sequence
        resumed = snapshot.books()
        for commit in self.commits[sequence:]:
            resumed.fold(commit)
        assert content(resumed) == content(self.books)
        assert list(resumed.closed) == list(self.books.closed)

    # --- what must hold after every step ------------------------------------------------------------------------------

    @invariant()
    def the_books_hold_together(self) -> None:
        if self.commits:
            check(self.books)

    @invariant()
    def every_limit_is_kept_unless_a_person_or_a_bill_broke_it(self) -> None:
        if not self.commits:
            return
        exceeded = any(
            self.free(*key) < 0 for key, limit in self.books.controls.limits.items() if limit.hard
        )
        if not exceeded:
            self.excused = False
        assert self.excused or not exceeded

    @invariant()
    def the_sums_are_those_of_the_entries(self) -> None:
        if not self.commits:
            return
        assert set(self.books.outstanding) == {
            key for key, spent in self.spent.items() if spent.cost is None
        }
        for scope in SCOPES:
            account = self.books.accounts.of(scope)
            mine = [
                spent for spent in (*self.spent.values(), *self.corrections) if spent.is_in(scope)
            ]
            assert account.settled == sum(spent.cost or 0 for spent in mine)
            assert account.drawn == sum(spent.bound for spent in mine if spent.cost is None)
            for window in WINDOWS:
                here = label(window, self.now)
                used = self.books.used(scope, window, self.now)
                assert used.settled == sum(
                    spent.cost or 0 for spent in mine if label(window, spent.at) == here
                ), f"{scope}/{window}"
        assert self.books.sums["overruns"] == sum(
            spent.cost is not None and spent.cost > spent.bound for spent in self.spent.values()
        )

    @invariant()
    def draws_stay_inside_their_reservations(self) -> None:
        for reservation in self.books.reservations.values() if self.commits else ():
            overrun = sum(
                max(0, (self.books.attempts[key].charged or 0) - self.books.attempts[key].bound)
                for key in reservation.attempts
            )
            for pot in reservation.pots:
                assert pot.spent + pot.drawn <= pot.bound + overrun

    # --- how it is done -----------------------------------------------------------------------------------------------

    def free(self, scope: str, window: str) -> int:
        """What a limit leaves, by the machine's own count of what was spent: a call counts in the window in which it was drawn,
        one in hand in every window."""
        limit = self.books.controls.limits[scope, window]  # type: ignore[index]
        whole = self.books.controls.limits.get(("all", window))  # type: ignore[arg-type]
        cap = limit.cap_nanousd
        if cap is None:
            if whole is None:
                return 0
            cap = int((whole.cap_nanousd or 0) * (limit.share or 0))
        mine = [spent for spent in (*self.spent.values(), *self.corrections) if spent.is_in(scope)]
        here = label(window, self.now)
        used = sum(
            spent.bound if spent.cost is None else spent.cost
            for spent in mine
            if spent.cost is None or label(window, spent.at) == here
        )
        held = sum(
            pot.left
            for reservation in self.books.reservations.values()
            if reservation.status == "open"
            for pot in reservation.pots
            if scope in pot.scopes
        )
        return cap - used - held

    def change(self, what: Change) -> Any:
        self.count += 1
        return self.ask(ChangeBudget(change_id=f"change-{self.count}", change=what, who="a test"))

    def grant(self, question: Question, by: int) -> Grant:
        """Ask for something that is checked against the limits; a grant that costs leaves every limit kept that it counts against."""
        answer: Grant = self.ask(question)
        if answer.granted and by and isinstance(question, OpenReservation):
            opened = self.commits[-1].entries[0]
            assert isinstance(opened, ReservationOpened)
            if sum(part.upper_bound_nanousd for part in opened.allocations):
                assert self.books.controls.capped
                assert not self.books.controls.paused
                scopes = {
                    scope
                    for pot in self.books.reservations[question.reservation_id].pots
                    if pot.bound
                    for scope in pot.scopes
                }
                assert not exceeded_limit(self.books, dict.fromkeys(scopes, 0), self.now)
                assert all(
                    self.free(*key) >= 0
                    for key, limit in self.books.controls.limits.items()
                    if limit.hard and key[0] in scopes
                )
        return answer

    def ask(self, question: Question) -> Any:
        answer, entries = decide(self.books, question, self.now)
        if entries:
            self.commit(*entries)
        if getattr(answer, "refusal", None) is None:
            again, second = decide(self.books, question, self.now)
            assert second == ()
            if not isinstance(
                question, Settle | ReleaseReservation
            ):  # a closed reservation's attempts are forgotten
                assert again == answer
            self.asked.append(Asked(question, answer))
        else:
            assert entries == ()
        return answer

    def commit(self, *entries: Entry) -> None:
        """Write entries as the ledger does: try them, lose the race, take them back, then fold what came from the stream."""
        before = content(self.books)
        self.books.journal.mark()
        for entry in entries:
            self.books.apply(entry, self.now)
        self.books.journal.rollback()
        assert content(self.books) == before
        commit = COMMIT.validate_json(
            COMMIT.dump_json(Commit(at=self.now, by="test", entries=entries))
        )
        self.books.fold(commit)
        self.commits.append(commit)
        for entry in entries:
            if isinstance(entry, AttemptAuthorized):
                self.until[entry.attempt_id] = entry.until
                purpose = self.purposes[entry.reservation_id]
                self.spent[entry.attempt_id] = Spent(
                    self.now,
                    entry.stage,
                    entry.model,
                    entry.team,
                    purpose,
                    entry.upper_bound_nanousd,
                )
            elif isinstance(entry, AttemptSettled):
                assert self.spent[entry.attempt_id].cost is None, "settled once"
                self.spent[entry.attempt_id].cost = entry.cost_nanousd

    pick: Callable[[Any, int], Any] = staticmethod(lambda items, at: items[at % len(items)])


def content(books: LedgerState) -> dict[str, Any]:
    """Everything in the books that matters, to compare; empty accounts and caches do not."""
    found = LedgerSnapshot.of(books, 0).model_dump(exclude={"accounts"}, warnings=False)
    accounts = {
        scope: (
            account.open,
            account.drawn,
            account.settled,
            {quarter: amount for quarter, amount in account.quarters.items() if amount},
        )
        for scope, account in books.accounts.by_scope.items()
    }
    for name in ("outstanding", "spend", "limits", "crossed"):  # their order says nothing
        found[name] = sorted(found[name], key=repr)
    return {
        **found,
        "accounts": {scope: row for scope, row in accounts.items() if row != (0, 0, 0, {})},
    }


TestLedgerMachine = LedgerMachine.TestCase
TestLedgerMachine.settings = settings(
    max_examples=120,
    stateful_step_count=40,
    deadline=None,
    derandomize=True,
    suppress_health_check=list(HealthCheck),
)
