"""Replicas of the ledger over one list of commits: behind, racing, killed, and never in agreement
about the time by more than seconds.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from daydream_budget.ledger.entries import Commit, Entry
from daydream_budget.ledger.rules import LedgerRequest, decide, due, is_certain
from daydream_budget.ledger.snapshots import LedgerSnapshot
from daydream_budget.ledger.state import LedgerState

REPLICAS = 3
STALE_SHARE = 0.2  # of requests reach a replica that has not read on
SKEW_S = 2.0
IDLE_S = 6 * 3600.0
KEPT_COMMITS = 5_000


@dataclass
class SimulatedReplica:
    """A state, and how many commits it has read."""

    state: LedgerState = field(default_factory=LedgerState)
    read: int = 0
    skew: timedelta = timedelta(0)


class SimulatedLedger:
    """The commits, and the replicas that decide on them."""

    def __init__(self, chance: random.Random) -> None:
        self._chance = chance
        self._commits: list[Commit] = []
        self._first = 0  # the number of the first commit that is kept
        self.replicas = [
            SimulatedReplica(skew=timedelta(seconds=chance.uniform(-SKEW_S, SKEW_S)))
            for _ in range(REPLICAS)
        ]

    @property
    def length(self) -> int:
        """Return the number of commits."""
        return self._first + len(self._commits)

    def current(self) -> LedgerState:
        """Return a state that is up to date."""
        self._read_on(self.replicas[0])
        return self.replicas[0].state

    def submit(self, request: LedgerRequest, now: datetime) -> Any:
        """Let one replica decide, as `Ledger` does: what it writes must be the next commit."""
        replica = self._chance.choice(self.replicas)
        if self._chance.random() > STALE_SHARE:
            self._read_on(replica)
        while True:
            at = self._time(replica, now)
            reply, entries = decide(replica.state, request, at)
            is_behind = replica.read < self.length
            if not is_behind:
                self._commit(replica, entries, at)
                return reply
            if not entries and is_certain(reply):
                return reply
            self._read_on(replica)

    def sweep(self, now: datetime) -> None:
        """Write what time has decided."""
        replica = self._chance.choice(self.replicas)
        self._read_on(replica)
        at = self._time(replica, now)
        self._commit(replica, tuple(due(replica.state, at, IDLE_S)), at)

    def kill(self) -> None:
        """Kill a replica: it starts from a snapshot of another one, which may be behind."""
        replica, other = self._chance.sample(self.replicas, 2)
        snapshot = LedgerSnapshot.of(other.state, other.read).model_dump_json()
        replica.state = LedgerSnapshot.model_validate_json(snapshot).to_state()
        replica.read = other.read

    def _time(self, replica: SimulatedReplica, now: datetime) -> datetime:
        at = now + replica.skew
        return at if replica.state.at is None else max(at, replica.state.at)

    def _commit(self, replica: SimulatedReplica, entries: Sequence[Entry], at: datetime) -> None:
        if not entries:
            return
        commit = Commit(previous="", at=at, by="simulated", entries=tuple(entries))
        self._commits.append(commit)
        self._read_on(replica)
        if len(self._commits) > 2 * KEPT_COMMITS:
            for each in self.replicas:
                self._read_on(each)
            self._first += KEPT_COMMITS
            del self._commits[:KEPT_COMMITS]

    def _read_on(self, replica: SimulatedReplica) -> None:
        for commit in self._commits[replica.read - self._first :]:
            replica.state.fold(commit)
        replica.read = self.length
