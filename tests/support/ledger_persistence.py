"""What must survive in the ledger's state machine test: snapshots, and a replay of its commits."""

from __future__ import annotations

from hypothesis.stateful import precondition, rule

from daydream_budget.ledger.snapshots import LedgerSnapshot
from daydream_budget.ledger.state import LedgerState
from support.ledger_machine import CountingMachine, content


class PersistentMachine(CountingMachine):
    """A replica that is killed and loaded, and is compared with replays at the end."""

    def __init__(self) -> None:
        super().__init__()
        self.early_snapshot: tuple[str, int] | None = None

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
