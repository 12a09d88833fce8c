"""What a digest says. How it looks is decided by the formats."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, tzinfo
from urllib.parse import quote

from daydream_contracts.events import FactKind
from daydream_contracts.rpc import InsightSummary, SourceFact

NANOUSD_PER_USD = 1_000_000_000
SMALL_USD = 0.1  # below it, cents are too coarse


@dataclass(frozen=True)
class DigestItem:
    """An insight, and why it is in this reader's digest if that is not its worth."""

    insight: InsightSummary
    note: str = ""


@dataclass(frozen=True)
class Digest:
    """The items in order, and what happened in the period. `page_url` is empty without a page."""

    reader: str
    since: datetime
    until: datetime
    zone: tzinfo | None
    items: tuple[DigestItem, ...]
    insights: int
    daydreams: int
    spent_nanousd: int
    alerts: tuple[str, ...] = ()
    page_url: str = ""

    @property
    def title(self) -> str:
        """Return the headline, which is also the subject of a mail."""
        if not self.items:
            return "daydream: no new insight"
        best = self.items[0].insight.title
        others = len(self.items) - 1
        return f"daydream: {best}" + (f" and {others} more" if others else "")

    @property
    def period(self) -> str:
        """Return the period in the reader's time zone."""
        return f"{self.when(self.since)} to {self.when(self.until)}"

    @property
    def summary(self) -> str:
        """Return what happened in the period, in one line."""
        shown = f", the best {len(self.items)} here" if len(self.items) < self.insights else ""
        return (
            f"{_count(self.daydreams, 'daydream')}, {_count(self.insights, 'new insight')}{shown}. "
            f"Spent: {usd(self.spent_nanousd)}."
        )

    def when(self, at: datetime) -> str:
        """Return a time in the reader's time zone."""
        return f"{at.astimezone(self.zone):%d %b %Y, %H:%M}"

    def link(self, insight: InsightSummary) -> str:
        """Return the address of an insight's page. Empty without a page."""
        if not self.page_url:
            return ""
        return f"{self.page_url.rstrip('/')}/insights/{quote(insight.insight_id)}"


def rating(insight: InsightSummary) -> str:
    """Return worth, scores, kind, strategy and cost in one line."""
    parts = (
        f"worth {insight.worth:.0%}" if insight.worth is not None else "worth not calibrated yet",
        f"judges {insight.score:.1f} of 10" if insight.score is not None else "",
        insight.kind.value.replace("-", " ") if insight.kind else "",
        f"strategy {insight.strategy}",
        f"cost {usd(insight.cost_nanousd)}",
    )
    return " · ".join(filter(None, parts))


def texts(insight: InsightSummary) -> Iterator[tuple[str, str]]:
    """Yield (label, text) of what an insight says besides its hypothesis."""
    labelled = (
        ("Why", insight.reasoning),
        ("To test", insight.implication),
        ("If it were false", insight.if_false),
    )
    yield from ((label, text) for label, text in labelled if text)


def source(fact: SourceFact) -> str:
    """Return where a fact comes from, in one line."""
    if fact.kind == FactKind.INSIGHT:
        return f"an earlier insight: {fact.title}"
    return " · ".join(part for part in (fact.title, fact.source) if part)


def usd(nanousd: int) -> str:
    """Format an amount in dollars, with as many decimals as it needs."""
    dollars = nanousd / NANOUSD_PER_USD
    if dollars >= SMALL_USD or not dollars:
        return f"${dollars:.2f}"
    return f"${dollars:.6f}".rstrip("0")


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun if number == 1 else f'{noun}s'}"
