"""Insights and digests for tests of the console."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any

from daydream_console.digest.content import Digest, DigestItem
from daydream_contracts.events import Decision, LinkKind, ReviewRecorded
from daydream_contracts.rpc import InsightState, InsightSummary, SourceFact

NOW = datetime(2026, 11, 30, 6, 30, tzinfo=UTC)


def summary(number: int, **changes: Any) -> InsightSummary:
    """Return an insight that was promoted half an hour ago."""
    fields: dict[str, Any] = {
        "verdict_id": f"verdict-{number}",
        "insight_id": f"insight-{number}",
        "state": InsightState.ACTIVE,
        "active": True,
        "decision": Decision.PROMOTED,
        "reached_at": NOW - timedelta(minutes=30),
        "title": f"Insight {number}",
        "hypothesis": f"Hypothesis {number}.",
        "reasoning": "Both delay what passes.",
        "implication": "Measure it.",
        "if_false": "Nothing changes.",
        "kind": LinkKind.ANALOGY,
        "strategy": "uniform",
        "model": "priced-1",
        "depth": 1,
        "reason": "quota",
        "worth": 0.5,
        "score": 7.0,
        "first": fact("a", "Biology / Moulds"),
        "second": fact("b", "Physics / Neutrons"),
        "cost_nanousd": 200_000,
    }
    return InsightSummary(**{**fields, **changes})


def fact(fact_id: str, title: str, text: str = "A fact.") -> SourceFact:
    """Return one side of a pair."""
    return SourceFact(fact_id=fact_id, text=text, title=title, source=f"notes/{fact_id}.md")


def reviewed(number: int, who: str, *, accepted: bool, **changes: Any) -> InsightSummary:
    """Return an insight with a review."""
    review = ReviewRecorded(
        verdict_id=f"verdict-{number}", accepted=accepted, who=who, recorded_at=NOW
    )
    return summary(number, review=review, **changes)


def digest(*insights: InsightSummary, zone: tzinfo | None = UTC, **changes: Any) -> Digest:
    """Return a digest of the last day."""
    fields: dict[str, Any] = {
        "reader": "ada",
        "since": NOW - timedelta(days=1),
        "until": NOW,
        "zone": zone,
        "items": tuple(DigestItem(insight) for insight in insights),
        "insights": len(insights),
        "daydreams": 120,
        "spent_nanousd": 24_000_000,
    }
    return Digest(**{**fields, **changes})
