"""What the live view says about each event, and how it treats listeners that are too slow."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from nats.aio.msg import Msg

from daydream_console.live import EVENTS_MAX, EventFanout, summary
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
    offer = DocumentOffered(
        document_id="d",
        object_name="o",
        source="/notes/a.md",
        size_bytes=1,
        offered_at=pair.drawn_at,
    )
    review = ReviewRecorded(
        verdict_id=verdict.verdict_id, accepted=False, who="ada", recorded_at=pair.drawn_at
    )
    alert = AlertRaised(
        alert_id="a",
        kind="refused",
        about="all/day",
        text="the all/day limit refuses",
        raised_at=pair.drawn_at,
    )
    report = ForegroundReported(report_id="r", cost_nanousd=1, spent_at=pair.drawn_at)
    removal = DocumentRemoved(source="/notes/a.md", removed_at=pair.drawn_at)
    standing = VisibilityChanged(fact_ids=("f",), active=False, who="ada", changed_at=pair.drawn_at)
    retracted = InsightRetracted(
        insight_id="i", fact=insight.fact, who="ada", retracted_at=pair.drawn_at
    )
    restored = InsightReinstated(
        insight_id="i", fact=insight.fact, who="ada", reinstated_at=pair.drawn_at
    )
    candidate = CandidateNominated(verdict=verdict)
    found = (
        pair,
        proposed,
        candidate,
        verdict,
        insight,
        offer,
        review,
        alert,
        report,
        removal,
        standing,
        retracted,
        restored,
    )
    return {type(message): message for message in found}


@pytest.mark.parametrize("kind", [flow.message for flow in ROUTES], ids=lambda kind: kind.__name__)
def test_every_event_has_a_kind_its_id_and_a_short_text(
    messages: dict[type[Message], Message], kind: type[Message]
) -> None:
    found = summary(messages[kind])
    assert found["id"] == messages[kind].message_id
    assert found["kind"]
    assert 0 < len(found["text"]) <= 200
    json.dumps(found)


def test_a_pair_is_shown_by_the_titles_of_its_facts_or_by_their_beginnings(
    pair: PairSampled,
) -> None:
    assert summary(pair)["text"] == "Biology / Ants × Computing / TCP"
    untitled = pair.model_copy(update={"first": pair.first.model_copy(update={"title": ""})})
    assert summary(untitled)["text"] == f"{pair.first.text[:60]} × Computing / TCP"


def test_a_hypothesis_is_shown_by_its_title_and_an_abstention_by_its_reason(
    proposed: HypothesisProposed, abstained: HypothesisProposed
) -> None:
    assert (summary(proposed)["kind"], summary(proposed)["text"]) == (
        "hypothesis",
        "Trails as congestion windows",
    )
    assert (summary(abstained)["kind"], summary(abstained)["text"]) == (
        "abstention",
        abstained.abstention,
    )
    unreadable = abstained.model_copy(update={"abstention": None, "unreadable": "{"})
    assert summary(unreadable)["text"] == "unreadable"


@pytest.mark.parametrize("decision", list(Decision))
def test_a_verdict_is_shown_by_its_decision_with_its_score(
    verdict: VerdictReached, decision: Decision
) -> None:
    found = summary(verdict.model_copy(update={"decision": decision}))
    assert (found["kind"], found["score"]) == (decision.value, verdict.score)
    assert found["text"].startswith("Trails as congestion windows: mean score")


def test_a_verdict_on_an_abstention_has_no_title_and_no_colon_for_it(
    verdict: VerdictReached, abstained: HypothesisProposed
) -> None:
    found = summary(
        verdict.model_copy(
            update={
                "hypothesis": abstained,
                "decision": Decision.ABSTAINED,
                "explanation": "no link",
            }
        )
    )
    assert found["text"] == "no link"


def test_an_insight_is_shown_by_its_title(insight: InsightPromoted) -> None:
    assert (summary(insight)["kind"], summary(insight)["text"]) == ("insight", insight.fact.title)


async def take(live: EventFanout, message: Message, body: bytes | None = None) -> None:
    data = message.model_dump_json().encode() if body is None else body
    await live._take(Msg(_client=None, subject=route_of(type(message)).subject, data=data))  # type: ignore[arg-type]


async def listening(live: EventFanout, stopping: asyncio.Event) -> Any:
    events = live.events(stopping)
    assert await anext(events) == "retry: 1000\n\n"
    return events


async def test_every_listener_gets_every_event(pair: PairSampled) -> None:
    live, stopping = EventFanout(), asyncio.Event()
    one, other = await listening(live, stopping), await listening(live, stopping)
    await take(live, pair)
    for events in (one, other):
        event = await anext(events)
        assert event.startswith("data: ")
        assert json.loads(event.removeprefix("data: "))["id"] == pair.pair_id
        await events.aclose()


async def test_a_slow_listener_loses_the_oldest_events_and_holds_nobody_up(
    pair: PairSampled,
) -> None:
    live, stopping = EventFanout(), asyncio.Event()
    events = await listening(live, stopping)
    for number in range(EVENTS_MAX + 5):
        await take(live, pair.model_copy(update={"pair_id": f"pair {number}"}))
    assert json.loads((await anext(events)).removeprefix("data: "))["id"] == "pair 5"
    await events.aclose()


async def test_a_message_that_can_not_be_read_is_left_out(pair: PairSampled) -> None:
    live, stopping = EventFanout(), asyncio.Event()
    events = await listening(live, stopping)
    await take(live, pair, b'{"version": 2}')
    await take(live, pair)
    assert pair.pair_id in await anext(events)
    await events.aclose()


async def test_a_listener_that_goes_is_forgotten_and_a_stop_ends_all(pair: PairSampled) -> None:
    live, stopping = EventFanout(), asyncio.Event()
    gone, stays = await listening(live, stopping), await listening(live, stopping)
    await gone.aclose()
    assert len(live._listeners) == 1
    stopping.set()
    assert all(event.startswith(":") for event in [event async for event in stays])
    assert len(live._listeners) == 0
