"""A dead letter is sent again, through the real middleware."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest
from nats.aio.client import Client

from daydream_console.client import connected
from daydream_console.dead_letters import dead_letter, dead_letters
from daydream_console.resend import resend
from daydream_contracts.buckets import PLANS
from daydream_contracts.errors import (
    ConfigurationError,
)
from daydream_contracts.events import (
    NANOUSD_PER_USD,
    HypothesisProposed,
    PairSampled,
    derive_id,
)
from daydream_contracts.rpc import ChangeBudget, EmptyRequest, SetLimit
from daydream_contracts.topology import BUDGET_CHANGE, BUDGET_STATE, route_of
from daydream_models.stage_plans import StagePlan, publish_plan
from daydream_runtime.rpc import RpcClient
from support.budget import budget_here
from support.message_builders import hypothesis, pair
from support.programs import NatsServer
from support.stage import Stage, StageOf, running_stage


@pytest.fixture
def stage_of(server: NatsServer, nc: Client) -> StageOf:
    return partial(running_stage, server.url, nc)


async def publish_plans(stage: Stage) -> None:
    """Publish what a daydream costs: 100,000 nano-dollars expected at each of two stages."""
    plans = await stage.js.key_value(PLANS.name)
    for name in ("synthesizer", "critic"):
        plan = StagePlan(
            stage=name,
            model="m",
            fixed_nanousd=1_000_000,
            nanousd_per_fact_byte=0,
            expected_fixed_nanousd=100_000,
        )
        await publish_plan(plans, plan)


async def set_cap(rpc: RpcClient) -> None:
    cap = SetLimit(window="lifetime", cap_nanousd=NANOUSD_PER_USD)
    await rpc.request(BUDGET_CHANGE, ChangeBudget(change_id="1", change=cap, who="t"))


def without_reservation(message: PairSampled) -> PairSampled:
    return message.model_copy(update={"reservation_id": ""})


async def test_a_dead_letter_is_sent_again_with_new_money_and_dies_under_the_next_number_or_ends(
    stage_of: StageOf, server: NatsServer, tmp_path: Path
) -> None:
    taken: list[PairSampled] = []

    async def handler(message: PairSampled) -> HypothesisProposed:
        taken.append(message)
        if len(taken) < 3:
            raise KeyError("a bug")
        return hypothesis()

    async with stage_of(handler) as stage, connected(server.url) as client:
        await stage.put(pair())
        await stage.until(stage.empty)
        (dead,) = [letter async for letter in dead_letters(client)]
        assert (dead.message_id, dead.resends) == (pair().message_id, 0)
        assert (dead.reason, dead.consumer, dead.deliveries) == ("bug", "synthesizer", 1)
        with pytest.raises(ConfigurationError, match="has not published its cost yet"):
            await resend(client, dead)
        await publish_plans(stage)
        async with budget_here(server):
            assert "No cap" in (await resend(client, dead) or "")
            assert [letter.sequence async for letter in dead_letters(client)] == [dead.sequence], (
                "it is still there"
            )
            await set_cap(client.rpc)

            assert await resend(client, dead) is None
            await stage.until(lambda: len(taken) == 2)
            await stage.until(stage.empty)
            (again,) = [letter async for letter in dead_letters(client)]
            assert (again.message_id, again.resends) == (pair().message_id, 1)
            assert again.sequence > dead.sequence

            assert await resend(client, again) is None
            await stage.until(lambda: len(taken) == 3)
            await stage.until(stage.empty)
            assert [letter async for letter in dead_letters(client)] == []
            state = await client.rpc.request(BUDGET_STATE, EmptyRequest())
    assert [message.reservation_id for message in taken] == [
        pair().reservation_id,
        derive_id("resend", pair().message_id, 1),
        derive_id("resend", pair().message_id, 2),
    ]
    assert list(map(without_reservation, taken)) == [without_reservation(pair())] * 3, (
        "nothing else has changed"
    )
    assert (state.reservations_open, state.reserved_nanousd) == (2, 2 * 200_000), (
        "both stages' money, and nobody closes here"
    )


async def test_what_cannot_be_read_stays_a_dead_letter(
    stage_of: StageOf, server: NatsServer
) -> None:
    async def handler(message: PairSampled) -> None:
        raise AssertionError("must not be called")

    async with stage_of(handler) as stage, connected(server.url) as client:
        await stage.js.publish(route_of(PairSampled).subject, b"no json")
        await stage.until(stage.empty)
        (dead,) = [letter async for letter in dead_letters(client)]
        with pytest.raises(ConfigurationError, match="can't be read"):
            await resend(client, dead)
        assert [letter async for letter in dead_letters(client)] == [dead]
        alone = await dead_letter(client, dead.sequence)
        assert replace(alone, failed_at=dead.failed_at) == dead, (
            "whose time the client rounds otherwise"
        )
        assert abs(alone.failed_at - dead.failed_at) < timedelta(seconds=1)
        with pytest.raises(ConfigurationError, match="no dead letter 99"):
            await dead_letter(client, 99)
