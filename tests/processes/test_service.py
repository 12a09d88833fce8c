"""A service as a process: what it does when it is asked to stop, and when somebody deletes what it
needs.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from nats.aio.client import Client
from nats.js.errors import NotFoundError

from daydream_contracts.rpc import AllocationRequest, OpenReservation
from daydream_contracts.topology import ACK_WAIT_S, BUDGET_OPEN, route_of
from daydream_runtime.rpc import RpcClient
from support.gateway import MODEL, running_gateway
from support.message_builders import pair
from support.polling import eventually
from support.programs import EndpointProgram, NatsServer, priced_endpoint
from support.services import service

CALL_S = 1.5
RETURNED_S = ACK_WAIT_S / 4  # a message that was not returned comes after the whole time


async def until(condition: Callable[[], bool], patience_s: float = 15) -> None:
    """Poll in a thread, so that what the condition waits for can answer meanwhile."""
    await eventually(lambda: asyncio.to_thread(condition), patience_s)


@pytest.fixture
def slow_endpoint(tmp_path: Path) -> Iterator[EndpointProgram]:
    with priced_endpoint(tmp_path, delay_s=CALL_S) as running:
        yield running


@pytest.fixture
async def settings(
    server: NatsServer, nc: Client, tmp_path: Path, slow_endpoint: EndpointProgram
) -> AsyncIterator[dict[str, Any]]:
    """The settings of a synthesizer whose gateway runs, with a cap."""
    async with running_gateway(server, nc, slow_endpoint.url, tmp_path / "gateway") as gateway:
        yield {**gateway.stage_environment, "DAYDREAM_MODEL_NAME": MODEL}


async def send_a_pair(nc: Client) -> None:
    """With a reservation that pays for it."""
    rpc = RpcClient(nc)
    part = AllocationRequest(stage="synthesizer", model="priced-1", upper_bound_nanousd=10**8)
    await rpc.request(
        BUDGET_OPEN,
        OpenReservation(
            reservation_id=pair().reservation_id,
            allocations=(part,),
            requested_at=datetime.now(UTC),
        ),
    )
    route = route_of(type(pair()))
    await nc.jetstream().publish(
        route.subject, pair().model_dump_json().encode(), headers={"Nats-Msg-Id": pair().message_id}
    )


async def hypotheses(nc: Client) -> int:
    return (await nc.jetstream().stream_info("HYPOTHESES")).state.messages


@pytest.mark.fault("F35", invariant="a stop ends the call in progress and keeps its answer")
async def test_a_stop_lets_the_call_in_progress_end_and_keeps_its_answer(
    server: NatsServer,
    nc: Client,
    tmp_path: Path,
    slow_endpoint: EndpointProgram,
    settings: dict[str, Any],
) -> None:
    with ExitStack() as stack:
        process = stack.enter_context(service("synthesizer", server.url, tmp_path, **settings))
        await send_a_pair(nc)
        await until(lambda: bool(slow_endpoint.open_calls()))
        process.terminate()
        assert await asyncio.to_thread(process.wait, 20) == 0
        assert await hypotheses(nc) == 1
        assert slow_endpoint.witness()["calls"] == slow_endpoint.witness()["answered"] == 1


@pytest.mark.fault("F35", invariant="what outlasts the stop is returned at once")
async def test_a_message_whose_call_outlasts_the_stop_is_returned_at_once(
    server: NatsServer,
    nc: Client,
    tmp_path: Path,
    slow_endpoint: EndpointProgram,
    settings: dict[str, Any],
) -> None:
    with ExitStack() as stack:
        process = stack.enter_context(
            service("synthesizer", server.url, tmp_path, **settings, DAYDREAM_STOP_TIMEOUT_S="0.2")
        )
        await send_a_pair(nc)
        await until(lambda: bool(slow_endpoint.open_calls()))
        process.terminate()
        assert await asyncio.to_thread(process.wait, 20) == 0
        assert await hypotheses(nc) == 0
        consumer = await nc.jetstream().pull_subscribe_bind("synthesizer", stream="PAIRS")
        (returned,) = await consumer.fetch(1, timeout=RETURNED_S)
        await returned.nak()
        stack.enter_context(service("synthesizer", server.url, tmp_path, **settings))

        async def is_proposed() -> bool:
            return await hypotheses(nc) == 1

        await eventually(is_proposed)
        assert slow_endpoint.witness()["calls"] == 1, "the gateway kept the answer"


async def test_a_deleted_durable_is_created_again(
    server: NatsServer, nc: Client, tmp_path: Path
) -> None:
    js = nc.jetstream()
    with service("memory", server.url, tmp_path):
        await js.delete_consumer("VERDICTS", "memory")

        async def is_back() -> bool:
            with contextlib.suppress(NotFoundError):
                await js.consumer_info("VERDICTS", "memory")
                return True
            return False

        await eventually(is_back)
