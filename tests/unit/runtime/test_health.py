"""The HTTP side of every service."""

from __future__ import annotations

import httpx
import pytest
from prometheus_client import CollectorRegistry

from daydream_runtime.health import web_app


async def status(path: str, *, host: str, asked_as: str, missing: str | None = None) -> int:
    async def not_ready() -> str | None:
        return missing

    transport = httpx.ASGITransport(app=web_app(CollectorRegistry(), not_ready, host))
    async with httpx.AsyncClient(transport=transport, base_url=f"http://{asked_as}") as client:
        return (await client.get(path)).status_code


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/metrics"])
async def test_it_answers_on_its_own_names(path: str) -> None:
    assert await status(path, host="127.0.0.1", asked_as="127.0.0.1:8421") == 200
    assert await status(path, host="127.0.0.1", asked_as="localhost") == 200


async def test_on_the_loopback_address_no_foreign_name_is_answered() -> None:
    assert await status("/healthz", host="127.0.0.1", asked_as="evil.example") == 400


async def test_in_a_cluster_it_answers_to_the_names_that_the_cluster_gives_it() -> None:
    assert await status("/healthz", host="0.0.0.0", asked_as="critic.daydream.svc:9090") == 200


async def test_alive_is_not_ready() -> None:
    assert (
        await status(
            "/readyz", host="127.0.0.1", asked_as="localhost", missing="not connected to NATS"
        )
        == 503
    )
    assert (
        await status(
            "/healthz", host="127.0.0.1", asked_as="localhost", missing="not connected to NATS"
        )
        == 200
    )
