"""Summaries of events, and the fan-out to listeners that may be too slow."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any, cast

import pytest
from nats.aio.client import Client
from nats.aio.msg import Msg

from daydream_console.web.event_fanout import EVENTS_MAX, EventFanout
from daydream_console.web.event_summary import TEXT_CHARS, summarize
from daydream_contracts.events import (
    AlertRaised,
    CandidateNominated,
    Decision,
    DocumentOffered,
    DocumentRemoved,
    ForegroundReported,
    HypothesisProposed,
    InsightPromoted,
    InsightReinstated,
    InsightRetracted,
    Message,
    PairSampled,
    ReviewRecorded,
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


async def deliver(fanout: EventFanout, message: Message, body: bytes | None = None) -> None:
    data = message.model_dump_json().encode() if body is None else body
    subject = route_of(type(message)).subject
    await fanout._take(Msg(_client=cast(Client, None), subject=subject, data=data))


async def listen(fanout: EventFanout, stopping: asyncio.Event) -> Any:
    events = fanout.stream(stopping)
    assert await anext(events) == "retry: 1000\n\n"
    return events


async def next_event(events: AsyncIterator[str]) -> dict[str, Any]:
    """Parse the next server-sent event. Its `id` line repeats the id in its data."""
    id_line, data_line, *_ = (await anext(events)).split("\n")
    event: dict[str, Any] = json.loads(data_line.removeprefix("data: "))
    assert id_line == f"id: {event['id']}"
    return event


async def test_every_listener_gets_every_event(pair: PairSampled) -> None:
    fanout, stopping = EventFanout(), asyncio.Event()
    listeners = [await listen(fanout, stopping), await listen(fanout, stopping)]
    await deliver(fanout, pair)
    for events in listeners:
        assert (await next_event(events))["id"] == pair.pair_id
        await events.aclose()


async def test_a_slow_listener_loses_the_oldest_events_and_blocks_no_other(
    pair: PairSampled,
) -> None:
    fanout, stopping = EventFanout(), asyncio.Event()
    events = await listen(fanout, stopping)
    for number in range(EVENTS_MAX + 5):
        await deliver(fanout, pair.model_copy(update={"pair_id": f"pair {number}"}))
    assert (await next_event(events))["id"] == "pair 5"
    await events.aclose()


async def test_an_unreadable_message_is_left_out(pair: PairSampled) -> None:
    fanout, stopping = EventFanout(), asyncio.Event()
    events = await listen(fanout, stopping)
    await deliver(fanout, pair, b'{"version": 2}')
    await deliver(fanout, pair)
    assert (await next_event(events))["id"] == pair.pair_id
    await events.aclose()


async def test_a_listener_that_leaves_is_forgotten_and_a_stop_ends_all(pair: PairSampled) -> None:
    fanout, stopping = EventFanout(), asyncio.Event()
    leaving, staying = await listen(fanout, stopping), await listen(fanout, stopping)
    await leaving.aclose()
    assert len(fanout._listeners) == 1
    stopping.set()
    assert all(event.startswith(":") for event in [event async for event in staying])
    assert len(fanout._listeners) == 0
