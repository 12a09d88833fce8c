"""The store in Weaviate under failures, and what it sends, on a fake server."""

from __future__ import annotations

import asyncio
import copy
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import nats.errors
import numpy as np
import pytest
from nats.aio.client import Client
from nats.js.api import KeyValueConfig
from nats.js.kv import KeyValue
from weaviate.proto.v1 import base_pb2

import daydream_memory.weaviate.verdicts as verdicts_module
from daydream_contracts.errors import ConfigurationError, RetryLaterError, TransientError
from daydream_contracts.events import Decision, FactKind, VerdictReached
from daydream_contracts.rpc import ListVerdicts
from daydream_memory.ingest import Ingester
from daydream_memory.settings import WeaviateSettings
from daydream_memory.store import DocumentRecord, NewFact, PendingFact, Store, Vector
from daydream_memory.weaviate import open_weaviate_store
from daydream_memory.weaviate.write_lock import WriteLockState
from support.fake_weaviate import FakeWeaviate, fake_weaviate

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
EXAMPLE = Path(__file__).parent.parent / "contracts" / "messages" / "VerdictReached.v1.json"
KEY = "write-lock.Daydream.lab"


@dataclass
class Server:
    """A fake server, the bucket beside it, and how stores are opened on them."""

    fake: FakeWeaviate
    settings: WeaviateSettings
    bucket: KeyValue

    async def open(self) -> Store:
        return await open_weaviate_store(self.settings, self.bucket, "model")

    def facts(self) -> list[dict[str, Any]]:
        return [row.properties for row in self.fake.objects["DaydreamFact", "lab"].values()]


@pytest.fixture
async def weaviate(nc: Client) -> AsyncIterator[Server]:
    bucket = await nc.jetstream().create_key_value(KeyValueConfig(bucket="memory"))
    async with fake_weaviate() as (fake, settings):
        yield Server(fake, settings, bucket)


def vector(seed: int) -> Vector:
    numbers = np.random.default_rng(seed).standard_normal(8).astype(np.float32)
    return np.asarray(numbers / np.linalg.norm(numbers), np.float32)


def facts(*texts: str, document: str = "doc") -> list[NewFact]:
    return [
        NewFact(
            f"id {text}", text, document_id=document, position=position, source=f"/{document}.md"
        )
        for position, text in enumerate(texts)
    ]


def record(document: str = "doc", hours: int = 0, source: str = "") -> DocumentRecord:
    at = NOW + timedelta(hours=hours)
    return DocumentRecord(document, source or f"/{document}.md", "read", "", at, at)


def verdict(name: str, *parents: str) -> tuple[VerdictReached, Vector, tuple[NewFact, Vector]]:
    example = VerdictReached.model_validate_json(EXAMPLE.read_text())
    pair = example.hypothesis.pair
    first, second = (
        fact.model_copy(update={"fact_id": key})
        for fact, key in zip((pair.first, pair.second), parents, strict=True)
    )
    proposed = example.hypothesis.model_copy(
        update={
            "pair": pair.model_copy(update={"first": first, "second": second}),
            "hypothesis_id": f"h {name}",
        }
    )
    reached = example.model_copy(
        update={
            "verdict_id": f"v {name}",
            "hypothesis": proposed,
            "decision": Decision.PROMOTED,
            "nearest": None,
        }
    )
    insight = NewFact(
        f"insight {name}",
        f"about {name}",
        source=f"daydream v {name}",
        kind=FactKind.INSIGHT,
        depth=1,
        parents=parents,
    )
    return reached, vector(5), (insight, vector(6))


async def draw_all(store: Store) -> None:
    while batch := await store.facts.pending(16):
        await store.facts.activate({fact.fact_id: vector(len(fact.text)) for fact in batch})


async def open_filled(weaviate: Server) -> Store:
    """Two documents that share a fact, a third one that waits, an insight with a verdict."""
    store = await weaviate.open()
    await store.documents.add(record("one"), facts("a", "bb", document="one"))
    await store.documents.add(record("two"), facts("bb", "ccc", document="two"))
    await draw_all(store)
    await store.verdicts.add(*verdict("old", "id a", "id ccc"))
    await store.documents.add(record("three"), facts("dddd", "eeeee", document="three"))
    return store


Change = Callable[[Store], Awaitable[object]]
CHANGES: dict[str, Change] = {
    "a document": lambda store: store.documents.add(
        record("four"), facts("a", "new", document="four")
    ),
    "an edit": lambda store: store.documents.add(
        record("edited", 1, "/one.md"),
        [replace(fact, source="/one.md") for fact in facts("bb", "new")],
    ),
    "a removal": lambda store: store.documents.remove("/one.md", NOW + timedelta(hours=1)),
    "vectors": lambda store: store.facts.activate({"id eeeee": vector(1), "id dddd": vector(2)}),
    "a verdict": lambda store: store.verdicts.add(*verdict("new", "id a", "id bb")),
    "a retraction": lambda store: store.visibility.retract(["id a"], NOW),
    "a reinstatement": lambda store: store.visibility.reinstate(["id bb"], NOW),
    "an erasure": lambda store: store.erasure.erase(
        ["/one.md"], [], derived=False, note="erased by ada"
    ),
    "an erasure with all that came of it": lambda store: store.erasure.erase(
        ["/one.md"], ["id ccc"], derived=True, note="erased by ada"
    ),
}


def state(weaviate: Server) -> Any:
    """Everything but the times of writing."""
    kept = copy.deepcopy(weaviate.fake.objects)
    for objects in kept.values():
        for row in objects.values():
            row.properties.pop("added_at", None)
    return {key: objects for key, objects in kept.items() if objects}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
@pytest.mark.fault(
    "F22 F23", invariant="a change that was cut off anywhere is completed when it is repeated"
)
async def test_a_change_that_was_cut_off_anywhere_is_completed_when_repeated(
    weaviate: Server, change: Change
) -> None:
    store = await open_filled(weaviate)
    await store.visibility.retract(["id bb"], NOW)
    before, lock = (
        copy.deepcopy(weaviate.fake.objects),
        (await weaviate.bucket.get(KEY)).value or b"",
    )
    await change(store)
    wanted, writes = state(weaviate), 0
    assert wanted != {key: objects for key, objects in before.items() if objects}
    for cut in range(1, 100):
        weaviate.fake.objects = copy.deepcopy(before)
        await weaviate.bucket.put(KEY, lock)
        weaviate.fake.writes, weaviate.fake.refuse = 0, cut.__eq__
        try:
            await change(store)
        except (TransientError, RetryLaterError):
            writes = cut
        weaviate.fake.refuse = lambda _: False
        await change(store)
        assert state(weaviate) == wanted, f"cut off at write {cut}"
        if writes < cut:
            break
    assert writes >= 1
    await store.close()


async def test_replicas_assign_dense_ordinals_together(weaviate: Server) -> None:
    stores = [await weaviate.open() for _ in range(3)]

    async def replica(number: int) -> None:
        for at in range(4):
            name = f"doc{number}{at}"
            await stores[number].documents.add(
                record(name), facts(f"{name} x", f"{name} y", "shared", document=name)
            )
            await stores[number].facts.activate(
                {
                    f"id {name} x": vector(at),
                    f"id {name} y": vector(at + 9),
                    "id shared": vector(99),
                }
            )

    await asyncio.gather(*(replica(number) for number in range(3)))
    assert sorted(fact["ordinal"] for fact in weaviate.facts()) == list(range(25))
    assert all(fact["shown"] for fact in weaviate.facts())
    assert {(await store.maintenance.counts()).facts for store in stores} == {25}
    for store in stores:
        await store.close()


async def test_one_replica_embeds_and_another_takes_over_when_it_leaves(weaviate: Server) -> None:
    first, second = await weaviate.open(), await weaviate.open()
    await first.documents.add(record(), facts("one", "two"))
    assert [len(await store.facts.pending(10)) for store in (first, second)] == [2, 0]
    await first.close()
    assert len(await second.facts.pending(10)) == 2
    await second.close()


async def test_ordinals_continue_when_the_bucket_is_lost_and_an_older_copy_is_refused(
    weaviate: Server,
) -> None:
    store = await open_filled(weaviate)
    await store.close()
    await weaviate.bucket.delete(KEY)
    store = await weaviate.open()
    await draw_all(store)
    assert sorted(fact["ordinal"] for fact in weaviate.facts()) == list(range(6))
    await store.close()
    weaviate.fake.objects["DaydreamFact", "lab"].popitem()
    with pytest.raises(ConfigurationError, match="older copy"):
        await weaviate.open()


async def test_a_collection_has_tenants_or_has_none(weaviate: Server) -> None:
    await (await weaviate.open()).close()
    for tenant, fix in (("", "is shared by tenants"), ("other", "")):
        settings = weaviate.settings.model_copy(update={"tenant": tenant})
        if fix:
            with pytest.raises(ConfigurationError, match=fix):
                await open_weaviate_store(settings, weaviate.bucket, "model")
        else:
            await (await open_weaviate_store(settings, weaviate.bucket, "model")).close()


async def test_requests_name_the_tenant_the_consistency_and_only_active_facts(
    weaviate: Server,
) -> None:
    weaviate.settings = weaviate.settings.model_copy(update={"consistency": "ALL"})
    store = await open_filled(weaviate)
    weaviate.fake.requests.clear()
    await store.facts.find_nearest(vector(1), 3, exclude=frozenset({"id a"}))
    (search,) = weaviate.fake.requests
    assert (search.collection, search.tenant, search.limit) == ("DaydreamFact", "lab", 4)
    assert search.consistency_level == base_pb2.CONSISTENCY_LEVEL_ALL
    assert (search.filters.target.property, search.filters.value_boolean) == ("shown", True)
    weaviate.fake.requests.clear()
    await store.visibility.retract(["id a"], NOW)
    patches = [sent for sent in weaviate.fake.requests if isinstance(sent, tuple)]
    assert patches
    assert {query.get("consistency_level") for _, _, query in patches} == {"ALL"}
    assert {body["tenant"] for _, body, _ in patches} == {"lab"}
    await store.close()


async def test_a_collection_of_an_older_version_gets_the_properties_that_it_lacks(
    weaviate: Server,
) -> None:
    await (await weaviate.open()).close()
    properties = weaviate.fake.classes["DaydreamFact"]["properties"]
    properties[:] = [defined for defined in properties if defined["name"] != "licence"]
    store = await weaviate.open()
    assert "licence" in {
        defined["name"] for defined in weaviate.fake.classes["DaydreamFact"]["properties"]
    }
    await store.close()


async def test_verdicts_beyond_the_servers_last_page_are_found(
    weaviate: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = await open_filled(weaviate)
    for number in range(7):
        await store.verdicts.add(*verdict(f"{number}", "id a", "id bb")[:2], None)
    monkeypatch.setattr(verdicts_module, "PAGE", 3)
    for offset in range(10):
        page, total = await store.verdicts.page(ListVerdicts(limit=2, offset=offset))
        assert total == 8
        assert [listed.verdict_id for listed in page] == [
            *(f"v {number}" for number in reversed(range(7))),
            "v old",
        ][offset : offset + 2]
    await store.close()


@pytest.mark.fault("F22", invariant="work waits while the server is away")
async def test_everything_waits_while_the_server_is_unavailable(nc: Client) -> None:
    bucket = await nc.jetstream().create_key_value(KeyValueConfig(bucket="memory"))
    async with fake_weaviate() as (_, settings):
        store = await open_weaviate_store(
            settings.model_copy(update={"timeout_s": 0.2}), bucket, "model"
        )
    for change in (
        lambda: store.facts.find_nearest(vector(1), 3),
        lambda: store.documents.add(record(), facts("one")),
        store.maintenance.counts,
        lambda: store.visibility.retract(["id one"], NOW),
    ):
        with pytest.raises(RetryLaterError, match="Weaviate is unavailable"):
            await change()
    assert WriteLockState.model_validate_json((await bucket.get(KEY)).value or b"").holder == "", (
        "the write lock is free"
    )
    await store.close()
    with pytest.raises(
        RetryLaterError, match="Weaviate is unavailable"
    ):  # what is in progress at a stop is returned to its stream
        await store.facts.find_nearest(vector(1), 3)


async def test_embedding_continues_when_the_store_is_back(
    weaviate: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    class FakeIdleEmbedder:
        model = "model"

        async def embed(self, texts: Sequence[str]) -> list[Vector]:
            return [vector(len(text)) for text in texts]

    store, stopping, paused = await weaviate.open(), asyncio.Event(), list[float]()
    await store.documents.add(record(), facts("one", "two", "three"))
    errors = [
        RetryLaterError("away"),
        TransientError("refused"),
        TimeoutError(),
        nats.errors.NoServersError(),
    ]
    pending = store.facts.pending

    async def away(limit: int) -> list[PendingFact]:
        if errors:
            raise errors.pop()
        return await pending(limit)

    async def pause(seconds: float) -> None:
        paused.append(seconds)
        if not errors and (await store.maintenance.counts()).facts == 3:
            stopping.set()

    monkeypatch.setattr(store.facts, "pending", away)
    ingester = Ingester(store, FakeIdleEmbedder(), None, None, None, 900)  # type: ignore[arg-type]
    await ingester.embed_forever(pause, stopping)
    assert len(paused) == 5
    await store.close()
