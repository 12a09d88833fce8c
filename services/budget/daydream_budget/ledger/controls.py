"""What people have set: limits, the tax, the zone, a pause; and who did it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from daydream_budget.ledger.entries import ControlsChanged, SoftLimitReached
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

CHANGES_KEPT = 1000
Key = tuple[str, Window]


@dataclass(frozen=True)
class SoftLimitState:
    """The highest share of a limit that was reached and told, in the window that begins with this quarter."""

    first_quarter: int
    share: float


class Controls:
    """The settings of the ledger, made by its entries alone, so that all replicas have the same."""

    def __init__(self, journal: UndoLog) -> None:
        self.limits: dict[Key, SetLimit] = {}
        self.tax = SetTax()
        self.zone_name = "UTC"
        self.zone = ZoneInfo("UTC")
        self.paused = False
        self.changes: dict[str, ChangeRecord] = {}
        self.crossed: dict[Key, SoftLimitState] = {}
        self._journal = journal

    @property
    def capped(self) -> bool:
        """Whether anything bounds the whole: without it nothing that costs is granted."""
        return any(scope == EVERYTHING and limit.hard for (scope, _), limit in self.limits.items())

    def cap(self, limit: SetLimit) -> int | None:
        """The amount; a share of a cap that is not there is no cap (None)."""
        if limit.cap_nanousd is not None:
            return limit.cap_nanousd
        whole = self.limits.get((EVERYTHING, limit.window))
        if whole is None or whole.cap_nanousd is None or limit.share is None:
            return None
        return int(whole.cap_nanousd * limit.share)

    def change(self, entry: ControlsChanged, at: datetime) -> None:
        """Take in what somebody changed."""
        put = self._journal.put
        match entry.change:
            case SetLimit() as limit:
                put(self.limits, (limit.scope, limit.window), limit)
            case RemoveLimit() as gone:
                self._journal.drop(self.limits, (gone.scope, gone.window))
            case TopUp() as more:
                old = self.limits[more.scope, more.window]
                put(
                    self.limits,
                    (more.scope, more.window),
                    old.model_copy(
                        update={"cap_nanousd": max(0, (old.cap_nanousd or 0) + more.by_nanousd)}
                    ),
                )
            case Pause() as pause:
                self._journal.set(self, paused=pause.paused)
            case SetTax() as tax:
                self._journal.set(self, tax=tax)
            case SetZone() as zone:
                self._journal.set(self, zone_name=zone.zone, zone=ZoneInfo(zone.zone))
                self._journal.set(self, crossed={})
            case CorrectionEntry():
                pass  # the books do that
        if isinstance(
            entry.change, SetLimit | RemoveLimit | TopUp
        ):  # what the old cap has told says nothing about the new one
            for key in [key for key in self.crossed if key[1] == entry.change.window]:
                self._journal.drop(self.crossed, key)
        put(
            self.changes,
            entry.change_id,
            ChangeRecord(at=at, who=entry.who, why=entry.why, text=describe(entry.change)),
        )

    def cross(self, entry: SoftLimitReached) -> None:
        """A share of a limit was reached, and told."""
        self._journal.put(
            self.crossed,
            (entry.scope, entry.window),
            SoftLimitState(entry.first_quarter, entry.share),
        )

    def forget(self) -> None:
        """Keep the latest changes."""
        while len(self.changes) > CHANGES_KEPT:
            del self.changes[next(iter(self.changes))]


def describe(what: Change) -> str:
    """A change in words."""
    match what:
        case SetLimit():
            cap = (
                usd(what.cap_nanousd)
                if what.cap_nanousd is not None
                else f"{what.share:.0%} of the whole"
            )
            return f"{what.scope}/{what.window}: {'cap' if what.hard else 'warning at'} {cap}"
        case RemoveLimit():
            return f"{what.scope}/{what.window}: removed"
        case TopUp():
            return f"{what.scope}/{what.window}: {'raised' if what.by_nanousd >= 0 else 'lowered'} by {usd(abs(what.by_nanousd))}"
        case Pause():
            return "paused" if what.paused else "resumed"
        case SetTax():
            return (
                "tax: no cap"
                if what.ratio is None
                else f"tax: at most {what.ratio:g} over {what.days} days"
            )
        case SetZone():
            return f"time zone {what.zone}"
        case CorrectionEntry():
            about = f" ({what.attempt_id})" if what.attempt_id else ""
            return f"corrected {what.stage}, {what.model} by {'+' if what.by_nanousd >= 0 else '−'}{usd(abs(what.by_nanousd))}{about}"


def usd(nanousd: int) -> str:
    """Dollars, without needless zeros."""
    text = f"{nanousd / NANOUSD_PER_USD:.9f}".rstrip("0")
    whole, _, cents = text.partition(".")
    return f"${whole}.{cents.ljust(2, '0')}"
