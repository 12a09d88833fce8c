"""Summarize each event for the live list of the page.

There is one function per message class. A test calls `summarize` for every route of the topology,
so a new event without a summary fails it.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from functools import singledispatch
from typing import Any

from daydream_console.reviews import describe_review
from daydream_contracts.events import (
    AlertRaised,
    CandidateNominated,
    CommandReceived,
    DocumentOffered,
    DocumentRemoved,
    ForegroundReported,
    HypothesisProposed,
    InsightPromoted,
    InsightReinstated,
    InsightRetracted,
    Message,
    OutcomeRecorded,
    PairSampled,
    ReviewRecorded,
    VerdictReached,
    VisibilityChanged,
)

TEXT_CHARS = 200
FACT_CHARS = 60


@dataclass(frozen=True)
class EventSummary:
    """One line of the live list.

    `kind` selects its colour; `score` is there for judged hypotheses.
    """

    kind: str
    id: str
    text: str
    score: float | None = None

    def as_json(self) -> dict[str, Any]:
        """Return the summary as JSON values, with the text cut to its maximum."""
        return {**asdict(self), "text": self.text[:TEXT_CHARS]}


@singledispatch
def summarize(message: Message) -> EventSummary:
    """Return the summary of an event. Raise TypeError for a class that has none."""
    raise TypeError(f"no summary for {type(message).__name__}")


@summarize.register
def _(message: PairSampled) -> EventSummary:
    titles = (fact.title or fact.text[:FACT_CHARS] for fact in (message.first, message.second))
    return EventSummary("pair", message.pair_id, " × ".join(titles))


@summarize.register
def _(message: HypothesisProposed) -> EventSummary:
    if message.pair.canary:
        return EventSummary("canary", message.hypothesis_id, f"canary ({message.pair.canary}) sent")
    if message.synthesis:
        return EventSummary("hypothesis", message.hypothesis_id, message.synthesis.title)
    text = message.abstention or message.filtered or "unreadable"
    return EventSummary("abstention", message.hypothesis_id, text)


@summarize.register
def _(message: VerdictReached) -> EventSummary:
    canary = message.hypothesis.pair.canary
    if canary:
        text = f"canary ({canary}) {message.decision.value}"
        return EventSummary("canary", message.verdict_id, text, message.score)
    text = ": ".join(filter(None, (_title(message), message.explanation)))
    return EventSummary(message.decision.value, message.verdict_id, text, message.score)


@summarize.register
def _(message: CandidateNominated) -> EventSummary:
    canary = message.verdict.hypothesis.pair.canary
    text = f"canary ({canary})" if canary else _title(message.verdict)
    return EventSummary("candidate", message.message_id, text, message.verdict.score)


@summarize.register
def _(message: ReviewRecorded) -> EventSummary:
    text = f"{message.who} {describe_review(message)}: {message.verdict_id}"
    return EventSummary("review", message.message_id, text)


@summarize.register
def _(message: OutcomeRecorded) -> EventSummary:
    text = f"{message.who} tried the test of {message.verdict_id}: {message.result.value}"
    return EventSummary("outcome", message.message_id, text)


@summarize.register
def _(message: CommandReceived) -> EventSummary:
    return EventSummary("command", message.message_id, f"{message.who}: {message.command}")


@summarize.register
def _(message: InsightPromoted) -> EventSummary:
    return EventSummary("insight", message.insight_id, message.fact.title)


@summarize.register
def _(message: InsightRetracted) -> EventSummary:
    return EventSummary("retracted", message.message_id, f"{message.fact.title} ({message.who})")


@summarize.register
def _(message: InsightReinstated) -> EventSummary:
    return EventSummary("reinstated", message.message_id, f"{message.fact.title} ({message.who})")


@summarize.register
def _(message: VisibilityChanged) -> EventSummary:
    action = "reinstates" if message.active else "retracts"
    text = f"{message.who} {action} {', '.join(message.fact_ids)}"
    return EventSummary("visibility", message.message_id, text)


@summarize.register
def _(message: DocumentOffered) -> EventSummary:
    return EventSummary("document", message.message_id, message.source[-TEXT_CHARS:])


@summarize.register
def _(message: DocumentRemoved) -> EventSummary:
    return EventSummary("removed", message.message_id, message.source[-TEXT_CHARS:])


@summarize.register
def _(message: ForegroundReported) -> EventSummary:
    model = f": {message.model}" if message.model else ""
    return EventSummary("usage", message.message_id, f"usage report{model}")


@summarize.register
def _(message: AlertRaised) -> EventSummary:
    return EventSummary("alert", message.alert_id, message.text)


def _title(verdict: VerdictReached) -> str:
    synthesis = verdict.hypothesis.synthesis
    return synthesis.title if synthesis else ""
