"""The collector of traces and metrics is away, or takes connections and never answers."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from nats.aio.client import Client

from daydream_contracts.rpc import EmptyRequest
from daydream_contracts.topology import BUDGET_STATE
from daydream_runtime.rpc import RpcClient
from support.programs import NatsServer
from support.services import service

REQUESTS = 300
STOP_S = 15


@contextmanager
def collector(kind: str) -> Iterator[str]:
    """Yield the address of a collector that is away, or silent."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        if kind == "away":
            listener.close()
        yield f"http://127.0.0.1:{port}"


@pytest.mark.fault("F34", invariant="requests are answered and a stop is obeyed without it")
@pytest.mark.parametrize("kind", ["away", "silent"])
async def test_a_service_answers_and_stops_without_its_collector(
    server: NatsServer, nc: Client, tmp_path: Path, kind: str
) -> None:
    with (
        collector(kind) as url,
        service(
            "budget",
            server.url,
            tmp_path,
            OTEL_EXPORTER_OTLP_ENDPOINT=url,
            OTEL_BSP_SCHEDULE_DELAY="100",
            OTEL_METRIC_EXPORT_INTERVAL="200",
        ) as process,
    ):
        rpc = RpcClient(nc)
        for _ in range(REQUESTS):
            await rpc.request(BUDGET_STATE, EmptyRequest())
        process.terminate()
        assert process.wait(STOP_S) == 0
