"""The fold of the ledger: what the entries add up to. Pure; no clock, no broker.

States of an envelope:   open → closed            (every way has ended)
                         open → expired → open    (nobody came; somebody came after all)
States of an attempt:    drawn → settled          (known, or unknown and counted in full)

Kept, for every limit and after every entry (`check`): what is open is held, so settled + drawn + open ≤ cap, unless somebody
lowered the cap or a bill came above its bound. Nothing here refuses: an entry in the ledger has happened. `rules` refuses.

An entry can be tried and taken back (`mark`, `rollback`): a commit that loses the race for its place in the stream never
happened. Terminal envelopes are remembered for `HORIZON` so that late and repeated questions find them; after that their
ids are forgotten, and nothing as old as that is opened. What is forgotten depends on the commits alone, never on the order
in which one replica tried things: otherwise one replica would write what another can't fold.
"""

from __future__ import annotations

import heapq
from collections.abc import Hashable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Literal
from zoneinfo import ZoneInfo

from daydream_budget.entries import AttemptSettled, Commit, Drawn, Entry, Expired, Grown, LimitSet, Opened, WayClosed
from daydream_shared.requests import Window

HORIZON = timedelta(days=7)


@dataclass(frozen=True)
class Envelope:
    """One daydream's money."""

    bound: int
    ways: int
    touched_at: datetime
    status: Literal["open", "expired", "closed"] = "open"
    spent: int = 0
    drawn: int = 0
    closed_ways: frozenset[int] = frozenset()
    attempts: tuple[str, ...] = ()
    growths: tuple[str, ...] = ()

    @property
    def hold(self) -> int:
        """What is still held under the limits for calls to come."""
        return max(0, self.bound - self.spent - self.drawn) if self.status == "open" else 0


@dataclass(frozen=True)
class Attempt:
    """One draw. `charged` is None until it is settled; `day` is the window that it belongs to."""

    envelope_id: str
    call_id: str
    nonce: str
    stage: str
    model: str
    bound: int
    until: datetime
    day: str
    charged: int | None = None


@dataclass(frozen=True)
class Spend:
    """Everything ever settled for one stage and model."""

    calls: int = 0
    unknown_calls: int = 0
    settled: int = 0
    input_tokens: int = 0
    output_tokens: int = 0


@dataclass
class Books:
    """The state of the ledger after some commit."""

    zone: ZoneInfo
    at: datetime | None = None
    caps: dict[Window, int] = field(default_factory=dict)
    changes: dict[str, bool] = field(default_factory=dict)
    envelopes: dict[str, Envelope] = field(default_factory=dict)
    attempts: dict[str, Attempt] = field(default_factory=dict)
    outstanding: dict[str, bool] = field(default_factory=dict)
    ended: dict[str, datetime] = field(default_factory=dict)
    spend: dict[tuple[str, str], Spend] = field(default_factory=dict)
    sums: dict[str, int] = field(default_factory=lambda: dict.fromkeys(("settled", "drawn", "open", "closed", "overruns"), 0))
    days: dict[str, int] = field(default_factory=dict)
    _endings: list[tuple[datetime, str]] = field(default_factory=list, compare=False)
    _undo: list[tuple[dict[Any, Any], Hashable, Any]] | None = None

    def __post_init__(self) -> None:
        self._endings = [(at, envelope_id) for envelope_id, at in self.ended.items()]
        heapq.heapify(self._endings)

    # --- reading --------------------------------------------------------------------------------------------------

    def day_of(self, at: datetime) -> str:
        """The calendar day that a time belongs to, in the operator's time zone."""
        return at.astimezone(self.zone).date().isoformat()

    def used(self, window: Window, at: datetime) -> tuple[int, int]:
        """(settled, drawn) in the window that `at` lies in. A cost belongs to the window in which it was drawn. A draw that is
        not settled counts in every window, like what is open: settled for less, its rest becomes open again."""
        settled = self.sums["settled"] if window == "lifetime" else self.days.get(self.day_of(at), 0)
        return settled, self.sums["drawn"]

    def in_hand(self, envelope: Envelope) -> bool:
        """Whether an attempt of this envelope waits to be settled, be it free."""
        return any(attempt_id in self.outstanding for attempt_id in envelope.attempts)

    def free(self, window: Window, at: datetime) -> int:
        """What the limit still allows; negative when it is exceeded. What is open counts in every window."""
        return self.caps[window] - sum(self.used(window, at)) - self.sums["open"]

    def check(self, at: datetime) -> None:
        """Assert what must hold after every entry (for tests and the audit, not for the hot path)."""
        assert self.sums["open"] == sum(envelope.hold for envelope in self.envelopes.values())
        assert self.sums["drawn"] == sum(self.attempts[key].bound for key in self.outstanding)
        assert all(self.attempts[key].charged is None for key in self.outstanding)
        assert min(self.sums.values()) >= 0
        assert sum(spend.settled for spend in self.spend.values()) == self.sums["settled"]
        for window in self.caps:
            assert self.free(window, at) <= self.caps[window]

    # --- trying and taking back -------------------------------------------------------------------------------------

    def mark(self) -> None:
        """From here on everything can be taken back."""
        self._undo = []

    def keep(self, at: datetime) -> None:
        """What was tried since the mark has happened, at `at`."""
        self._undo = None
        self.at = at
        self._forget(at)

    def rollback(self) -> None:
        """What was tried since the mark has not happened."""
        for mapping, key, old in reversed(self._undo or ()):
            if old is None:
                mapping.pop(key, None)
            else:
                mapping[key] = old
        self._undo = None

    def _put(self, mapping: dict[Any, Any], key: Hashable, value: Any) -> None:
        if self._undo is not None:
            self._undo.append((mapping, key, mapping.get(key)))
        mapping[key] = value

    def _drop(self, mapping: dict[Any, Any], key: Hashable) -> None:
        if key in mapping:
            if self._undo is not None:
                self._undo.append((mapping, key, mapping[key]))
            del mapping[key]

    # --- folding ----------------------------------------------------------------------------------------------------

    def fold(self, commit: Commit) -> None:
        """Take in a commit that is in the stream."""
        for entry in commit.entries:
            self.apply(entry, commit.at)
        self.keep(commit.at)

    def apply(self, entry: Entry, at: datetime) -> None:
        """Take in one entry."""
        match entry:
            case Opened():
                bound = sum(part.bound_nanousd for part in entry.parts)
                self._set_envelope(entry.envelope_id, Envelope(bound, entry.ways, at))
            case Grown():
                self._grow(entry, at)
            case Drawn():
                self._draw(entry, at)
            case AttemptSettled():
                self._settle(entry, at)
            case WayClosed():
                self._close(entry, at)
            case Expired():
                self._set_envelope(entry.envelope_id, replace(self.envelopes[entry.envelope_id], status="expired", touched_at=at))
            case LimitSet():
                self._put(self.changes, entry.change_id, True)
                if entry.cap_nanousd is None:
                    self._drop(self.caps, entry.window)
                else:
                    self._put(self.caps, entry.window, entry.cap_nanousd)

    def _add(self, name: str, amount: int) -> None:
        if amount:
            self._put(self.sums, name, self.sums[name] + amount)

    def _set_envelope(self, envelope_id: str, new: Envelope) -> None:
        old = self.envelopes.get(envelope_id)
        self._add("open", new.hold - (old.hold if old else 0))
        self._put(self.envelopes, envelope_id, new)
        if new.status == "open":
            self._drop(self.ended, envelope_id)
        else:
            self._put(self.ended, envelope_id, new.touched_at)
            heapq.heappush(self._endings, (new.touched_at, envelope_id))  # of a try that is taken back: found out of date later

    def _grow(self, entry: Grown, at: datetime) -> None:
        old = self.envelopes[entry.envelope_id]
        bound = max(old.bound, old.spent + old.drawn) if old.status == "open" else old.spent + old.drawn
        growths = (*old.growths, entry.growth_id)
        self._set_envelope(entry.envelope_id, replace(old, bound=bound + entry.by_nanousd, status="open", touched_at=at, growths=growths))

    def _draw(self, entry: Drawn, at: datetime) -> None:
        day = self.day_of(at)
        attempt = Attempt(entry.envelope_id, entry.call_id, entry.nonce, entry.stage, entry.model, entry.bound_nanousd, entry.until, day)
        self._put(self.attempts, entry.attempt_id, attempt)
        self._put(self.outstanding, entry.attempt_id, True)
        old = self.envelopes[entry.envelope_id]
        drawn = old.drawn + entry.bound_nanousd
        self._set_envelope(entry.envelope_id, replace(old, drawn=drawn, touched_at=at, attempts=(*old.attempts, entry.attempt_id)))
        self._add("drawn", entry.bound_nanousd)

    def _settle(self, entry: AttemptSettled, at: datetime) -> None:
        attempt = self.attempts[entry.attempt_id]
        self._put(self.attempts, entry.attempt_id, replace(attempt, charged=entry.cost_nanousd))
        self._drop(self.outstanding, entry.attempt_id)
        old = self.envelopes[attempt.envelope_id]
        touched = at if old.status == "open" else old.touched_at
        self._set_envelope(attempt.envelope_id, replace(old, drawn=old.drawn - attempt.bound, spent=old.spent + entry.cost_nanousd, touched_at=touched))
        self._add("drawn", -attempt.bound)
        self._add("settled", entry.cost_nanousd)
        self._put(self.days, attempt.day, self.days.get(attempt.day, 0) + entry.cost_nanousd)
        if entry.cost_nanousd > attempt.bound:
            self._add("overruns", 1)
        was = self.spend.get((attempt.stage, attempt.model), Spend())
        spend = Spend(
            was.calls + 1, was.unknown_calls + entry.unknown, was.settled + entry.cost_nanousd,
            was.input_tokens + (entry.input_tokens or 0), was.output_tokens + (entry.output_tokens or 0),
        )  # fmt: skip
        self._put(self.spend, (attempt.stage, attempt.model), spend)

    def _close(self, entry: WayClosed, at: datetime) -> None:
        old = self.envelopes[entry.envelope_id]
        ways = frozenset(range(old.ways)) if entry.way is None else old.closed_ways | {entry.way}
        done = len(ways) >= old.ways
        self._set_envelope(entry.envelope_id, replace(old, closed_ways=ways, status="closed" if done else old.status, touched_at=at))
        if done:
            self._add("closed", 1)

    def _forget(self, at: datetime) -> None:
        """Drop what ended longer ago than the horizon, but for what still waits to be settled."""
        waiting = []
        while self._endings and at - self._endings[0][0] > HORIZON:
            ended_at, envelope_id = heapq.heappop(self._endings)
            if self.ended.get(envelope_id) != ended_at:
                continue  # it has grown or changed since
            if self.in_hand(self.envelopes[envelope_id]):
                waiting.append((ended_at, envelope_id))
                continue
            for attempt_id in self.envelopes[envelope_id].attempts:
                del self.attempts[attempt_id]
            del self.envelopes[envelope_id], self.ended[envelope_id]
        for ending in waiting:
            heapq.heappush(self._endings, ending)
        while len(self.changes) > 1000:
            del self.changes[next(iter(self.changes))]
        oldest = self.day_of(at - HORIZON)
        for day in [day for day in self.days if day < oldest]:
            del self.days[day]
