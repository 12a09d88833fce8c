"""What becomes of a message under the one middleware, against a real server: each test is a trap that FastStream or
JetStream sets by default."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import partial
from itertools import pairwise
from pathlib import Path

import nats.errors
import pytest
from faststream.nats import NatsBroker
from nats.aio.client import Client
from nats.js import JetStreamContext

from daydream_console.client import connected
from daydream_console.dead_letters import dead_letter, dead_letters
from daydream_console.resend import resend
from daydream_contracts.errors import (
    ConfigurationError,
    PermanentError,
    RetryLaterError,
    TransientError,
)
from daydream_contracts.events import (
    NANOUSD_PER_USD,
    HypothesisProposed,
    Message,
    PairSampled,
    Payer,
    derive_id,
)
from daydream_contracts.rpc import ChangeBudget, EmptyRequest, SetLimit
from daydream_contracts.topology import (
    BUDGET_CHANGE,
    BUDGET_STATE,
    CONSUMERS,
    DELIVERY_COUNTS,
    PLANS,
    route_of,
)
from daydream_models.reservations import StagePlan, publish_plan
from daydream_runtime.disposition import FAILURES_MAX
from daydream_runtime.middleware import DeliveryMiddleware
from daydream_runtime.provisioning import consumer_config, provision
from daydream_runtime.registration import Handler, consumer_router
from daydream_runtime.telemetry import start_telemetry
from daydream_runtime.tracing import TracingMiddleware
from support.programs import NatsServer
from support.samples import hypothesis, pair
from support.services import service

SYNTHESIZER = next(row for row in CONSUMERS if row.message is PairSampled)
StageOf = Callable[..., AbstractAsyncContextManager["Stage"]]


@dataclass
class Stage:
    """A stage under test: what it was given, and what it released."""

    js: JetStreamContext
    released: list[Payer | None] = field(default_factory=list)

    async def release(self, event: Message) -> None:
        self.released.append(event.payer)

    async def put(self, *pairs: PairSampled) -> None:
        for one in pairs:
            await self.js.publish(
                route_of(PairSampled).subject,
                one.model_dump_json().encode(),
                headers={"Nats-Msg-Id": one.message_id},
            )

    async def empty(self) -> bool:
        """Everything was delivered and settled. The consumer hears of a new message a moment after its publisher does."""
        last = (await self.js.stream_info("PAIRS")).state.last_seq
        info = await self.js.consumer_info("PAIRS", SYNTHESIZER.durable)
        assert info.delivered
        return (
            info.delivered.stream_seq >= last and not info.num_pending and not info.num_ack_pending
        )

    async def until(
        self, condition: Callable[[], Awaitable[bool] | bool], patience_s: float = 15
    ) -> None:
        async with asyncio.timeout(patience_s):
            while True:
                found = condition()
                if found if isinstance(found, bool) else await found:
                    return
                await asyncio.sleep(0.02)

    async def dead(self) -> list[tuple[str, bytes, dict[str, str]]]:
        count = (await self.js.stream_info("DEADLETTERS")).state.messages
        letters = [
            await self.js.get_msg("DEADLETTERS", seq=number) for number in range(1, count + 1)
        ]
        return [(str(one.subject), one.data or b"", dict(one.headers or {})) for one in letters]


@pytest.fixture
def stage_of(server: NatsServer, nc: Client) -> StageOf:
    """Run a handler as the synthesizer's, as a service registers it."""

    @asynccontextmanager
    async def running(
        handler: Handler, *, concurrency: int = 1, ack_wait_s: float = 10, heartbeat_s: float = 3
    ) -> AsyncIterator[Stage]:
        await provision(nc, replicas=1)
        js = nc.jetstream()
        config = consumer_config(SYNTHESIZER)
        config.ack_wait = ack_wait_s
        await js.add_consumer("PAIRS", config)
        stage = Stage(js)
        telemetry = start_telemetry("synthesizer", "test")
        broker = NatsBroker(
            server.url,
            logger=logging.getLogger("faststream"),
            log_level=logging.DEBUG,
            graceful_timeout=5,
            middlewares=[partial(TracingMiddleware, telemetry)],
        )
        await broker.connect()
        delivery = DeliveryMiddleware(telemetry, heartbeat_s=heartbeat_s)
        delivery.connect(js, await js.key_value(DELIVERY_COUNTS.name), stage.release)
        broker.include_router(consumer_router({SYNTHESIZER: handler}, delivery, concurrency))
        await broker.start()
        yield stage
        await broker.stop()
        telemetry.close()

    return running


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


async def test_a_bug_loses_nothing_but_becomes_a_dead_letter_that_names_it_and_closes_its_reservation(
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


@pytest.mark.parametrize("deliveries", [1, 2])
async def test_whose_reservation_an_earlier_delivery_closed_has_ended_and_is_no_dead_letter(
    stage_of: StageOf, deliveries: int
) -> None:
    """Its answer was published, its worker was killed before the acknowledgement, and asks anew because something moved meanwhile."""
    taken = 0

    async def handler(message: PairSampled) -> None:
        nonlocal taken
        taken += 1
        if taken < deliveries:
            raise RetryLaterError("killed", delay_s=0.01)
        raise PermanentError("released", "the reservation is closed: its work has ended")

    async with stage_of(handler) as stage:
        await stage.put(pair())
        await stage.until(stage.empty)
        assert taken == deliveries
        assert len(await stage.dead()) == (1 if deliveries == 1 else 0), (
            "closed before it was ever worked on: that is to be looked at"
        )


@pytest.mark.parametrize(
    "body",
    [b"\xff\x00 not json", b'{"version": 1}', b'{"version": 2, "pair_id": "of the future"}', b""],
)
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


async def test_a_call_that_takes_longer_than_the_ack_wait_runs_once(stage_of: StageOf) -> None:
    calls = 0

    async def handler(message: PairSampled) -> None:
        nonlocal calls
        calls += 1
        await asyncio.sleep(1.6)

    async with stage_of(handler, ack_wait_s=0.5, heartbeat_s=0.15, concurrency=2) as stage:
        await stage.put(pair())
        await stage.until(stage.empty)
        assert calls == 1


async def test_exactly_n_messages_are_in_hand_and_none_waits_behind_a_slow_one(
    stage_of: StageOf,
) -> None:
    in_hand, most, order = 0, 0, []

    async def handler(message: PairSampled) -> None:
        nonlocal in_hand, most
        in_hand += 1
        most = max(most, in_hand)
        await asyncio.sleep(1.0 if message == pair(0) else 0.02)
        order.append(message.pair_id)
        in_hand -= 1

    async with stage_of(handler, concurrency=3) as stage:
        await stage.put(*(pair(number) for number in range(12)))
        await stage.until(lambda: in_hand == 3)
        assert (await stage.js.consumer_info("PAIRS", SYNTHESIZER.durable)).num_ack_pending <= 3, (
            "nothing is fetched ahead"
        )
        await stage.until(stage.empty)
        assert most == 3
        assert order[-1] == pair(0).pair_id, "eleven quick ones pass the slow one"


async def test_a_full_stage_pushes_back_and_nothing_is_dropped(stage_of: StageOf) -> None:
    calls = 0

    async def handler(message: PairSampled) -> HypothesisProposed:
        nonlocal calls
        calls += 1
        return hypothesis(1000)

    async with stage_of(handler) as stage:
        config = (await stage.js.stream_info("HYPOTHESES")).config
        config.max_msgs = 1
        await stage.js.update_stream(config)
        await stage.js.publish(
            route_of(HypothesisProposed).subject, hypothesis(1).model_dump_json().encode()
        )
        await stage.put(pair())
        await stage.until(lambda: calls >= 3)
        assert not await stage.empty(), "the pair waits"
        assert await stage.dead() == []
        await stage.js.purge_stream("HYPOTHESES")
        await stage.until(stage.empty)


async def test_a_message_that_kills_its_workers_is_put_aside_in_the_end(
    stage_of: StageOf, nc: Client
) -> None:
    js = nc.jetstream()

    async def handler(message: PairSampled) -> None:
        raise AssertionError("must not be called any more")

    await provision(nc, replicas=1)
    await js.publish(route_of(PairSampled).subject, pair().model_dump_json().encode())
    reader = await js.pull_subscribe_bind(SYNTHESIZER.durable, stream="PAIRS")
    for _ in range(11):  # workers that take it and say nothing any more, as if they had died
        config = consumer_config(SYNTHESIZER)
        config.ack_wait = 0.05
        await js.add_consumer("PAIRS", config)
        await reader.fetch(1, timeout=5)
    async with stage_of(handler, ack_wait_s=1) as stage:
        await stage.until(stage.empty)
        ((_, _, headers),) = await stage.dead()
        assert headers["Daydream-Reason"] == "worker-died"


async def test_work_goes_on_after_the_server_was_killed_and_started_again(
    stage_of: StageOf, server: NatsServer
) -> None:
    done: list[str] = []

    async def handler(message: PairSampled) -> None:
        done.append(message.pair_id)

    async with stage_of(handler) as stage:
        await stage.put(pair(1))
        await stage.until(lambda: len(done) == 1)
        server.kill()
        server.start()

        async def put() -> bool:
            try:
                await stage.put(pair(2))
            except (nats.errors.Error, TimeoutError):
                return False
            return True

        await stage.until(put)
        await stage.until(lambda: pair(2).pair_id in done)


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
        (dead,) = [one async for one in dead_letters(client)]
        assert (dead.message_id, dead.resends, dead.reason, dead.consumer, dead.deliveries) == (
            pair().message_id,
            0,
            "bug",
            "synthesizer",
            1,
        )
        with pytest.raises(ConfigurationError, match="has not published its cost yet"):
            await resend(client, dead)
        plans = await stage.js.key_value(PLANS.name)
        for name in ("synthesizer", "critic"):
            await publish_plan(
                plans,
                StagePlan(stage=name, model="m", fixed_nanousd=1_000_000, nanousd_per_fact_byte=0),
            )
        with service("budget", server.url, tmp_path):
            assert "no cap" in (await resend(client, dead) or "")
            assert [one.sequence async for one in dead_letters(client)] == [dead.sequence], (
                "it is still there"
            )
            await client.ask(
                BUDGET_CHANGE,
                ChangeBudget(
                    change_id="1",
                    change=SetLimit(window="lifetime", cap_nanousd=NANOUSD_PER_USD),
                    who="t",
                ),
            )

            assert await resend(client, dead) is None
            await stage.until(lambda: len(taken) == 2)
            await stage.until(stage.empty)
            (again,) = [one async for one in dead_letters(client)]
            assert (again.message_id, again.resends) == (pair().message_id, 1)
            assert again.sequence > dead.sequence

            assert await resend(client, again) is None
            await stage.until(lambda: len(taken) == 3)
            await stage.until(stage.empty)
            assert [one async for one in dead_letters(client)] == []
            books = await client.ask(BUDGET_STATE, EmptyRequest())
        reservations = [one.reservation_id for one in taken]
        assert reservations == [
            pair().reservation_id,
            derive_id("resend", pair().message_id, 1),
            derive_id("resend", pair().message_id, 2),
        ]
        assert all(
            one.model_copy(update={"reservation_id": ""})
            == pair().model_copy(update={"reservation_id": ""})
            for one in taken
        ), "nothing else has changed"
        assert (books.reservations_open, books.reserved_nanousd) == (2, 2 * 2_000_000), (
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
        (dead,) = [one async for one in dead_letters(client)]
        with pytest.raises(ConfigurationError, match="can't be read"):
            await resend(client, dead)
        assert [one async for one in dead_letters(client)] == [dead]
        alone = await dead_letter(client, dead.sequence)
        assert replace(alone, failed_at=dead.failed_at) == dead, (
            "whose time the client rounds otherwise"
        )
        assert abs(alone.failed_at - dead.failed_at) < timedelta(seconds=1)
        with pytest.raises(ConfigurationError, match="no dead letter 99"):
            await dead_letter(client, 99)
