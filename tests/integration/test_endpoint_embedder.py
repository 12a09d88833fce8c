"""Vectors by an endpoint: paid exactly, limited by the cap, continued when there is money."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import Callable, Coroutine
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
from nats.aio.client import Client

from daydream_contracts.errors import RetryLaterError
from daydream_contracts.events import DocumentOffered
from daydream_contracts.rpc import (
    BudgetState,
    ChangeBudget,
    EmptyRequest,
    Grant,
    MemoryState,
    Search,
    SetLimit,
)
from daydream_contracts.topology import (
    BUDGET_CHANGE,
    BUDGET_OPEN,
    BUDGET_STATE,
    MEMORY_SEARCH,
    MEMORY_STATE,
    route_of,
)
from daydream_memory.endpoint_embedder import EndpointEmbedder, batches
from daydream_memory.settings import MemorySettings
from daydream_memory.sqlite import open_sqlite_store
from daydream_memory.store import DocumentRecord, NewFact
from daydream_models.budget_client import BudgetClient
from daydream_models.pricing.lookup import FREE
from daydream_models.provider import ModelProvider
from daydream_models.settings import ModelSettings
from daydream_runtime.rpc import RpcClient
from support.endpoint import words_as_vector
from support.polling import eventually
from support.programs import PRICES, Endpoint, NatsServer
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


async def test_embedding_is_paid_to_the_cent_and_waits_for_money(
    tmp_path: Path, server: NatsServer, nc: Client, endpoint: Endpoint
) -> None:
    (tmp_path / "prices.toml").write_text(PRICES)
    settings: dict[str, Any] = {
        "DAYDREAM_MEMORY_EMBEDDING_NAME": "priced-1",
        "DAYDREAM_MEMORY_EMBEDDING_BASE_URL": endpoint.url,
        "DAYDREAM_MEMORY_EMBEDDING_BATCH": "8",
        "DAYDREAM_MEMORY_PRICES_FILE": str(tmp_path / "prices.toml"),
    }
    rpc = RpcClient(nc)

    async def memory() -> MemoryState:
        return await rpc.request(MEMORY_STATE, EmptyRequest())

    async def budget() -> BudgetState:
        return await rpc.request(BUDGET_STATE, EmptyRequest())

    async def cap(nanousd: int) -> None:
        await rpc.request(
            BUDGET_CHANGE,
            ChangeBudget(
                change_id=str(nanousd),
                change=SetLimit(window="lifetime", cap_nanousd=nanousd),
                who="test",
            ),
        )

    with (
        service("budget", server.url, tmp_path / "budget"),
        service("memory", server.url, tmp_path / "memory", **settings),
    ):
        await cap(200_000)  # a batch of eight is bounded by some 120,000 and costs some 25,000
        await offer(nc, FACTS)
        await eventually(lambda: settled_at(memory, 8))
        assert 0 < (await memory()).facts < FACTS, "the cap holds the rest back"
        assert (await budget()).limits[0].settled_nanousd <= 200_000
        await cap(10_000_000)
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
        ledger = await budget()
        assert ledger.settled_nanousd == endpoint.witness()["cost_nanousd"], (
            "the ledger and the endpoint count the same money"
        )
        assert (ledger.reservations_open, ledger.authorized_nanousd) == (0, 0)
        assert [(row.stage, row.calls) for row in ledger.spend] == [
            ("memory", endpoint.witness()["calls"])
        ]


async def test_another_model_takes_over_while_questions_are_answered_with_the_previous(
    tmp_path: Path, server: NatsServer, nc: Client, endpoint: Endpoint
) -> None:
    def of(role: str, **environment: str) -> dict[str, Any]:
        return {
            f"DAYDREAM_MEMORY_{role}_{name}": value
            for name, value in {
                "NAME": "priced-1",
                "BASE_URL": endpoint.url,
                "FREE": "true",
                **environment,
            }.items()
        }

    rpc = RpcClient(nc)
    text = "Note number 5 tells of harbour 35 and of the wind that blows there all year."

    async def memory() -> MemoryState:
        return await rpc.request(MEMORY_STATE, EmptyRequest())

    with service("budget", server.url, tmp_path / "budget"):
        with service("memory", server.url, tmp_path / "memory", **of("EMBEDDING")):
            await offer(nc, FACTS_MANY)
            await eventually(lambda: settled_at(memory, FACTS_MANY))
        changed = {**of("EMBEDDING", DIMENSIONS="32", BATCH="16"), **of("PREVIOUS")}
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
    tmp_path: Path, server: NatsServer, nc: Client, endpoint: Endpoint
) -> None:
    store = open_sqlite_store(tmp_path / "memory" / "memory", "all-MiniLM-L6-v2-int8")
    fact = NewFact(
        "id", "A secret of the house.", source="/s.md", document_id="d", clearance="secret"
    )
    await store.documents.add(
        DocumentRecord("d", "/s.md", "read", "", datetime.now(UTC), datetime.now(UTC)), [fact]
    )
    await store.close()
    settings: dict[str, Any] = {
        "DAYDREAM_CLEARANCES": "internal,secret",
        "DAYDREAM_MEMORY_EMBEDDING_NAME": "priced-1",
        "DAYDREAM_MEMORY_EMBEDDING_BASE_URL": endpoint.url,
        "DAYDREAM_MEMORY_EMBEDDING_FREE": "true",
        "DAYDREAM_MEMORY_EMBEDDING_CLEARANCE": "internal",
    }
    with service("memory", server.url, tmp_path / "memory", ready=False, **settings) as process:
        assert await asyncio.to_thread(process.wait, 30) == 2
    assert endpoint.witness()["calls"] == 0


async def test_vectors_that_are_paid_for_are_not_bought_again_when_the_ledger_goes_away(
    endpoint: Endpoint,
) -> None:
    away = True

    class FakeLedgerClient:
        async def request(self, called: Any, _: Any) -> Any:
            if called is BUDGET_OPEN:
                return Grant(attempt_id="a")
            if away:
                raise RetryLaterError("the ledger is away")
            return None

    model = ModelProvider(ModelSettings(name="priced-1", base_url=endpoint.url))
    embedder = EndpointEmbedder(
        model, FREE, BudgetClient(cast(RpcClient, FakeLedgerClient()), "memory", "priced-1")
    )
    with pytest.raises(RetryLaterError):
        await embedder.embed(["a text"])
    away = False
    (vector,) = await embedder.embed(["a text"])
    await model.close()
    assert np.linalg.norm(vector) == pytest.approx(1, abs=1e-5)
    assert endpoint.witness()["calls"] == 1


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
