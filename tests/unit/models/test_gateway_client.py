"""What a stage makes of the replies of the gateway, or of what answers in its place."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiohttp import web
from pydantic import SecretStr

from daydream_console.local.processes import free_port
from daydream_contracts.errors import (
    ConfigurationError,
    DaydreamError,
    PermanentError,
    RetryLaterError,
    TransientError,
)
from daydream_contracts.gateway_http import CALL_HEADER, RESERVATION_HEADER
from daydream_models.gateway_client import GatewayClient
from daydream_models.settings import GatewayAddress

RECEIPT = {"call_id": "c", "cost_nanousd": 7, "answered_at": "2026-06-01T12:00:00Z"}
CHOICE = {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "yes"}}
FOREIGN: tuple[object, ...] = (
    "<html>Bad gateway</html>",
    {"choices": []},
    ["list"],
    {"error": "text"},
)
ANSWER = {"model": "m", "choices": [CHOICE], "usage": None, "daydream": RECEIPT}


@asynccontextmanager
async def gateway(
    reply: object, status: int = 200
) -> AsyncIterator[tuple[GatewayClient, list[web.Request]]]:
    """Serve one reply to everything. Yield a client, and the requests that it sends."""
    requests = []

    async def answer(request: web.Request) -> web.Response:
        requests.append(request)
        if isinstance(reply, str):
            return web.Response(text=reply, status=status, content_type="text/html")
        return web.json_response(reply, status=status)

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", port := free_port())
    await site.start()
    url = f"http://127.0.0.1:{port}/v1"
    client = GatewayClient(GatewayAddress(url=url, key=SecretStr("stage-key")))
    try:
        yield client, requests
    finally:
        await client.close()
        await runner.cleanup()


async def chat(client: GatewayClient) -> Any:
    return await client.chat("call-1", "reservation-1", {"model": "m", "messages": []})


async def test_an_answer_has_its_text_its_end_and_its_receipt() -> None:
    async with gateway(ANSWER) as (client, requests):
        answer = await chat(client)
    assert (answer.text, answer.finish_reason, answer.receipt.cost_nanousd) == ("yes", "stop", 7)
    headers = requests[0].headers
    assert headers["authorization"] == "Bearer stage-key"
    assert (headers[CALL_HEADER], headers[RESERVATION_HEADER]) == ("call-1", "reservation-1")


async def test_vectors_come_in_the_order_of_their_texts() -> None:
    data = [{"index": 1, "embedding": [0, 1]}, {"index": 0, "embedding": [1, 0]}]
    async with gateway({"data": data, "daydream": RECEIPT}) as (client, _):
        vectors = await client.embed("m", ["a", "b"])
    assert vectors.vectors == [(1, 0), (0, 1)]


@pytest.mark.parametrize(
    ("disposition", "kind"),
    [("wait", RetryLaterError), ("retry", TransientError), ("reject", PermanentError)],
)
async def test_a_refusal_is_the_error_that_its_disposition_names(
    disposition: str, kind: type[DaydreamError]
) -> None:
    error = {"message": "not now", "code": "busy", "disposition": disposition, "retry_after_s": 3}
    async with gateway({"error": error}, 429) as (client, _):
        with pytest.raises(kind, match="not now") as raised:
            await chat(client)
    if isinstance(raised.value, RetryLaterError):
        assert raised.value.delay_s == 3


@pytest.mark.parametrize("status", [200, 404, 502])
async def test_what_is_not_the_gateways_reply_is_waited_for(status: int) -> None:
    for reply in FOREIGN:
        async with gateway(reply, status) as (client, _):
            with pytest.raises(RetryLaterError):
                await chat(client)


async def test_a_gateway_that_is_away_is_waited_for() -> None:
    address = GatewayAddress(url=f"http://127.0.0.1:{free_port()}/v1")
    client = GatewayClient(address)
    with pytest.raises(RetryLaterError, match="does not answer"):
        await chat(client)
    await client.close()


async def test_a_key_that_is_refused_stops_the_start() -> None:
    async with gateway({"error": {"message": "who?"}}, 401) as (client, _):
        with pytest.raises(ConfigurationError, match="does not accept this stage's key"):
            await client.check("a/b")
    async with gateway({"id": "a/b"}) as (client, requests):
        await client.check("a/b")
    assert requests[0].rel_url.raw_path == "/v1/models/a%2Fb"
