"""The ledger's rules and books under any order of questions, times and repetitions (a state machine driven by Hypothesis).

Nothing here knows how the books are kept: the machine keeps sums of its own from the entries alone and compares.
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

from daydream_budget.books import HORIZON, Books
from daydream_budget.entries import COMMIT, AttemptSettled, Commit, Drawn, Entry
from daydream_budget.rules import Question, decide, due
from daydream_budget.snapshots import Snapshot
from daydream_shared.requests import CloseEnvelope, Draw, EnvelopePart, Grant, GrowEnvelope, OpenEnvelope, SetLimit, Settle, Window

IDLE_S = 6 * 3600.0
LIFETIMES_S = [900.0, 30 * 3600.0]
ZURICH = ZoneInfo("Europe/Zurich")
EVENING_BEFORE_SUMMER_TIME = datetime(2026, 3, 28, 20, 30, tzinfo=UTC)
EVENING_BEFORE_WINTER_TIME = datetime(2026, 10, 24, 20, 30, tzinfo=UTC)

amounts = st.integers(0, 40)
picks = st.integers(0, 1_000_000)


@dataclass(frozen=True)
class Asked:
    """A question that was granted, and what came back."""

    question: Question
    answer: Any


class LedgerMachine(RuleBasedStateMachine):
    """One replica's books, the commits that made them, and an independent count of the money."""

    def __init__(self) -> None:
        super().__init__()
        self.commits: list[Commit] = []
        self.asked: list[Asked] = []
        self.envelope_ids: list[str] = []
        self.attempt_ids: list[str] = []
        self.draws: dict[str, Drawn] = {}
        self.day_drawn: dict[str, str] = {}
        self.bills: dict[str, AttemptSettled] = {}
        self.count = 0
        self.excused = False
        self.early_snapshot: tuple[str, int] | None = None

    @initialize(start=st.sampled_from([EVENING_BEFORE_SUMMER_TIME, EVENING_BEFORE_WINTER_TIME]), day_cap=st.integers(90, 200))
    def begin(self, start: datetime, day_cap: int) -> None:
        self.now = start
        self.books = Books(ZURICH)
        self.set_limit("day", day_cap)
        for ways in (1, 2, 3):
            self.open([20, 10], ways)
        for pick in (0, 1):
            self.draw(pick, 20, False, LIFETIMES_S[pick])

    # --- the questions ------------------------------------------------------------------------------------------------

    @rule(bounds=st.lists(amounts, min_size=1, max_size=3), ways=st.integers(1, 3))
    def open(self, bounds: list[int], ways: int) -> None:
        self.count += 1
        parts = tuple(EnvelopePart(stage=f"stage-{at}", model="m", bound_nanousd=bound) for at, bound in enumerate(bounds))
        question = OpenEnvelope(envelope_id=f"envelope-{self.count}", parts=parts, ways=ways, asked_at=self.now)
        answer = self.grant(question, sum(bounds))
        if sum(bounds) == 0:
            assert answer.granted, "what is free passes whatever the caps say"
        if answer.granted:
            self.envelope_ids.append(question.envelope_id)

    @precondition(lambda self: self.books.caps)
    @rule(over=st.integers(0, 1))
    def open_all_that_is_left(self, over: int) -> None:
        free = min(self.books.free(window, self.now) for window in self.books.caps)
        if free > 0:
            count = len(self.envelope_ids)
            self.open([free + over], 1)
            assert (len(self.envelope_ids) > count) == (not over), "up to the cap, and not one more"

    @rule(age=st.timedeltas(timedelta(days=5), timedelta(days=9)))
    def open_what_was_asked_for_long_ago(self, age: timedelta) -> None:
        self.count += 1
        part = EnvelopePart(stage="s", model="m", bound_nanousd=1)
        question = OpenEnvelope(envelope_id=f"envelope-{self.count}", parts=(part,), asked_at=self.now - age)
        answer = self.grant(question, 1)
        if answer.granted:
            assert age <= HORIZON
            self.envelope_ids.append(question.envelope_id)
        elif age > HORIZON:
            assert answer.refusal.reason == "too-old"

    @precondition(lambda self: self.envelope_ids)
    @rule(pick=picks, by=amounts)
    def grow(self, pick: int, by: int) -> None:
        self.count += 1
        self.grant(GrowEnvelope(envelope_id=self.pick(self.envelope_ids, pick), growth_id=f"growth-{self.count}", by_nanousd=by), by)

    @precondition(lambda self: self.envelope_ids)
    @rule(pick=picks, bound=amounts | st.sampled_from(["all", "one too many"]), another_attempt=st.booleans(), lifetime_s=st.sampled_from(LIFETIMES_S))
    def draw(self, pick: int, bound: int | str, another_attempt: bool, lifetime_s: float) -> None:
        self.count += 1
        envelope_id = self.pick(self.envelope_ids, pick)
        if isinstance(bound, str):
            held = self.books.envelopes[envelope_id].hold if envelope_id in self.books.envelopes else 0
            bound = held + (bound == "one too many")
        call_id = f"call-{envelope_id}" if another_attempt else f"call-{self.count}"
        question = Draw(envelope_id=envelope_id, call_id=call_id, nonce=f"nonce-{self.count}", stage="s", model=f"m{self.count % 2}",
                        bound_nanousd=bound, lifetime_s=lifetime_s)  # fmt: skip
        before = self.books.envelopes.get(envelope_id)
        exceeded = self.exceeded()
        answer = self.ask(question)
        if answer.granted:
            assert before is not None
            assert before.status == "open"
            assert bound <= before.hold
            assert not (bound and exceeded), "no paid draw while a limit is exceeded"
            assert answer.attempt_id not in self.attempt_ids, "a grant is good for one worker"
            self.attempt_ids.append(answer.attempt_id)

    @precondition(lambda self: self.attempt_ids)
    @rule(pick=picks, cost=st.none() | st.integers(0, 40), tokens=st.none() | st.integers(0, 500))
    def settle(self, pick: int, cost: int | None, tokens: int | None) -> None:
        attempt_id = self.pick(self.attempt_ids, pick)
        attempt = self.books.attempts.get(attempt_id)
        if attempt is not None and attempt.charged is None:
            real = attempt.bound if cost is None else cost
            self.excused |= real > attempt.bound
        self.ask(Settle(attempt_id=attempt_id, cost_nanousd=cost, input_tokens=tokens, output_tokens=tokens))

    @precondition(lambda self: self.envelope_ids)
    @rule(pick=picks, way=st.none() | st.integers(0, 2))
    def close(self, pick: int, way: int | None) -> None:
        envelope_id = self.pick(self.envelope_ids, pick)
        envelope = self.books.envelopes.get(envelope_id)
        if envelope is None or way is None or way < envelope.ways:
            answer = self.ask(CloseEnvelope(envelope_id=envelope_id, way=way))
            assert answer.closed or (envelope is not None and way is not None)

    @rule(window=st.sampled_from(["day", "lifetime"]), cap=st.none() | st.integers(0, 300) | st.integers(100, 400))
    def set_limit(self, window: Window, cap: int | None) -> None:
        self.count += 1
        if cap is not None:
            settled, drawn = self.books.used(window, self.now)
            self.excused |= cap < settled + drawn + self.books.sums["open"]
        self.ask(SetLimit(change_id=f"change-{self.count}", window=window, cap_nanousd=cap, who="a test"))

    @precondition(lambda self: self.asked)
    @rule(pick=picks)
    def repeat(self, pick: int) -> None:
        """Whatever was asked before can be asked again: no entry, and while the ledger remembers it the same answer."""
        earlier = self.pick(self.asked, pick)
        answer, entry = decide(self.books, earlier.question, self.now)
        assert entry is None
        match earlier.question:
            case Draw() if earlier.answer.attempt_id in self.books.attempts:
                assert answer == earlier.answer
            case OpenEnvelope() if earlier.question.envelope_id in self.books.envelopes:
                assert answer == earlier.answer
            case Settle() if earlier.answer.known and earlier.question.attempt_id in self.books.attempts:
                assert answer == earlier.answer
            case SetLimit():
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
                assert self.draws[entry.attempt_id].until < self.now
                assert entry.unknown
                assert entry.cost_nanousd == self.draws[entry.attempt_id].bound_nanousd, "what nobody settled is spent in full"
        if entries:
            self.commit(*entries)
        assert all(self.draws[key].until >= self.now for key in self.books.outstanding)
        assert not any(isinstance(entry, AttemptSettled) for entry in due(self.books, self.now, IDLE_S))

    @rule(by=st.sampled_from([timedelta(hours=7), timedelta(hours=23), timedelta(hours=25), timedelta(days=8)]))
    def a_long_time_passes(self, by: timedelta) -> None:
        self.now += by
        self.sweep()  # the service sweeps every second; test_rules.py has the case in which something else comes first

    @rule()
    def midnight_comes(self) -> None:
        local = self.now.astimezone(ZURICH)
        tomorrow = datetime.combine(local.date() + timedelta(days=1), datetime.min.time(), ZURICH)
        assert self.books.day_of(tomorrow - timedelta(seconds=1)) == local.date().isoformat()
        self.now = tomorrow.astimezone(UTC)
        self.sweep()

    # --- persistence --------------------------------------------------------------------------------------------------

    @precondition(lambda self: self.early_snapshot is None and len(self.commits) >= 5)
    @rule()
    def take_a_snapshot(self) -> None:
        self.early_snapshot = (Snapshot.of(self.books, len(self.commits)).model_dump_json(), len(self.commits))

    def teardown(self) -> None:
        """All commits folded from nothing, and those after a snapshot folded onto it, give the same books."""
        if not self.commits:
            return
        replayed = Books(ZURICH)
        for commit in self.commits:
            replayed.fold(commit)
        assert replayed == self.books
        assert list(replayed.ended) == list(self.books.ended)
        assert Snapshot.model_validate_json(Snapshot.of(self.books, 1).model_dump_json()).books(ZURICH) == self.books
        body, sequence = self.early_snapshot or (Snapshot.of(Books(ZURICH), 0).model_dump_json(), 0)
        snapshot = Snapshot.model_validate_json(body)
        assert snapshot.sequence == sequence
        resumed = snapshot.books(ZURICH)
        for commit in self.commits[sequence:]:
            resumed.fold(commit)
        assert resumed == self.books
        assert list(resumed.ended) == list(self.books.ended)

    # --- what must hold after every step ------------------------------------------------------------------------------

    @invariant()
    def the_books_hold_together(self) -> None:
        if self.commits:
            self.books.check(self.now)

    @invariant()
    def every_limit_is_kept_unless_a_person_or_a_bill_broke_it(self) -> None:
        if not self.commits:
            return
        if not self.exceeded():
            self.excused = False
        assert self.excused or not self.exceeded()

    @invariant()
    def the_sums_are_those_of_the_entries(self) -> None:
        if not self.commits:
            return
        open_draws = {key: draw.bound_nanousd for key, draw in self.draws.items() if key not in self.bills}
        assert self.books.sums["settled"] == sum(bill.cost_nanousd for bill in self.bills.values())
        assert self.books.sums["drawn"] == sum(open_draws.values())
        assert set(self.books.outstanding) == set(open_draws)
        today = [key for key, day in self.day_drawn.items() if day == self.now.astimezone(ZURICH).date().isoformat()]
        settled_today = sum(self.bills[key].cost_nanousd for key in today if key in self.bills)
        assert self.books.used("day", self.now) == (settled_today, sum(open_draws.values())), "a call in hand counts in every window"
        assert self.books.sums["overruns"] == sum(bill.cost_nanousd > self.draws[key].bound_nanousd for key, bill in self.bills.items())

    @invariant()
    def draws_stay_inside_their_envelopes(self) -> None:
        for envelope in self.books.envelopes.values() if self.commits else ():
            overrun = sum(max(0, (self.books.attempts[key].charged or 0) - self.books.attempts[key].bound) for key in envelope.attempts)
            assert envelope.spent + envelope.drawn <= envelope.bound + overrun

    # --- how it is done -----------------------------------------------------------------------------------------------

    def grant(self, question: Question, by: int) -> Grant:
        """Ask for something that is checked against the limits; a grant leaves every limit kept."""
        answer: Grant = self.ask(question)
        if answer.granted and by:
            assert not self.exceeded()
            assert self.books.caps
        return answer

    def ask(self, question: Question) -> Any:
        answer, entry = decide(self.books, question, self.now)
        if entry is not None:
            self.commit(entry)
        if getattr(answer, "refusal", None) is None:
            again, second = decide(self.books, question, self.now)
            assert second is None
            assert again == answer
            self.asked.append(Asked(question, answer))
        else:
            assert entry is None
        return answer

    def commit(self, *entries: Entry) -> None:
        """Write entries as the ledger does: try them, lose the race, take them back, then fold what came from the stream."""
        tried = copy.deepcopy(self.books)
        tried.mark()
        for entry in entries:
            tried.apply(entry, self.now)
        tried.rollback()
        assert tried == self.books
        commit = COMMIT.validate_json(COMMIT.dump_json(Commit(at=self.now, by="test", entries=entries)))
        self.books.fold(commit)
        self.commits.append(commit)
        for entry in entries:
            if isinstance(entry, Drawn):
                self.draws[entry.attempt_id] = entry
                self.day_drawn[entry.attempt_id] = self.now.astimezone(ZURICH).date().isoformat()
            elif isinstance(entry, AttemptSettled):
                assert entry.attempt_id not in self.bills, "settled once"
                self.bills[entry.attempt_id] = entry

    def exceeded(self) -> bool:
        """Whether some limit is exceeded, by the machine's own count: a call counts on the day on which it was drawn."""
        today = self.now.astimezone(ZURICH).date().isoformat()
        held = sum(envelope.hold for envelope in self.books.envelopes.values())
        counted = {
            key: self.bills[key].cost_nanousd if key in self.bills else draw.bound_nanousd
            for key, draw in self.draws.items()
        }  # fmt: skip
        used = {"lifetime": sum(counted.values()), "day": sum(cost for key, cost in counted.items() if self.day_drawn[key] == today)}
        return any(used[window] + held > cap for window, cap in self.books.caps.items())

    pick: Callable[[Any, int], Any] = staticmethod(lambda items, at: items[at % len(items)])


TestLedgerMachine = LedgerMachine.TestCase
TestLedgerMachine.settings = settings(max_examples=150, stateful_step_count=40, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
