"""Send dead letters again: each gets its reservation, and nothing is counted twice."""

from __future__ import annotations

from pathlib import Path

import pytest
from nats.aio.client import Client

from daydream_console.client import connected
from daydream_console.dead_letters import DeadLetter, dead_letters, drop
from daydream_console.resend import resend
from daydream_contracts.buckets import PLANS, SAMPLER
from daydream_contracts.errors import ConfigurationError
from daydream_contracts.events import (
    NANOUSD_PER_USD,
    CandidateNominated,
    Decision,
    DocumentRemoved,
    Message,
    ReviewRecorded,
    VerdictReached,
    derive_id,
)
from daydream_contracts.rpc import ChangeBudget, EmptyRequest, SetLimit
from daydream_contracts.topology import BUDGET_CHANGE, BUDGET_STATE, DEAD_LETTER_PREFIX, route_of
from daydream_models.stage_plans import ORACLE, StagePlan, publish_plan
from daydream_runtime.stream_reader import RESEND
from daydream_runtime.verdict_projection import Projector
from daydream_sampler.strategy_history import StrategyHistory
from support.budget import budget_here
from support.message_builders import AT, hypothesis
from support.programs import NatsServer

STAGES = ("synthesizer", "critic", ORACLE)
USD = {"synthesizer": 1, "critic": 10, ORACLE: 100}


def verdict(**changes: object) -> VerdictReached:
    proposed = hypothesis()
    pair = proposed.pair.model_copy(update={"stages": STAGES})
    fields = {
        "verdict_id": "v",
        "hypothesis": proposed.model_copy(update={"pair": pair}),
        "role": "critic",
        "decision": Decision.DISCARDED,
        "reason": "score",
        "reached_at": AT,
        "round": 1,
        "explanation": "",
        "final": True,
        "cost_nanousd": 5,
    }
    return VerdictReached.model_validate(fields | changes)


def review() -> ReviewRecorded:
    return ReviewRecorded(verdict_id="v", accepted=True, who="t", recorded_at=AT)


@pytest.mark.parametrize(
    ("message", "usd"),
    [
        (verdict().hypothesis.pair, 111),
        (verdict().hypothesis, 110),
        (verdict().hypothesis.model_copy(update={"sample": 1}), 110),
        (CandidateNominated(verdict=verdict(decision=Decision.DEFERRED, final=False)), 100),
        (review(), 0),
    ],
)
async def test_a_resent_message_gets_a_reservation_for_its_remaining_stages(
    nc: Client, server: NatsServer, tmp_path: Path, message: Message, usd: int
) -> None:
    js, route = nc.jetstream(), route_of(type(message))
    for name in STAGES:
        plan = StagePlan(
            stage=name,
            model="m",
            fixed_nanousd=USD[name] * NANOUSD_PER_USD,
            nanousd_per_fact_byte=0,
        )
        await publish_plan(await js.key_value(PLANS.name), plan)
    headers = {
        "Nats-Msg-Id": f"{route.stream}:who:{message.message_id}{RESEND}3:dead",
        "Daydream-Subject": route.subject,
        "Daydream-Reason": "bug",
    }
    await js.publish(
        f"{DEAD_LETTER_PREFIX}.{route.stream.lower()}",
        message.model_dump_json().encode(),
        headers=headers,
    )
    async with budget_here(server), connected(server.url) as client:
        await client.rpc.request(
            BUDGET_CHANGE,
            ChangeBudget(
                change_id="1",
                change=SetLimit(window="lifetime", cap_nanousd=1000 * NANOUSD_PER_USD),
                who="t",
            ),
        )
        (letter,) = [letter async for letter in dead_letters(client)]
        assert await resend(client, letter) is None
        state = await client.rpc.request(BUDGET_STATE, EmptyRequest())
        sent = await js.get_msg(route.stream, seq=1)
    assert state.reserved_nanousd == usd * NANOUSD_PER_USD
    assert (sent.headers or {})["Nats-Msg-Id"] == f"{message.message_id}{RESEND}4"
    again = route.message.model_validate_json(sent.data or b"")
    if usd:
        assert message.payer is not None
        assert again.payer == message.payer.model_copy(
            update={"reservation_id": derive_id("resend", message.message_id, 4)}
        )
    else:
        assert again == message


@pytest.mark.fault("F9", invariant="a verdict that is sent again is counted once")
async def test_a_verdict_that_is_sent_again_is_counted_once(nc: Client) -> None:
    js, route = nc.jetstream(), route_of(VerdictReached)
    for message_id in (verdict().message_id, f"{verdict().message_id}{RESEND}1"):
        await js.publish(
            route.subject, verdict().model_dump_json().encode(), headers={"Nats-Msg-Id": message_id}
        )
    projector = Projector(js, await js.key_value(SAMPLER.name), "yields", StrategyHistory())
    await projector.catch_up()
    assert projector.projection.sequence == 2
    once = StrategyHistory()
    once.add(1, verdict())
    assert projector.projection.model_copy(update={"sequence": 1, "recent": []}) == once


def test_an_unknown_subject_gives_an_error_with_the_fix() -> None:
    letter = DeadLetter(7, AT, "daydream.of.the.future", "who", "invalid", "", 1, "m", 0, b"{}")
    with pytest.raises(ConfigurationError, match="unknown subject") as refusal:
        letter.message()
    assert "Upgrade" in str(refusal.value)


async def test_a_letter_stays_while_its_stream_is_full(nc: Client, server: NatsServer) -> None:
    js = nc.jetstream()
    config = (await js.stream_info("REMOVALS")).config
    config.max_msgs = 1
    await js.update_stream(config)
    route = route_of(DocumentRemoved)
    removed = DocumentRemoved(source="notes/a.md", removed_at=AT)
    await js.publish(route.subject, removed.model_dump_json().encode())
    headers = {"Nats-Msg-Id": "REMOVALS:memory:r:dead", "Daydream-Subject": route.subject}
    await js.publish(
        f"{DEAD_LETTER_PREFIX}.removals", removed.model_dump_json().encode(), headers=headers
    )
    async with connected(server.url) as client:
        (letter,) = [letter async for letter in dead_letters(client)]
        assert "REMOVALS does not accept it" in (await resend(client, letter) or "")
        assert [other async for other in dead_letters(client)] == [letter]


async def test_a_dropped_letter_is_gone_and_dropping_it_again_does_nothing(
    nc: Client, server: NatsServer
) -> None:
    js = nc.jetstream()
    for number in range(2):
        await js.publish(
            f"{DEAD_LETTER_PREFIX}.removals",
            b"{}",
            headers={"Nats-Msg-Id": f"REMOVALS:memory:{number}:dead"},
        )
    async with connected(server.url) as client:
        first, second = [letter async for letter in dead_letters(client)]
        await drop(client, first)
        await drop(client, first)
        assert [letter async for letter in dead_letters(client)] == [second]
