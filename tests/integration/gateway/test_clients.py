"""Any OpenAI client works unchanged: with an issued key, limits, and errors in OpenAI's shape."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import httpx
import nats
import openai
import pytest
from huggingface_hub import InferenceClient
from huggingface_hub.errors import HfHubHTTPError

from daydream_contracts.gateway_http import CALL_HEADER, RESERVATION_HEADER
from daydream_contracts.rpc import AddKey, EmptyRequest, RevokeKey
from daydream_contracts.topology import (
    GATEWAY_ADD_KEY,
    GATEWAY_KEYS,
    GATEWAY_REVOKE_KEY,
    GATEWAY_STATE,
)
from daydream_runtime.rpc import RpcClient
from support.endpoint import INPUT_NANOUSD
from support.gateway import (
    MODEL,
    PROVIDER_KEY,
    ProviderProcess,
    RunningGateway,
    gateway_processes,
    provider_process,
)
from support.polling import eventually
from support.programs import NatsServer

MESSAGES: Any = [{"role": "user", "content": "Say something about rivers and markets."}]


PROVIDERS = """
[[provider]]
name = "poor"
base_url = "{base_url}"
models = ["priced-2"]
"""


@dataclass
class RunningSystem:
    """Processes that all tests of this module share."""

    nats: NatsServer
    provider: ProviderProcess
    port: int


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningSystem]:
    folder = tmp_path_factory.mktemp("gateway")
    server = NatsServer(folder / "nats")
    server.start()
    server.provision()
    with provider_process() as provider:
        providers = folder / "providers.toml"
        providers.write_text(PROVIDERS.format(base_url=provider.base_url("out-of-balance")))
        settings = {"DAYDREAM_GATEWAY_PROVIDERS_FILE": str(providers)}
        with gateway_processes(server, provider.base_url(), folder, **settings) as port:
            yield RunningSystem(server, provider, port)
    server.kill()


@pytest.fixture
def provider(system: RunningSystem) -> Iterator[ProviderProcess]:
    yield system.provider
    system.provider.tell(tokens_per_s=0)


@pytest.fixture
async def gateway(system: RunningSystem) -> AsyncIterator[RunningGateway]:
    nc = await nats.connect(system.nats.url)
    yield RunningGateway(RpcClient(nc), system.port)
    await nc.close()


@pytest.fixture
def secret() -> str:
    return f"dd-{uuid4().hex}"


@pytest.fixture
async def key_id(gateway: RunningGateway, secret: str) -> str:
    """Issue a key, and return its id."""
    digest = hashlib.sha256(secret.encode()).hexdigest()
    request = AddKey(secret_sha256=digest, team="alignment", purpose="evaluation", who="ada")
    first = await gateway.rpc.request(GATEWAY_ADD_KEY, request)
    assert await gateway.rpc.request(GATEWAY_ADD_KEY, request) == first, "idempotent"
    return first.key_id


async def test_the_openai_package_works_unchanged_and_its_spend_is_foreground(
    gateway: RunningGateway, provider: ProviderProcess, key_id: str, secret: str
) -> None:
    def use_it() -> tuple[str, list[str], list[str], list[float]]:
        with openai.OpenAI(base_url=gateway.url, api_key=secret, max_retries=0) as client:
            whole = client.chat.completions.create(model=MODEL, messages=MESSAGES, max_tokens=300)
            stream = client.chat.completions.create(
                model=MODEL, messages=MESSAGES, max_tokens=300, stream=True
            )
            parts = [chunk.choices[0].delta.content or "" for chunk in stream]
            vectors = client.embeddings.create(model=MODEL, input="a text").data
            names = [model.id for model in client.models.list()]
            return whole.choices[0].message.content or "", parts, names, vectors[0].embedding

    billed_before = provider.billed()["billed_nanousd"]
    text, parts, names, vector = await asyncio.to_thread(use_it)
    assert text == "".join(parts)
    assert len(parts) > 2, "a stream comes as it is written"
    assert (MODEL in names, len(vector) > 10) == (True, True)
    ledger = await gateway.settled_ledger()
    assert ledger.settled_nanousd == 0, "it is not daydreaming"
    rows = [row for row in ledger.foreground if row.key == key_id]
    assert {(row.team, row.label) for row in rows} == {("alignment", "evaluation")}
    billed = provider.billed()["billed_nanousd"] - billed_before
    assert sum(row.settled_nanousd for row in rows) == billed > 0
    async with gateway.openai(secret) as client:
        answer = await client.chat.completions.create(model=MODEL, messages=MESSAGES)
    assert answer.choices[0].message.content == text


async def test_another_client_works_too(
    gateway: RunningGateway, key_id: str, secret: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its HTTP and its reader of streams are not those of the openai package."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")

    def use_it() -> tuple[str, list[Any]]:
        with InferenceClient(base_url=gateway.url, api_key=secret, timeout=60) as client:
            asked: dict[str, Any] = {"model": MODEL, "messages": MESSAGES, "max_tokens": 300}
            whole = client.chat_completion(**asked)
            usage: Any = {"include_usage": True}
            stream = client.chat_completion(**asked, stream=True, stream_options=usage)
            return whole.choices[0].message.content or "", list(stream)

    text, (*chunks, last) = await asyncio.to_thread(use_it)
    assert text == "".join(chunk.choices[0].delta.content or "" for chunk in chunks)
    assert (len(chunks) > 2, last.usage.completion_tokens > 0) == (True, True)
    ledger = await gateway.settled_ledger()
    (row,) = [row for row in ledger.foreground if row.key == key_id]
    assert row.settled_nanousd > 0

    def use_a_wrong_key() -> None:
        with InferenceClient(base_url=gateway.url, api_key="dd-unknown", timeout=60) as client:
            client.chat_completion(MESSAGES, model=MODEL)

    with pytest.raises(HfHubHTTPError, match="401"):
        await asyncio.to_thread(use_a_wrong_key)


async def test_embeddings_of_token_ids_are_paid_by_their_number(
    gateway: RunningGateway, provider: ProviderProcess, key_id: str, secret: str
) -> None:
    billed_before = provider.billed()["billed_nanousd"]
    async with gateway.openai(secret) as client:
        single = await client.embeddings.create(model=MODEL, input=[7, 8, 9])
        several = await client.embeddings.create(model=MODEL, input=[[7, 8, 9], [1]])
    assert (len(single.data), len(several.data)) == (1, 2)
    ledger = await gateway.settled_ledger()
    (row,) = [row for row in ledger.foreground if row.key == key_id]
    billed = provider.billed()["billed_nanousd"] - billed_before
    assert row.settled_nanousd == billed == 7 * INPUT_NANOUSD


async def test_a_path_that_does_not_exist_is_named_in_openais_shape(
    gateway: RunningGateway, secret: str
) -> None:
    async with gateway.openai(secret) as client:
        with pytest.raises(openai.NotFoundError, match="/v1/completions") as refused:
            await client.completions.create(model=MODEL, prompt="a")
    assert refused.value.code == "not_found"


async def test_a_named_call_is_streamed_too_and_a_reused_name_is_refused(
    gateway: RunningGateway, provider: ProviderProcess, key_id: str, secret: str
) -> None:
    named = {CALL_HEADER: "my-call"}
    answered_before = provider.billed()["answered"]
    async with gateway.openai(secret) as client:
        whole = await client.chat.completions.create(
            model=MODEL, messages=MESSAGES, extra_headers=named
        )
        stream = await client.chat.completions.create(
            model=MODEL, messages=MESSAGES, stream=True, extra_headers=named
        )
        parts = [chunk.choices[0].delta.content or "" async for chunk in stream]
        assert "".join(parts) == whole.choices[0].message.content
        assert provider.billed()["answered"] == answered_before + 1
        other: Any = [{"role": "user", "content": "Something else."}]
        with pytest.raises(openai.ConflictError, match="another request"):
            await client.chat.completions.create(model=MODEL, messages=other, extra_headers=named)


@pytest.mark.parametrize("key", ["", "dd-unknown", PROVIDER_KEY])
async def test_a_key_that_was_not_issued_is_refused(gateway: RunningGateway, key: str) -> None:
    async with gateway.openai(key or "none") as client:
        with pytest.raises(openai.AuthenticationError) as refused:
            await client.chat.completions.create(model=MODEL, messages=MESSAGES)
    assert refused.value.code == "invalid_api_key"


async def test_a_program_pays_from_no_reservation(
    gateway: RunningGateway, key_id: str, secret: str
) -> None:
    headers = {RESERVATION_HEADER: "a-reservation"}
    async with gateway.openai(secret) as client:
        with pytest.raises(openai.PermissionDeniedError):
            await client.chat.completions.create(
                model=MODEL, messages=MESSAGES, extra_headers=headers
            )


async def test_a_keys_cap_holds_and_says_so(
    gateway: RunningGateway, provider: ProviderProcess, key_id: str, secret: str
) -> None:
    calls_before = provider.billed()["calls"]
    await gateway.cap(1000, f"key:{key_id}")
    async with gateway.openai(secret) as client:
        with pytest.raises(openai.RateLimitError) as refused:
            await client.chat.completions.create(model=MODEL, messages=MESSAGES)
        assert (refused.value.code, f"key:{key_id}" in str(refused.value)) == (
            "budget_exceeded",
            True,
        )
        with pytest.raises(openai.RateLimitError):
            await client.chat.completions.create(model=MODEL, messages=MESSAGES, stream=True)
    assert provider.billed()["calls"] == calls_before


async def test_a_revoked_key_is_refused_within_seconds(
    gateway: RunningGateway, key_id: str, secret: str
) -> None:
    async with gateway.openai(secret) as client:
        await client.models.list()
        await gateway.rpc.request(GATEWAY_REVOKE_KEY, RevokeKey(key_id=key_id, who="bob"))

        async def refused() -> bool:
            try:
                await client.models.list()
            except openai.AuthenticationError:
                return True
            return False

        await eventually(refused)
    keys = (await gateway.rpc.request(GATEWAY_KEYS, EmptyRequest())).keys
    (key,) = [key for key in keys if key.key_id == key_id]
    assert (key.revoked_by, key.revoked_at is not None) == ("bob", True)


def chat(content: object = "a", **fields: object) -> bytes:
    body = {"model": MODEL, "messages": [{"role": "user", "content": content}], **fields}
    return json.dumps(body).encode()


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"no json", "invalid_request"),
        (b"[1]", "invalid_request"),
        (b'{"model": "priced-1"}', "invalid_request"),
        (chat(messages=[]), "invalid_request"),
        (chat(messages=["a"]), "invalid_request"),
        (chat(model="unknown"), "model_not_found"),
        (chat([{"type": "image_url", "image_url": {"url": "http://x/y.png"}}]), "invalid_request"),
        (chat(max_tokens=-1), "invalid_request"),
        (chat(n=99), "invalid_request"),
    ],
)
async def test_a_wrong_request_gets_an_error_in_openais_shape(
    gateway: RunningGateway, key_id: str, secret: str, body: bytes, code: str
) -> None:
    headers = {"authorization": f"Bearer {secret}"}
    async with httpx.AsyncClient(trust_env=False) as client:
        reply = await client.post(f"{gateway.url}/chat/completions", headers=headers, content=body)
    assert (400 <= reply.status_code < 500, reply.json()["error"]["code"]) == (True, code)


async def test_a_stopped_model_is_reported_in_the_providers_words(
    gateway: RunningGateway, provider: ProviderProcess, key_id: str, secret: str
) -> None:
    async with gateway.openai(secret) as client:
        with pytest.raises(openai.APIStatusError, match="Insufficient Balance") as refused:
            await client.chat.completions.create(model="priced-2", messages=MESSAGES)
    assert refused.value.status_code == 402
    models = (await gateway.rpc.request(GATEWAY_STATE, EmptyRequest())).models
    assert [model.stopped for model in models if model.model == "priced-2"] == [
        "Insufficient Balance"
    ]
    ledger = await gateway.settled_ledger()
    assert sum(row.settled_nanousd for row in ledger.foreground if row.key == key_id) == 0


async def test_a_caller_that_leaves_a_stream_costs_in_full_and_frees_its_turn(
    gateway: RunningGateway, provider: ProviderProcess, key_id: str, secret: str
) -> None:
    provider.tell(tokens_per_s=4)
    async with gateway.openai(secret) as client:
        stream = await client.chat.completions.create(model=MODEL, messages=MESSAGES, stream=True)
        async for _ in stream:
            break
        await stream.close()

    async def settled() -> bool:
        ledger = await gateway.ledger()
        rows = [row for row in ledger.foreground if row.key == key_id]
        return sum(row.settled_nanousd for row in rows) > 0

    await eventually(settled)
    models = (await gateway.rpc.request(GATEWAY_STATE, EmptyRequest())).models
    assert [model.in_flight for model in models if model.model == MODEL] == [0]
