"""Summaries of events, and the live stream: ids, resumption, slow listeners."""

from __future__ import annotations

import asyncio
import json
from typing import Any, cast

import pytest
from nats.aio.client import Client
from nats.aio.msg import Msg

from daydream_console.web.event_log import (
    BACKLOG_MAX,
    QUEUE_MAX,
    EventLog,
    format_position,
    parse_position,
)
from daydream_console.web.event_summary import TEXT_CHARS, summarize
from daydream_contracts.events import (
    AlertRaised,
    CandidateNominated,
    CommandReceived,
    Decision,
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
    TrialResult,
    VerdictReached,
    VisibilityChanged,
)
from daydream_contracts.topology import ROUTES, route_of


@pytest.fixture
def messages(
    pair: PairSampled,
    proposed: HypothesisProposed,
    verdict: VerdictReached,
    insight: InsightPromoted,
) -> dict[type[Message], Message]:
    at = pair.drawn_at
    fact = insight.fact
    events: tuple[Message, ...] = (
        pair,
        proposed,
        CandidateNominated(verdict=verdict),
        verdict,
        insight,
        DocumentOffered(
            document_id="d", object_name="o", source="/notes/a.md", size_bytes=1, offered_at=at
        ),
        DocumentRemoved(source="/notes/a.md", removed_at=at),
        ReviewRecorded(verdict_id=verdict.verdict_id, accepted=False, who="ada", recorded_at=at),
        OutcomeRecorded(
            verdict_id=verdict.verdict_id,
            result=TrialResult.CONFIRMED,
            who="ada",
            recorded_at=at,
        ),
        CommandReceived(who="ada", via="token", command="POST /x", received_at=at),
        AlertRaised(
            alert_id="a",
            kind="refused",
            about="all/day",
            text="the all/day limit refuses",
            raised_at=at,
        ),
        ForegroundReported(report_id="r", cost_nanousd=1, spent_at=at),
        VisibilityChanged(fact_ids=("f",), active=False, who="ada", changed_at=at),
        InsightRetracted(insight_id="i", fact=fact, who="ada", retracted_at=at),
        InsightReinstated(insight_id="i", fact=fact, who="ada", reinstated_at=at),
    )
    return {type(event): event for event in events}


@pytest.mark.parametrize(
    "message_type", [route.message for route in ROUTES], ids=lambda each: each.__name__
)
def test_every_event_of_the_topology_has_a_summary_with_a_short_text(
    messages: dict[type[Message], Message], message_type: type[Message]
) -> None:
    summary = summarize(messages[message_type]).as_json()
    assert summary["id"]
    assert summary["kind"]
    assert 0 < len(summary["text"]) <= TEXT_CHARS
    json.dumps(summary)


def test_the_id_of_a_summary_is_that_of_its_event(messages: dict[type[Message], Message]) -> None:
    for message in messages.values():
        assert summarize(message).id == message.message_id


def test_an_event_without_a_summary_is_an_error() -> None:
    class UnknownEvent(Message):
        pass

    with pytest.raises(TypeError, match="UnknownEvent"):
        summarize(UnknownEvent.model_construct())


def test_a_pair_is_shown_by_the_titles_of_its_facts_or_by_their_beginnings(
    pair: PairSampled,
) -> None:
    assert summarize(pair).text == "Biology / Ants × Computing / TCP"
    untitled = pair.model_copy(update={"first": pair.first.model_copy(update={"title": ""})})
    assert summarize(untitled).text == f"{pair.first.text[:60]} × Computing / TCP"


def test_a_hypothesis_is_shown_by_its_title_and_an_abstention_by_its_reason(
    proposed: HypothesisProposed, abstained: HypothesisProposed
) -> None:
    hypothesis, abstention = summarize(proposed), summarize(abstained)
    assert (hypothesis.kind, hypothesis.text) == ("hypothesis", "Trails as congestion windows")
    assert (abstention.kind, abstention.text) == ("abstention", abstained.abstention)
    unreadable = abstained.model_copy(update={"abstention": None, "unreadable": "{"})
    assert summarize(unreadable).text == "unreadable"


@pytest.mark.parametrize("decision", list(Decision))
def test_a_verdict_is_shown_by_its_decision_with_its_score(
    verdict: VerdictReached, decision: Decision
) -> None:
    summary = summarize(verdict.model_copy(update={"decision": decision}))
    assert (summary.kind, summary.score) == (decision.value, verdict.score)
    assert summary.text.startswith("Trails as congestion windows: mean score")


def test_a_verdict_on_an_abstention_is_shown_by_its_explanation_alone(
    verdict: VerdictReached, abstained: HypothesisProposed
) -> None:
    changes = {
        "hypothesis": abstained,
        "decision": Decision.ABSTAINED,
        "explanation": "no link",
    }
    assert summarize(verdict.model_copy(update=changes)).text == "no link"


def test_canaries_are_named_as_such(verdict: VerdictReached) -> None:
    hypothesis = verdict.hypothesis
    pair = hypothesis.pair.model_copy(update={"canary": "decoy"})
    canary = hypothesis.model_copy(update={"pair": pair})
    judged = verdict.model_copy(update={"hypothesis": canary, "decision": Decision.DISCARDED})
    sent, reached = summarize(canary), summarize(judged)
    assert (sent.kind, sent.text) == ("canary", "canary (decoy) sent")
    assert (reached.kind, reached.text) == ("canary", "canary (decoy) discarded")


def test_an_insight_is_shown_by_its_title(insight: InsightPromoted) -> None:
    summary = summarize(insight)
    assert (summary.kind, summary.text) == ("insight", insight.fact.title)


async def deliver(log: EventLog, message: Message, body: bytes | None = None) -> None:
    data = message.model_dump_json().encode() if body is None else body
    subject = route_of(type(message)).subject
    await log._take(Msg(_client=cast(Client, None), subject=subject, data=data))


async def listen(log: EventLog, stopping: asyncio.Event, last_id: str = "") -> Any:
    events = log.stream(stopping, last_id)
    assert await anext(events) == "retry: 1000\n\n"
    return events


def parsed(text: str) -> list[tuple[str, str]]:
    """Return (id, text of the event) of each event; (event name, "") for one without data."""
    events = []
    for block in filter(None, text.split("\n\n")):
        fields = dict(line.split(": ", 1) for line in block.splitlines())
        content = json.loads(fields["data"])
        events.append((fields.get("id") or fields.get("event", ""), content.get("id", "")))
    return events


async def test_every_listener_gets_every_event(pair: PairSampled, verdict: VerdictReached) -> None:
    log, stopping = EventLog(), asyncio.Event()
    listeners = [await listen(log, stopping), await listen(log, stopping)]
    await deliver(log, pair)
    log.add("VERDICTS", 7, verdict)
    for events in listeners:
        assert parsed(await anext(events)) == [
            ("", pair.pair_id),
            ("VERDICTS:7", verdict.verdict_id),
        ]
        await events.aclose()


async def test_after_a_break_a_client_gets_what_came_since(
    verdict: VerdictReached, insight: InsightPromoted
) -> None:
    log, stopping = EventLog(), asyncio.Event()
    log.add("VERDICTS", 7, verdict)
    log.add("INSIGHTS", 2, insight)
    log.add("VERDICTS", 8, verdict)
    events = await listen(log, stopping, "VERDICTS:7")
    assert [name for name, _ in parsed(await anext(events))] == [
        "INSIGHTS:2,VERDICTS:7",
        "INSIGHTS:2,VERDICTS:8",
    ]
    await events.aclose()
    assert list(log.since("INSIGHTS:2,VERDICTS:8")) == []


def test_a_break_longer_than_the_backlog_makes_the_client_start_again(
    verdict: VerdictReached,
) -> None:
    log = EventLog()
    for sequence in range(1, BACKLOG_MAX + 10):
        log.add("VERDICTS", sequence, verdict)
    first, *rest = log.since("VERDICTS:1")
    assert "resync" in first
    assert len(rest) == BACKLOG_MAX
    assert len(log.latest(20)) == 20


@pytest.mark.parametrize("text", ["", "x", "VERDICTS:x", "OTHER:1", "VERDICTS:" + "9" * 40, ",:,"])
def test_an_id_that_can_not_be_read_is_no_position(text: str) -> None:
    assert parse_position(text) == {}


def test_a_position_is_read_as_it_is_written() -> None:
    position = {"VERDICTS": 7, "INSIGHTS": 2}
    assert parse_position(format_position(position)) == position


@pytest.mark.fault("F29", invariant="a reader that does not read is bounded and delays no other")
async def test_a_slow_listener_starts_again_and_blocks_no_other(verdict: VerdictReached) -> None:
    log, stopping = EventLog(), asyncio.Event()
    events = await listen(log, stopping)
    for sequence in range(1, QUEUE_MAX + 5):
        log.add("VERDICTS", sequence, verdict)
    names = [name for name, _ in parsed(await anext(events))]
    assert names[0] == "resync"
    assert names[-1] == f"VERDICTS:{QUEUE_MAX + 4}"
    await events.aclose()


async def test_an_unreadable_message_is_left_out(pair: PairSampled) -> None:
    log, stopping = EventLog(), asyncio.Event()
    events = await listen(log, stopping)
    await deliver(log, pair, b'{"version": 2}')
    await deliver(log, pair)
    assert parsed(await anext(events)) == [("", pair.pair_id)]
    await events.aclose()


@pytest.mark.fault("F29", invariant="a reader that leaves is forgotten, and a stop ends all")
async def test_a_listener_that_leaves_is_forgotten_and_a_stop_ends_all() -> None:
    log, stopping = EventLog(), asyncio.Event()
    leaving, staying = await listen(log, stopping), await listen(log, stopping)
    await leaving.aclose()
    assert len(log._listeners) == 1
    stopping.set()
    assert all(event.startswith(":") for event in [event async for event in staying])
    assert len(log._listeners) == 0
