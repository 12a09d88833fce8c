"""The metrics may have a separate port, which a network policy opens for Prometheus alone."""

from __future__ import annotations

import httpx
import pytest
from prometheus_client import CollectorRegistry, Gauge
from starlette.types import ASGIApp

from daydream_runtime.health import metrics_app, web_app


async def ready() -> str | None:
    return None


async def status(app: ASGIApp, path: str) -> int:
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
        return (await client.get(path)).status_code


@pytest.fixture
def registry() -> CollectorRegistry:
    registry = CollectorRegistry()
    Gauge("one", "a metric", registry=registry).set(1)
    return registry


async def test_with_their_own_port_the_other_one_does_not_show_them(
    registry: CollectorRegistry,
) -> None:
    shared, alone = web_app(registry, ready, "127.0.0.1"), web_app(None, ready, "127.0.0.1")
    paths = ("/healthz", "/readyz", "/metrics")
    assert [await status(shared, path) for path in paths] == [200, 200, 200]
    assert [await status(alone, path) for path in paths] == [200, 200, 404]
    own = metrics_app(registry, "127.0.0.1")
    assert [await status(own, path) for path in paths] == [404, 404, 200]
