"""What becomes of a message whose handler fails, against a real server: each test is a trap that
FastStream or JetStream sets by default."""

from __future__ import annotations

import asyncio
import json
import logging
from functools import partial
from itertools import pairwise

import pytest
from nats.aio.client import Client

from daydream_contracts.errors import (
    PermanentError,
    RetryLaterError,
    TransientError,
)
from daydream_contracts.events import (
    HypothesisProposed,
    PairSampled,
    Payer,
)
from daydream_contracts.topology import (
    route_of,
)
from daydream_runtime.disposition import FAILURES_MAX
from daydream_runtime.stream_reader import RESEND
from support.message_builders import hypothesis, pair
from support.programs import NatsServer
from support.stage import StageOf, running_stage


@pytest.fixture
def stage_of(server: NatsServer, nc: Client) -> StageOf:
    return partial(running_stage, server.url, nc)


async def test_what_a_handler_returns_is_published_before_the_message_is_acknowledged(
    stage_of: StageOf,
) -> None:
    async def handler(message: PairSampled) -> HypothesisProposed:
        return hypothesis()

    async with stage_of(handler) as stage:
        await stage.put(pair())
        await stage.until(stage.empty)
        (stored,) = [await stage.js.get_msg("HYPOTHESES", seq=1)]
        assert HypothesisProposed.model_validate_json(stored.data or b"") == hypothesis()
        assert (stored.headers or {})["Nats-Msg-Id"] == hypothesis().message_id


async def test_a_bug_loses_nothing_but_is_a_dead_letter_that_names_it_and_releases_its_reservation(
    stage_of: StageOf,
) -> None:
    async def handler(message: PairSampled) -> None:
        raise KeyError("a bug")

    async with stage_of(handler) as stage:
        await stage.put(pair())
        await stage.until(stage.empty)
        ((subject, data, headers),) = await stage.dead()
        assert subject == "daydream.deadletter.pairs"
        assert PairSampled.model_validate_json(data) == pair()
        assert headers["Daydream-Reason"] == "bug"
        assert "KeyError" in headers["Daydream-Error"]
        assert stage.released == [Payer(reservation_id=pair().reservation_id, branch=None)]


@pytest.mark.parametrize(
    ("deliveries", "message_id", "dead_letters"),
    [(1, "late-copy", 0), (2, "killed", 0), (1, f"sent{RESEND}1", 1), (2, f"sent{RESEND}1", 0)],
)
@pytest.mark.fault("F9", invariant="a second delivery or copy of finished work ends without effect")
async def test_whose_reservation_an_earlier_delivery_closed_has_ended_and_is_no_dead_letter(
    stage_of: StageOf, deliveries: int, message_id: str, dead_letters: int
) -> None:
    """Its answer was published, and its worker was killed before the acknowledgement."""
    taken = 0

    async def handler(message: PairSampled) -> None:
        nonlocal taken
        taken += 1
        if taken < deliveries:
            raise RetryLaterError("killed", delay_s=0.01)
        raise PermanentError("released", "the reservation is closed: its work has ended")

    async with stage_of(handler) as stage:
        body, headers = pair().model_dump_json().encode(), {"Nats-Msg-Id": message_id}
        await stage.js.publish(route_of(PairSampled).subject, body, headers=headers)
        await stage.until(stage.empty)
        assert taken == deliveries
        assert len(await stage.dead()) == dead_letters, "what a person sent again was to be done"


@pytest.mark.parametrize(
    "body",
    [b"\xff\x00 not json", b'{"version": 1}', b'{"version": 2, "pair_id": "of the future"}', b""],
)
@pytest.mark.fault("F10", invariant="bytes that are no message are a dead letter, unchanged")
async def test_bytes_that_are_no_message_become_a_dead_letter_byte_for_byte(
    stage_of: StageOf, body: bytes
) -> None:
    async def handler(message: PairSampled) -> None:
        raise AssertionError("must not be called")

    async with stage_of(handler) as stage:
        await stage.js.publish(route_of(PairSampled).subject, body)
        await stage.until(stage.empty)
        ((_, data, headers),) = await stage.dead()
        assert data == body
        assert headers["Daydream-Reason"] == "invalid"


@pytest.mark.fault("F10", invariant="five failures make a dead letter")
async def test_a_transient_failure_is_tried_again_with_growing_delay_and_put_aside_in_the_end(
    stage_of: StageOf,
) -> None:
    times: list[float] = []

    async def handler(message: PairSampled) -> None:
        times.append(asyncio.get_running_loop().time())
        raise TransientError("the model's server failed")

    async with stage_of(handler) as stage:
        await stage.put(pair())
        await stage.until(stage.empty, 40)
        assert len(times) == FAILURES_MAX
        gaps = [later - earlier for earlier, later in pairwise(times)]
        assert all(gap > 0.24 * 2**number for number, gap in enumerate(gaps)), (
            "no storm of redeliveries"
        )
        ((_, _, headers),) = await stage.dead()
        assert headers["Daydream-Reason"] == "failed-too-often"


async def test_waiting_for_money_never_counts_as_failure(stage_of: StageOf) -> None:
    calls = 0

    async def handler(message: PairSampled) -> None:
        nonlocal calls
        calls += 1
        if calls <= 3 * FAILURES_MAX:
            raise RetryLaterError("the cap is reached", delay_s=0.02)

    async with stage_of(handler) as stage:
        await stage.put(pair())
        await stage.until(stage.empty)
        assert calls == 3 * FAILURES_MAX + 1
        assert await stage.dead() == []


async def test_a_permanent_failure_is_put_aside_at_once(stage_of: StageOf) -> None:
    async def handler(message: PairSampled) -> None:
        raise PermanentError("refused-by-model", "the prompt is too long")

    async with stage_of(handler) as stage:
        await stage.put(pair())
        await stage.until(stage.empty)
        ((_, _, headers),) = await stage.dead()
        assert (headers["Daydream-Reason"], headers["Daydream-Deliveries"]) == (
            "refused-by-model",
            "1",
        )


async def test_logs_of_a_dead_letter_are_json_with_its_reason(
    stage_of: StageOf, caplog: pytest.LogCaptureFixture
) -> None:
    async def handler(message: PairSampled) -> None:
        raise PermanentError("refused-by-model", "too long")

    with caplog.at_level(logging.ERROR):
        async with stage_of(handler) as stage:
            await stage.put(pair())
            await stage.until(stage.empty)
    assert any("refused-by-model" in record.getMessage() for record in caplog.records)
    assert json.dumps([record.getMessage() for record in caplog.records])
