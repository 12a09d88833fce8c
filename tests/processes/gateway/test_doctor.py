"""`daydream doctor` shows what the gateway of a running system learned of its models."""

from __future__ import annotations

from pathlib import Path

import pytest
from nats.aio.client import Client

from daydream_console.cli.doctor import check_gateway
from daydream_console.local.folder import DataFolder
from daydream_contracts.gateway_http import CALL_HEADER, RESERVATION_HEADER
from support.gateway import MODEL, provider_process, running_gateway
from support.programs import NatsServer


async def test_doctor_shows_what_a_model_does_not_take(
    server: NatsServer, nc: Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DAYDREAM_NATS_URL", server.url)
    with provider_process() as provider:
        url = provider.base_url("no-seed")
        async with running_gateway(server, nc, url, tmp_path / "gateway") as gateway:
            assert await check_gateway(DataFolder(tmp_path)) == []
            reservation = await gateway.reserve()
            async with gateway.openai() as client:
                await client.chat.completions.create(
                    model=MODEL,
                    messages=[{"role": "user", "content": "Say something."}],
                    max_completion_tokens=200,
                    seed=1,
                    extra_headers={CALL_HEADER: "call", RESERVATION_HEADER: reservation},
                )
            [check] = await check_gateway(DataFolder(tmp_path))
    assert check.about == f"gateway, {MODEL}"
    assert "seed is not sent: Invalid JSON payload received" in check.result
    assert not check.is_problem


async def test_doctor_names_a_gateway_that_does_not_answer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DAYDREAM_NATS_URL", "nats://127.0.0.1:9")
    [check] = await check_gateway(DataFolder(tmp_path))
    assert check.is_problem


async def test_doctor_asks_no_gateway_where_nothing_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("DAYDREAM_NATS_URL", raising=False)
    assert await check_gateway(DataFolder(tmp_path)) == []
