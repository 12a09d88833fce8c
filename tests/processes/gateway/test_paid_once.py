"""A named call is paid once, and its money balances with the provider's own record."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from nats.aio.client import Client

from daydream_contracts.gateway_http import CALL_HEADER, EXTENSION, RESERVATION_HEADER
from support.gateway import MODEL, RunningGateway, running_gateway
from support.programs import EndpointProgram, NatsServer

MESSAGES = [{"role": "user", "content": "Say something about rivers and markets."}]


@pytest.fixture
async def gateway(
    server: NatsServer, nc: Client, endpoint: EndpointProgram, tmp_path: Path
) -> AsyncIterator[RunningGateway]:
    async with running_gateway(server, nc, endpoint.url, tmp_path / "gateway") as running:
        yield running


async def ask(gateway: RunningGateway, call: str, reservation: str, text: str = "") -> object:
    messages = MESSAGES if not text else [{"role": "user", "content": text}]
    async with gateway.openai() as client:
        return await client.chat.completions.create(
            model=MODEL,
            messages=messages,  # type: ignore[arg-type]
            max_completion_tokens=200,
            extra_headers={CALL_HEADER: call, RESERVATION_HEADER: reservation},
        )


@pytest.mark.fault("F9", invariant="a repeated call gets the stored answer")
async def test_a_repeated_call_gets_the_stored_answer_and_the_ledger_what_was_billed(
    gateway: RunningGateway, endpoint: EndpointProgram
) -> None:
    reservation = await gateway.reserve()
    first = await ask(gateway, "call-1", reservation)
    second = await ask(gateway, "call-1", reservation)
    assert first == second
    extension = first.model_extra[EXTENSION]  # type: ignore[attr-defined]
    assert extension["cost_nanousd"] == endpoint.witness()["cost_nanousd"]
    assert endpoint.witness()["answered"] == 1
    assert (await gateway.settled_ledger()).settled_nanousd == endpoint.witness()["cost_nanousd"]


@pytest.mark.fault("F9", invariant="calls with one id at the same time are one call")
async def test_calls_at_the_same_time_are_joined(
    gateway: RunningGateway, endpoint: EndpointProgram
) -> None:
    reservation = await gateway.reserve()
    answers = await asyncio.gather(*(ask(gateway, "call-2", reservation) for _ in range(5)))
    assert all(answer == answers[0] for answer in answers)
    assert endpoint.witness()["answered"] == 1
