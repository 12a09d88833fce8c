"""The insight index follows real streams."""

from __future__ import annotations

import asyncio

import pytest
from nats.aio.client import Client
from nats.aio.msg import Msg

from daydream_console.insights.aged_verdicts import AgedVerdicts
from daydream_console.insights.follower import IndexFollower
from daydream_console.insights.index import InsightIndex
from daydream_console.insights.schema import open_database
from daydream_console.insights.search import find_insights
from daydream_console.insights.verdict_reader import VerdictReader
from daydream_contracts.events import Message, OutcomeRecorded, ReviewRecorded, TrialResult
from daydream_contracts.rpc import InsightQuery, InsightState, ListVerdicts, VerdictPage
from daydream_contracts.topology import MEMORY_VERDICTS, route_of
from daydream_runtime.provisioning import provision
from daydream_runtime.rpc import RpcClient
from support.insights import promotion, verdict
from support.message_builders import AT, SYNTHESIS
from support.polling import eventually

TITLES = "select json_extract(body, '$.title') as title from hypotheses"


class Console:
    """The index over one connection, and what publishes into its streams."""

    def __init__(self, nc: Client) -> None:
        self.nc, self.js = nc, nc.jetstream()
        self.rpc = RpcClient(nc, patience_s=0.5)
        self.index = InsightIndex(open_database(None))
        aged = AgedVerdicts(self.index, self.rpc)
        self.seen: list[tuple[str, int]] = []
        self.follower = IndexFollower(
            self.index,
            self.js,
            aged,
            asyncio.sleep,
            seen=lambda stream, sequence, _: self.seen.append((stream, sequence)),
        )

    async def publish(self, message: Message, **headers: str) -> int:
        ack = await self.js.publish(
            route_of(type(message)).subject, message.model_dump_json().encode(), headers=headers
        )
        return ack.seq

    def states(self) -> list[InsightState]:
        query = InsightQuery(states=tuple(InsightState), sort="date", descending=False)
        return [insight.state for insight in find_insights(self.index, query).insights]

    async def until(self, states: list[str]) -> None:
        await eventually(lambda: self.states() == states)


@pytest.fixture
async def console(nc: Client) -> Console:
    return Console(nc)


async def test_what_was_stored_before_and_what_comes_later_is_shown(
    console: Console, nc: Client
) -> None:
    await console.publish(verdict(0), traceparent="00-abc-def-01")
    await console.follower.catch_up()
    assert console.states() == ["pending"]
    task = asyncio.create_task(console.follower.follow())
    await console.publish(promotion(verdict(0)))
    await console.until(["active"])
    review = ReviewRecorded(
        verdict_id=verdict(0).verdict_id, accepted=False, who="ada", recorded_at=AT
    )
    await console.publish(review)
    await console.until(["rejected"])
    await console.publish(verdict(1))
    await console.until(["rejected", "pending"])
    outcome = OutcomeRecorded(
        verdict_id=verdict(1).verdict_id,
        result=TrialResult.INCONCLUSIVE,
        who="ada",
        recorded_at=AT,
    )
    await console.publish(outcome)
    await eventually(
        lambda: find_insights(console.index, InsightQuery()).insights[0].outcome == outcome
    )
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    row = console.index.database.execute(
        "select trace_id from hypotheses order by number"
    ).fetchone()
    assert row["trace_id"] == "abc"
    assert console.seen == [
        ("VERDICTS", 1),
        ("INSIGHTS", 1),
        ("REVIEWS", 1),
        ("VERDICTS", 2),
        ("OUTCOMES", 1),
    ]


async def test_a_restart_reads_only_what_is_new(console: Console) -> None:
    await console.publish(verdict(0))
    await console.follower.catch_up()
    console.seen.clear()
    await console.publish(verdict(1))
    await console.follower.catch_up()
    assert console.seen == [("VERDICTS", 2)]
    assert console.states() == ["pending", "pending"]


async def test_an_erased_verdict_leaves_the_index(console: Console) -> None:
    for number in range(3):
        await console.publish(verdict(number))
    await console.follower.catch_up()
    await console.js.delete_msg("VERDICTS", 2)
    await console.follower.catch_up()
    assert len(console.states()) == 2


async def test_a_stream_that_was_made_again_is_read_again(console: Console, nc: Client) -> None:
    for number in range(3):
        await console.publish(verdict(number))
    await console.follower.catch_up()
    await console.js.delete_stream("VERDICTS")
    await provision(nc, replicas=1)
    await console.publish(verdict(7))
    await console.follower.catch_up()
    assert len(console.states()) == 1


async def test_verdicts_that_left_the_stream_are_asked_of_the_memory(
    console: Console, nc: Client
) -> None:
    for number in range(2):
        await console.publish(verdict(number))
    await console.follower.catch_up()
    asked: list[ListVerdicts] = []

    async def answer(request: Msg) -> None:
        asked.append(ListVerdicts.model_validate_json(request.data))
        page = VerdictPage(
            verdicts=(verdict(0, title="without texts"),),
            total=1,
            retracted=(verdict(0).verdict_id,),
        )
        await request.respond(page.model_dump_json().encode())

    await nc.subscribe(MEMORY_VERDICTS.subject, cb=answer)
    await console.follower.aged.read(2)
    assert asked[0].verdict_ids == (verdict(0).verdict_id,)
    assert sorted(console.states()) == ["pending", "retracted"]
    titles = {row["title"] for row in console.index.database.execute(TITLES)}
    assert titles == {SYNTHESIS.title, "without texts"}
    await console.follower.aged.read(2)
    assert len(asked) == 2, "each is asked for once, and then all that were promoted"


async def test_a_verdict_is_read_from_the_stream_while_the_memory_is_away(
    console: Console,
) -> None:
    sequence = await console.publish(verdict(0))
    reader = VerdictReader(console.rpc, console.js)
    assert await reader.read(verdict(0).verdict_id, sequence) == verdict(0)
    await console.js.delete_msg("VERDICTS", sequence)
    assert await reader.read(verdict(0).verdict_id, sequence) is None
