"""Takes the commits of a ledger one by one and says what is wrong with them. Pure.

It keeps accounts of its own beside the fold: which ids were opened, drawn and settled, ever. So memory grows with the calls of
the ledger (some 300 bytes each), which is fit for a command and would not be for a service.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from daydream_budget.ledger.entries import (
    AttemptAuthorized,
    AttemptSettled,
    Commit,
    ControlsChanged,
    Entry,
    ReservationOpened,
)
from daydream_budget.ledger.state import LedgerState, check
from daydream_budget.ledger.windows import quarter_of
from daydream_contracts.events import ContractModel
from daydream_contracts.rpc import CorrectionEntry, Window

BALANCE_EVERY = 500  # commits; the sums over everything that is open are dear
FINDINGS_MAX = 1000


class AuditFinding(ContractModel):
    """Something that must not be. `sequence` is the place of the commit in the stream, 0 where it is about the whole."""

    kind: str
    sequence: int
    text: str


@dataclass(slots=True)
class AuditedCall:
    """One attempt, as the ledger tells it. `charged` None: not settled yet. Corrections of it are in `corrected`."""

    stage: str
    model: str
    at: datetime
    bound: int
    charged: int | None = None
    unknown: bool = False
    provider_id: str = ""
    corrected: int = 0

    @property
    def cost(self) -> int:
        return (self.charged or 0) + self.corrected


class Auditor:
    """The books so far, every call in them, and the findings. `broken`: an entry could not be folded, so nothing after it is judged."""

    def __init__(self) -> None:
        self.books = LedgerState()
        self.sequence = 0
        self.entries = 0
        self.commits = 0
        self.first_at: datetime | None = None
        self.calls: dict[str, AuditedCall] = {}
        self.corrections: list[tuple[datetime, CorrectionEntry]] = []
        self.findings: list[AuditFinding] = []
        self.broken = False
        self._opened: set[str] = set()

    def find(self, kind: str, text: str, sequence: int | None = None) -> None:
        """Note what is wrong; more than a thousand say no more than a thousand do."""
        if len(self.findings) < FINDINGS_MAX:
            self.findings.append(
                AuditFinding(
                    kind=kind, text=text, sequence=self.sequence if sequence is None else sequence
                )
            )

    def take(self, sequence: int, commit: Commit) -> None:
        """Judge the next commit, and fold it."""
        if sequence != self.sequence + 1:
            self.find(
                "gap",
                f"entries {self.sequence + 1} to {sequence - 1} of the stream are missing",
                sequence,
            )
        if self.books.at is not None and commit.at < self.books.at:
            self.find(
                "clock",
                f"written at {commit.at:%Y-%m-%d %H:%M:%S}, after one of {self.books.at:%Y-%m-%d %H:%M:%S}",
                sequence,
            )
        self.sequence, self.commits, self.first_at = (
            sequence,
            self.commits + 1,
            self.first_at or commit.at,
        )
        before = self._excess(commit.at)
        for entry in commit.entries:
            self.entries += 1
            try:
                self._examine(entry, commit.at)
                self.books.apply(entry, commit.at)
            except (
                KeyError,
                AttributeError,
                IndexError,
            ) as error:  # it speaks of what was never written
                self.find(
                    "unfoldable",
                    f"a {entry.kind} entry can't follow what is before it ({error!r}); nothing after it was judged",
                )
                self.broken = True
                return
        self.books.keep(commit.at)
        self._caps(before, commit)
        if self.commits % BALANCE_EVERY == 0:
            self.balance()

    def balance(self) -> None:
        """Whether everything adds up."""
        try:
            check(self.books)
        except AssertionError as error:
            self.find("imbalance", str(error))

    def _examine(self, entry: Entry, at: datetime) -> None:
        match entry:
            case ReservationOpened():
                if entry.reservation_id in self._opened:
                    self.find(
                        "twice", f"reservation {entry.reservation_id} is opened a second time"
                    )
                self._opened.add(entry.reservation_id)
            case AttemptAuthorized():
                self._drawn(entry, at)
            case AttemptSettled():
                call = self.calls[entry.attempt_id]
                if call.charged is not None:
                    self.find("twice", f"attempt {entry.attempt_id} is settled a second time")
                call.charged, call.unknown, call.provider_id = (
                    entry.cost_nanousd,
                    entry.unknown,
                    entry.provider_id,
                )
            case ControlsChanged(change=CorrectionEntry() as what):
                self.corrections.append((what.at, what))
                if what.attempt_id in self.calls:
                    self.calls[what.attempt_id].corrected += what.by_nanousd

    def _drawn(self, entry: AttemptAuthorized, at: datetime) -> None:
        if entry.attempt_id in self.calls:
            self.find("twice", f"attempt {entry.attempt_id} is drawn a second time")
        reservation = self.books.reservations[entry.reservation_id]
        place = reservation.pot(entry.stage, entry.model, entry.team)
        left = 0 if place is None or reservation.status != "open" else reservation.pots[place].left
        if entry.upper_bound_nanousd > left:
            self.find(
                "overdrawn",
                f"attempt {entry.attempt_id} draws {entry.upper_bound_nanousd} n$ where {left} n$ are held",
            )
        self.calls[entry.attempt_id] = AuditedCall(
            entry.stage, entry.model, at, entry.upper_bound_nanousd
        )

    def _excess(self, at: datetime) -> dict[tuple[str, Window], int]:
        """By how much each hard limit is exceeded."""
        found = {}
        for (scope, window), limit in self.books.controls.limits.items():
            cap = self.books.controls.cap(limit) if limit.hard else None
            if cap is not None:
                found[scope, window] = max(0, self.books.used(scope, window, at).total - cap)
        return found

    def _caps(self, before: dict[tuple[str, Window], int], commit: Commit) -> None:
        """Nothing that was granted may exceed a cap. A change by a person may, and a bill above its bound, by so much."""
        if any(isinstance(entry, ControlsChanged) for entry in commit.entries):
            return
        settled = [entry for entry in commit.entries if isinstance(entry, AttemptSettled)]
        overruns = sum(
            max(0, entry.cost_nanousd - self.calls[entry.attempt_id].bound) for entry in settled
        )
        for (scope, window), excess in self._excess(commit.at).items():
            if excess > before.get((scope, window), 0) + overruns:
                self.find(
                    "over-cap",
                    f"the cap {scope}/{window} is exceeded by {excess} n$ after this, and nobody changed it",
                )


def day_of(at: datetime) -> str:
    """The UTC day of a moment, as providers bill. The ledger knows quarter-hours, of which each lies in one day."""
    return f"{datetime.fromtimestamp(quarter_of(at) * 900, UTC):%Y-%m-%d}"
