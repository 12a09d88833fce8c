"""A service as a FastStream application on the real server: endpoints, traces, loops, stop."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Annotated, Any, ClassVar

import httpx
import pytest
from nats.aio.client import Client
from opentelemetry import trace

from daydream_console.local.processes import free_port
from daydream_contracts.errors import PermanentError, RetryLaterError, TransientError
from daydream_contracts.events import HypothesisProposed, PairSampled
from daydream_contracts.rpc import EmptyRequest, SynthesizerState
from daydream_contracts.topology import SYNTHESIZER_STATE, route_of
from daydream_runtime.application import Collaborators, Loop, ServiceApp
from daydream_runtime.from_context import FromContext
from daydream_runtime.process import serve
from daydream_runtime.publisher import EventPublisher
from daydream_runtime.rpc import RpcClient
from daydream_runtime.runtime_context import Runtime
from daydream_runtime.settings import ServiceSettings
from daydream_runtime.telemetry import trace_headers
from support.message_builders import hypothesis, pair
from support.polling import eventually
from support.programs import NatsServer, clean_environment, until


class ReportSettings(ServiceSettings):
    service: ClassVar[str] = "synthesizer"


class FakeReport:
    """Answers, or raises `error`; remembers the trace it was asked in."""

    def __init__(self) -> None:
        self.error: Exception | None = None
        self.traces: list[int] = []
        self.open = asyncio.Event()
        self.open.set()
        self.in_progress = 0

    async def state(self) -> SynthesizerState:
        self.traces.append(trace.get_current_span().get_span_context().trace_id)
        self.in_progress += 1
        await self.open.wait()
        self.in_progress -= 1
        if self.error is not None:
            raise self.error
        return SynthesizerState(writers=(), examples=2)


async def pair_sampled(
    message: PairSampled, publisher: Annotated[EventPublisher, FromContext()]
) -> None:
    """Publish the events of two samples."""
    for sample in range(2):
        event = hypothesis()
        await publisher.publish(event.model_copy(update={"hypothesis_id": f"h{sample}"}))


async def synthesizer_state(
    request: EmptyRequest, report: Annotated[FakeReport, FromContext()]
) -> SynthesizerState:
    """Answer."""
    return await report.state()


def app_on(server: NatsServer, report: FakeReport, loops: Sequence[Loop] = ()) -> ServiceApp:
    @asynccontextmanager
    async def collaborators(runtime: Runtime) -> AsyncIterator[Collaborators]:
        yield Collaborators({"report": report}, loops)

    return ServiceApp(
        ReportSettings(nats_url=server.url, stop_timeout_s=5),
        collaborators,
        consumers={PairSampled: pair_sampled},
        endpoints={SYNTHESIZER_STATE: synthesizer_state},
    )


async def test_several_events_of_one_message_are_stored_under_their_ids_and_in_one_trace(
    server: NatsServer, nc: Client
) -> None:
    async with app_on(server, FakeReport()).start_lifespan_context():
        js, route = nc.jetstream(), route_of(PairSampled)
        traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
        body = pair().model_dump_json().encode()
        await js.publish(route.subject, body, headers={"traceparent": traceparent})
        stored: list[Any] = []
        async with asyncio.timeout(10):
            while len(stored) < 2:
                count = (await js.stream_info("HYPOTHESES")).state.messages
                stored = [await js.get_msg("HYPOTHESES", seq=at + 1) for at in range(count)]
        events = [HypothesisProposed.model_validate_json(event.data or b"") for event in stored]
        headers = [event.headers or {} for event in stored]
        assert [event.hypothesis_id for event in events] == ["h0", "h1"]
        assert [header["Nats-Msg-Id"] for header in headers] == ["h0", "h1"]
        assert all(
            "0af7651916cd43dd8448eb211c80319c" in header["traceparent"] for header in headers
        )


async def test_a_request_carries_the_trace_to_the_endpoint(server: NatsServer, nc: Client) -> None:
    report = FakeReport()
    app = app_on(server, report)
    async with app.start_lifespan_context():
        with app.telemetry.span("client") as span:
            answer = await RpcClient(nc, headers=trace_headers).request(
                SYNTHESIZER_STATE, EmptyRequest()
            )
        assert answer.examples == 2
        assert report.traces == [span.get_span_context().trace_id]


@pytest.mark.parametrize(
    ("error", "expected", "text"),
    [
        (RetryLaterError("no money"), RetryLaterError, "no money"),
        (TimeoutError(), RetryLaterError, ""),
        (TransientError("hiccup"), TransientError, "hiccup"),
        (PermanentError("no-such-fact", "gone"), PermanentError, "gone"),
        (KeyError("x"), PermanentError, "KeyError: 'x'"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else "",
)
async def test_a_failing_endpoint_answers_with_its_kind_of_failure(
    server: NatsServer, nc: Client, error: Exception, expected: type[Exception], text: str
) -> None:
    report = FakeReport()
    report.error = error
    async with app_on(server, report).start_lifespan_context():
        with pytest.raises(expected) as raised:
            await RpcClient(nc).request(SYNTHESIZER_STATE, EmptyRequest(), patience_s=5)
    assert str(raised.value) == text


async def test_requests_are_answered_side_by_side_and_the_stop_waits_for_them(
    server: NatsServer, nc: Client
) -> None:
    report = FakeReport()
    report.open.clear()
    async with app_on(server, report).start_lifespan_context():
        rpc = RpcClient(nc)
        requests = [
            asyncio.create_task(rpc.request(SYNTHESIZER_STATE, EmptyRequest(), try_s=10))
            for _ in range(20)
        ]
        await eventually(lambda: report.in_progress == 20)
        asyncio.get_running_loop().call_later(0.3, report.open.set)
    assert [answer.examples for answer in await asyncio.gather(*requests)] == [2] * 20


async def test_two_replicas_share_the_requests(server: NatsServer, nc: Client) -> None:
    first, second = FakeReport(), FakeReport()
    async with (
        app_on(server, first).start_lifespan_context(),
        app_on(server, second).start_lifespan_context(),
    ):
        for _ in range(40):
            await RpcClient(nc).request(SYNTHESIZER_STATE, EmptyRequest())
    assert len(first.traces) + len(second.traces) == 40
    assert first.traces
    assert second.traces


async def test_a_loop_that_fails_ends_the_service_with_its_error(server: NatsServer) -> None:
    async def fail() -> None:
        raise KeyError("a bug in a loop")

    with pytest.raises(KeyError, match="a bug in a loop"):
        await asyncio.wait_for(serve(app_on(server, FakeReport(), [fail])), 20)


async def test_a_deleted_durable_makes_the_service_unready(server: NatsServer, nc: Client) -> None:
    app = app_on(server, FakeReport())
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
        assert (await client.get("/readyz")).text == "starting, or waiting for NATS"
        async with app.start_lifespan_context():
            await eventually(lambda: app.lifecycle.ready)
            assert (await client.get("/readyz")).status_code == 200
            await nc.jetstream().delete_consumer("PAIRS", "synthesizer")
            answer = await client.get("/readyz")
            assert (answer.status_code, answer.text[:19]) == (503, "consumer is missing")
        assert (await client.get("/readyz")).text == "stopping"


def test_the_command_line_of_faststream_runs_the_service(
    server: NatsServer, tmp_path: Path
) -> None:
    port = free_port()
    command = [str(Path(sys.executable).parent / "faststream"), "run"]
    command += ["daydream_synthesizer.app:create", "--factory"]
    command += ["--host", "127.0.0.1", "--port", str(port)]
    settings = {"DAYDREAM_NATS_URL": server.url, "DAYDREAM_SYNTHESIZER_ENABLED": "false"}
    with (tmp_path / "log").open("w") as log:
        process = subprocess.Popen(
            command, env=clean_environment(tmp_path, **settings), stderr=log, stdout=log
        )
    try:
        until(
            lambda: _status(f"http://127.0.0.1:{port}/readyz") == 200 or process.poll() is not None,
            "faststream run",
            60,
        )
        assert process.poll() is None, (tmp_path / "log").read_text()
    finally:
        process.kill()
        process.wait()


def _status(url: str) -> int:
    try:
        return httpx.get(url).status_code
    except httpx.HTTPError:
        return 0
