"""What people have set: limits, the tax, the time zone, a pause; and who changed what."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction
from zoneinfo import ZoneInfo

from daydream_budget.ledger.entries import ControlsChanged, MessageVoided, SoftLimitReached
from daydream_budget.ledger.undo_log import UndoLog
from daydream_contracts.events import NANOUSD_PER_USD
from daydream_contracts.rpc import (
    EVERYTHING,
    Change,
    ChangeRecord,
    CorrectionEntry,
    Pause,
    RemoveLimit,
    SetLimit,
    SetTax,
    SetZone,
    TopUp,
    Window,
)

CHANGES_MAX = 1000
Key = tuple[str, Window]


@dataclass(frozen=True)
class SoftLimitState:
    """The highest reported share of a limit, in the window that starts with this quarter."""

    first_quarter: int
    share: float


class Controls:
    """The settings of the ledger. Only entries change them, so all replicas have the same."""

    def __init__(self, undo_log: UndoLog) -> None:
        self.limits: dict[Key, SetLimit] = {}
        self.tax = SetTax()
        self.zone_name = "UTC"
        self.zone = ZoneInfo("UTC")
        self.paused = False
        self.changes: dict[str, ChangeRecord] = {}
        self.soft_limits: dict[Key, SoftLimitState] = {}
        self._undo_log = undo_log

    @property
    def has_cap(self) -> bool:
        """Return whether a hard limit on everything exists. Without one nothing paid is granted."""
        return any(scope == EVERYTHING and limit.hard for (scope, _), limit in self.limits.items())

    def cap(self, limit: SetLimit) -> int | None:
        """Return the cap in nano-dollars; None for a share of a cap that does not exist."""
        if limit.cap_nanousd is not None:
            return limit.cap_nanousd
        whole = self.limits.get((EVERYTHING, limit.window))
        if whole is None or whole.cap_nanousd is None or limit.share is None:
            return None
        return int(whole.cap_nanousd * Fraction(str(limit.share)))  # exact; a float would round

    def change(self, entry: ControlsChanged, at: datetime) -> None:
        """Apply and record a change. A correction is only recorded: `LedgerState` books it."""
        match entry.change:
            case SetLimit() | RemoveLimit() | TopUp() as change:
                self._change_limit(change)
            case Pause(paused=paused):
                self._undo_log.set(self, paused=paused)
            case SetTax() as tax:
                self._undo_log.set(self, tax=tax)
            case SetZone(zone=name):
                self._undo_log.set(self, zone_name=name, zone=ZoneInfo(name))
                self._undo_log.set(self, soft_limits={})
        self._undo_log.put(
            self.changes,
            entry.change_id,
            ChangeRecord(at=at, who=entry.who, why=entry.why, text=describe(entry.change)),
        )

    def record(self, entry: SoftLimitReached | MessageVoided, at: datetime) -> None:
        """Remember that a share of a limit was reported, or a message voided. No amount changes."""
        match entry:
            case SoftLimitReached():
                reached = SoftLimitState(entry.first_quarter, entry.share)
                self._undo_log.put(self.soft_limits, (entry.scope, entry.window), reached)
            case MessageVoided():
                text = f"voided message {entry.sequence} of the ledger ({entry.digest[:12]}…)"
                self._undo_log.put(
                    self.changes,
                    void_id(entry.sequence, entry.digest),
                    ChangeRecord(at=at, who=entry.who, why=entry.why, text=text),
                )

    def forget(self) -> None:
        """Drop all but the latest changes."""
        while len(self.changes) > CHANGES_MAX:
            del self.changes[next(iter(self.changes))]

    def _change_limit(self, change: SetLimit | RemoveLimit | TopUp) -> None:
        key = (change.scope, change.window)
        match change:
            case SetLimit():
                self._undo_log.put(self.limits, key, change)
            case RemoveLimit():
                self._undo_log.drop(self.limits, key)
            case TopUp():
                old = self.limits[key]
                cap = max(0, (old.cap_nanousd or 0) + change.by_nanousd)
                self._undo_log.put(self.limits, key, old.model_copy(update={"cap_nanousd": cap}))
        for reached in [reached for reached in self.soft_limits if reached[1] == change.window]:
            self._undo_log.drop(self.soft_limits, reached)  # it was a share of the old cap


def void_id(sequence: int, digest: str) -> str:
    """Return the change id of a void."""
    return f"void {sequence} {digest}"


def describe(change: Change) -> str:
    """Return a change in words."""
    match change:
        case SetLimit():
            return _describe_limit(change)
        case RemoveLimit():
            return f"{change.scope}/{change.window}: removed"
        case TopUp():
            verb = "raised" if change.by_nanousd >= 0 else "lowered"
            return f"{change.scope}/{change.window}: {verb} by {usd(abs(change.by_nanousd))}"
        case Pause():
            return "paused" if change.paused else "resumed"
        case SetTax(ratio=None):
            return "tax: no cap"
        case SetTax():
            return f"tax: at most {change.ratio:g} over {change.days} days"
        case SetZone():
            return f"time zone {change.zone}"
        case CorrectionEntry():
            return _describe_correction(change)


def _describe_limit(limit: SetLimit) -> str:
    cap = usd(limit.cap_nanousd) if limit.cap_nanousd is not None else f"{limit.share:.0%} of all"
    return f"{limit.scope}/{limit.window}: {'cap' if limit.hard else 'warning at'} {cap}"


def _describe_correction(correction: CorrectionEntry) -> str:
    sign = "+" if correction.by_nanousd >= 0 else "−"
    attempt = f" ({correction.attempt_id})" if correction.attempt_id else ""
    amount = f"{sign}{usd(abs(correction.by_nanousd))}"
    return f"corrected {correction.stage}, {correction.model} by {amount}{attempt}"


def usd(nanousd: int) -> str:
    """Return an amount in dollars, with at least two decimals and no trailing zeros beyond them."""
    sign = "-" if nanousd < 0 else ""
    whole, nanos = divmod(abs(nanousd), NANOUSD_PER_USD)
    decimals = f"{nanos:09d}".rstrip("0").ljust(2, "0")
    return f"${sign}{whole}.{decimals}"
