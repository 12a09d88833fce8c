"""Vectors by an endpoint: paid exactly, limited by the cap, continued when there is money."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
from nats.aio.client import Client

from daydream_contracts.events import DocumentOffered
from daydream_contracts.gateway_http import CallReceipt
from daydream_contracts.rpc import EmptyRequest, MemoryState, Search
from daydream_contracts.topology import MEMORY_SEARCH, MEMORY_STATE, route_of
from daydream_memory.endpoint_embedder import EndpointEmbedder, batches
from daydream_memory.settings import MemorySettings
from daydream_memory.sqlite import open_sqlite_store
from daydream_memory.store import DocumentRecord, NewFact
from daydream_models.gateway_client import GatewayClient, Vectors
from daydream_runtime.rpc import RpcClient
from support.endpoint import words_as_vector
from support.gateway import MODEL, RunningGateway, running_gateway
from support.polling import eventually
from support.programs import EndpointProgram, NatsServer
from support.services import service

FACTS = 40
FACTS_MANY = 230  # more than a start makes new vectors for


async def offer(nc: Client, facts: int) -> None:
    lines = [
        {
            "text": f"Note number {number} tells of harbour {number * 7} and of the wind that"
            " blows there all year."
        }
        for number in range(facts)
    ]
    data = "\n".join(json.dumps(line) for line in lines).encode()
    message = DocumentOffered(
        document_id="d",
        content=base64.b64encode(data),
        source="/n.jsonl",
        size_bytes=len(data),
        offered_at=datetime.now(UTC),
    )
    await nc.jetstream().publish(
        route_of(DocumentOffered).subject, message.model_dump_json().encode()
    )


@pytest.fixture
async def gateway(
    server: NatsServer, nc: Client, endpoint: EndpointProgram, tmp_path: Path
) -> AsyncIterator[RunningGateway]:
    folder = tmp_path / "gateway"
    async with running_gateway(server, nc, endpoint.url, folder, stage="memory") as running:
        yield running


def settings_of(gateway: RunningGateway, role: str = "EMBEDDING", **fields: str) -> dict[str, Any]:
    """Return the settings of a memory that has its vectors from the gateway."""
    embedding = {"NAME": MODEL, **fields}
    return {
        **gateway.stage_environment,
        **{f"DAYDREAM_MEMORY_{role}_{name}": value for name, value in embedding.items()},
    }


async def test_embedding_is_paid_to_the_cent_and_waits_for_money(
    tmp_path: Path,
    server: NatsServer,
    nc: Client,
    endpoint: EndpointProgram,
    gateway: RunningGateway,
) -> None:
    settings = settings_of(gateway, BATCH="8")
    rpc = RpcClient(nc)

    async def memory() -> MemoryState:
        return await rpc.request(MEMORY_STATE, EmptyRequest())

    await gateway.cap(200_000)  # a batch of eight is bounded by some 120,000, costs some 25,000
    with service("memory", server.url, tmp_path / "memory", **settings):
        await offer(nc, FACTS)
        await eventually(lambda: settled_at(memory, 8))
        assert 0 < (await memory()).facts < FACTS, "the cap holds the rest back"
        assert (await gateway.ledger()).limits[0].settled_nanousd <= 200_000
        await gateway.cap(10_000_000)
        await eventually(lambda: settled_at(memory, FACTS))
        assert (await memory()).embedding_model == "priced-1"
        result = await rpc.request(
            MEMORY_SEARCH,
            Search(
                text="Note number 5 tells of harbour 35 and of the wind that blows there all year.",
                limit=1,
            ),
        )
        assert result.hits[0].similarity == pytest.approx(1, abs=1e-5)
        ledger = await gateway.settled_ledger()
        assert ledger.settled_nanousd == endpoint.witness()["cost_nanousd"], (
            "the ledger and the endpoint count the same money"
        )
        assert (ledger.reservations_open, ledger.authorized_nanousd) == (0, 0)
        assert [(row.stage, row.calls) for row in ledger.spend] == [
            ("memory", endpoint.witness()["calls"])
        ]


async def test_another_model_takes_over_while_questions_are_answered_with_the_previous(
    tmp_path: Path, server: NatsServer, nc: Client, gateway: RunningGateway
) -> None:
    rpc = RpcClient(nc)
    text = "Note number 5 tells of harbour 35 and of the wind that blows there all year."

    async def memory() -> MemoryState:
        return await rpc.request(MEMORY_STATE, EmptyRequest())

    with service("memory", server.url, tmp_path / "memory", **settings_of(gateway)):
        await offer(nc, FACTS_MANY)
        await eventually(lambda: settled_at(memory, FACTS_MANY))
    changed = {
        **settings_of(gateway, DIMENSIONS="32", BATCH="16"),
        **settings_of(gateway, "PREVIOUS"),
    }
    with service("memory", server.url, tmp_path / "memory", **changed) as process:
        assert (await memory()).embedding_model == "priced-1", "too many texts for the start"
        assert (await rpc.request(MEMORY_SEARCH, Search(text=text, limit=1))).hits[
            0
        ].similarity == pytest.approx(1, abs=1e-5)
        assert await asyncio.to_thread(process.wait, 30) == 75, "it asks to be started again"
    with service("memory", server.url, tmp_path / "memory", **changed):
        assert (await memory()).embedding_model == "priced-1@32"
        result = await rpc.request(MEMORY_SEARCH, Search(text=text, limit=1))
        assert (result.hits[0].fact.text, round(result.hits[0].similarity, 4)) == (text, 1.0)


async def test_no_endpoint_is_sent_a_text_that_it_may_not_see(
    tmp_path: Path, server: NatsServer, endpoint: EndpointProgram, gateway: RunningGateway
) -> None:
    store = open_sqlite_store(tmp_path / "memory" / "memory", "all-MiniLM-L6-v2-int8")
    fact = NewFact(
        "id", "A secret of the house.", source="/s.md", document_id="d", clearance="secret"
    )
    await store.documents.add(
        DocumentRecord("d", "/s.md", "read", "", datetime.now(UTC), datetime.now(UTC)), [fact]
    )
    await store.close()
    settings = {
        "DAYDREAM_CLEARANCES": "internal,secret",
        **settings_of(gateway, CLEARANCE="internal"),
    }
    with service("memory", server.url, tmp_path / "memory", ready=False, **settings) as process:
        assert await asyncio.to_thread(process.wait, 30) == 2
    assert endpoint.witness()["calls"] == 0


async def test_vectors_that_came_are_not_asked_for_again() -> None:
    class FakeGateway:
        calls = 0

        async def embed(self, model: str, texts: Sequence[str], dimensions: int) -> Vectors:
            self.calls += 1
            receipt = CallReceipt(call_id="", cost_nanousd=1, answered_at=datetime.now(UTC))
            return Vectors([words_as_vector(text, 48) for text in texts], receipt)

    gateway = FakeGateway()
    embedder = EndpointEmbedder(cast(GatewayClient, gateway), MODEL)
    (vector,) = await embedder.embed(["a text"])
    assert (await embedder.embed(["a text"]))[0] is vector
    assert np.linalg.norm(vector) == pytest.approx(1, abs=1e-5)
    assert gateway.calls == 1


async def settled_at(memory: Callable[[], Coroutine[Any, Any, MemoryState]], facts: int) -> bool:
    return (await memory()).facts >= facts


def test_texts_go_in_batches_of_at_most_so_many_and_so_long() -> None:
    assert [len(part) for part in batches([str(number) for number in range(10)], 4)] == [4, 4, 2]
    assert [
        len(part) for part in batches(["x" * 150_000, "y" * 60_000, "z" * 500_000, "w"], 64)
    ] == [1, 1, 1, 1]
    assert batches([], 4) == []


def test_the_bundled_model_stays_unless_another_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DAYDREAM_MODEL_NAME", "a-chat-model")
    assert not MemorySettings().embedding.name
    monkeypatch.setenv("DAYDREAM_MEMORY_EMBEDDING_NAME", "an-embedding-model")
    assert MemorySettings().embedding.name == "an-embedding-model"


def test_the_witness_gives_vectors_by_words() -> None:
    first, same, other = (
        np.array(words_as_vector(text, 48)) for text in ("red green", "green red", "salt")
    )
    assert first @ same > 10 * abs(first @ other)
