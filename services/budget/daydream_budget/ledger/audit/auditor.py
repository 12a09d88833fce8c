"""Judge the commits of a ledger one by one. Pure.

The auditor keeps its own record beside the ledger state: every id that was ever opened, authorized
and settled. So its memory grows with the calls of the ledger, about 300 bytes each. That suits a
command, and would not suit a service.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from daydream_budget.ledger.entries import (
    AttemptAuthorized,
    AttemptSettled,
    Commit,
    ControlsChanged,
    Entry,
    MessageVoided,
    ReservationOpened,
)
from daydream_budget.ledger.invariants import check
from daydream_budget.ledger.limits import settled_and_authorized
from daydream_budget.ledger.state import LedgerState
from daydream_budget.ledger.windows import quarter_of, start_of
from daydream_contracts.events import ContractModel
from daydream_contracts.rpc import CorrectionEntry, Window

BALANCE_COMMITS = 500  # commits between two checks of all sums, which are expensive
FINDINGS_MAX = 1000


class AuditFinding(ContractModel):
    """Something that must not be. `sequence` is the commit in the stream; 0: the whole ledger."""

    kind: str
    sequence: int
    text: str


class VoidedMessage(ContractModel):
    """An unreadable message that a person voided. It is on record, and no finding."""

    sequence: int
    at: datetime
    who: str
    why: str


@dataclass(slots=True)
class AuditedCall:
    """One attempt according to the ledger. `charged` None: not settled yet."""

    stage: str
    model: str
    at: datetime
    upper_bound: int
    charged: int | None = None
    unknown: bool = False
    provider_id: str = ""
    corrected: int = 0

    @property
    def cost(self) -> int:
        """Return the charge with all corrections."""
        return (self.charged or 0) + self.corrected


class Auditor:
    """The state so far, every call in it, and the findings.

    `broken`: an entry could not be folded, so nothing after it is judged.
    """

    def __init__(self) -> None:
        self.state = LedgerState()
        self.sequence = 0
        self.entries = 0
        self.commits = 0
        self.first_at: datetime | None = None
        self.calls: dict[str, AuditedCall] = {}
        self.corrections: list[tuple[datetime, CorrectionEntry]] = []
        self.voids: list[VoidedMessage] = []
        self.findings: list[AuditFinding] = []
        self.broken = False
        self._opened: set[str] = set()

    def report(self, kind: str, text: str, sequence: int | None = None) -> None:
        """Record a finding, up to `FINDINGS_MAX`. Default: it is about the current commit."""
        if len(self.findings) < FINDINGS_MAX:
            place = self.sequence if sequence is None else sequence
            self.findings.append(AuditFinding(kind=kind, text=text, sequence=place))

    def take(self, sequence: int, commit: Commit) -> None:
        """Judge the next commit, and fold it."""
        self._check_order(sequence, commit)
        self.sequence = sequence
        self.commits += 1
        self.first_at = self.first_at or commit.at
        before = self._excess(commit.at)
        for entry in commit.entries:
            self.entries += 1
            try:
                self._examine(entry, commit.at)
                self.state.apply(entry, commit.at)
            except (KeyError, AttributeError, IndexError, ValueError) as error:
                self.report(
                    "unfoldable",
                    f"An entry of kind {entry.kind} does not follow from what is before it "
                    f"({error!r}). Nothing after it was judged.",
                )
                self.broken = True
                return
        self.state.finish_commit(commit.at)
        self._check_caps(before, commit)
        if self.commits % BALANCE_COMMITS == 0:
            self.balance()

    def skip(self, sequence: int) -> None:
        """Go past a voided message: a later commit, which is judged at its place, voids it."""
        self._check_gap(sequence)
        self.sequence = sequence

    def stop(self, sequence: int, problem: str) -> None:
        """Report an unreadable message, after which nothing can be judged."""
        text = f"The message is unreadable: {problem}. Nothing after it was judged."
        self._check_gap(sequence)
        self.report("unreadable", text, sequence)
        self.broken = True

    def balance(self) -> None:
        """Check that all sums add up."""
        try:
            check(self.state)
        except AssertionError as error:
            self.report("imbalance", str(error))

    def _check_gap(self, sequence: int) -> None:
        if sequence != self.sequence + 1:
            missing = f"{self.sequence + 1} to {sequence - 1}"
            self.report("gap", f"Entries {missing} of the stream are missing.", sequence)

    def _check_order(self, sequence: int, commit: Commit) -> None:
        self._check_gap(sequence)
        previous = self.state.at
        if previous is not None and commit.at < previous:
            text = f"Written at {commit.at:%Y-%m-%d %H:%M:%S}, before its predecessor"
            self.report("clock", f"{text} of {previous:%Y-%m-%d %H:%M:%S}.", sequence)

    def _examine(self, entry: Entry, at: datetime) -> None:
        match entry:
            case ReservationOpened():
                if entry.reservation_id in self._opened:
                    self.report(
                        "twice", f"Reservation {entry.reservation_id} is opened a second time."
                    )
                self._opened.add(entry.reservation_id)
            case AttemptAuthorized():
                self._examine_authorization(entry, at)
            case AttemptSettled():
                call = self.calls[entry.attempt_id]
                if call.charged is not None:
                    self.report("twice", f"Attempt {entry.attempt_id} is settled a second time.")
                call.charged = entry.cost_nanousd
                call.unknown = entry.unknown
                call.provider_id = entry.provider_id
            case MessageVoided():
                self.voids.append(
                    VoidedMessage(sequence=entry.sequence, at=at, who=entry.who, why=entry.why)
                )
            case ControlsChanged(change=CorrectionEntry() as correction):
                self.corrections.append((correction.at, correction))
                if correction.attempt_id in self.calls:
                    self.calls[correction.attempt_id].corrected += correction.by_nanousd

    def _examine_authorization(self, entry: AttemptAuthorized, at: datetime) -> None:
        if entry.attempt_id in self.calls:
            self.report("twice", f"Attempt {entry.attempt_id} is authorized a second time.")
        if self.state.reservations[entry.reservation_id].status == "released":
            self.report(
                "released",
                f"Attempt {entry.attempt_id} is authorized from a reservation that is released.",
            )
        self.calls[entry.attempt_id] = AuditedCall(
            entry.stage, entry.model, at, entry.upper_bound_nanousd
        )

    def _excess(self, at: datetime) -> dict[tuple[str, Window], int]:
        """Return by how much settled and authorized money exceeds each hard limit."""
        excess = {}
        for (scope, window), limit in self.state.controls.limits.items():
            cap = self.state.controls.cap(limit) if limit.hard else None
            if cap is not None:
                used = settled_and_authorized(self.state.used(scope, window, at))
                excess[scope, window] = max(0, used - cap)
        return excess

    def _check_caps(self, before: dict[tuple[str, Window], int], commit: Commit) -> None:
        """Report a cap that a grant exceeds. A change by a person may exceed it, and an overrun."""
        if any(isinstance(entry, ControlsChanged) for entry in commit.entries):
            return
        overruns = sum(
            max(0, entry.cost_nanousd - self.calls[entry.attempt_id].upper_bound)
            for entry in commit.entries
            if isinstance(entry, AttemptSettled)
        )
        for (scope, window), excess in self._excess(commit.at).items():
            if excess > before.get((scope, window), 0) + overruns:
                self.report(
                    "over-cap",
                    f"The cap {scope}/{window} is exceeded by {excess} n$ after this commit, "
                    "and no person changed it.",
                )


def day_of(at: datetime) -> str:
    """Return the UTC day, as providers bill. A quarter-hour never spans two days."""
    return f"{start_of(quarter_of(at)):%Y-%m-%d}"
