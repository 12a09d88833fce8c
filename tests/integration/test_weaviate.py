"""What the store in Weaviate does when things go wrong, and what it says on the wire. The double speaks the server's protocols."""

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
from support.vector_double import Double, weaviate_double

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
EXAMPLE = Path(__file__).parent.parent / "contracts" / "messages" / "VerdictReached.v1.json"
KEY = "write-lock.Daydream.lab"


@dataclass
class Place:
    """A double, the bucket beside it, and how stores are opened on them."""

    double: Double
    settings: WeaviateSettings
    bucket: KeyValue

    async def open(self) -> Store:
        return await open_weaviate_store(self.settings, self.bucket, "model")

    def facts(self) -> list[dict[str, Any]]:
        return [properties for properties, _ in self.double.objects["DaydreamFact", "lab"].values()]


@pytest.fixture
async def place(nc: Client) -> AsyncIterator[Place]:
    bucket = await nc.jetstream().create_key_value(KeyValueConfig(bucket="memory"))
    async with weaviate_double() as (double, settings):
        yield Place(double, settings, bucket)


def vector(seed: int) -> Vector:
    found = np.random.default_rng(seed).standard_normal(8).astype(np.float32)
    return np.asarray(found / np.linalg.norm(found), np.float32)


def facts(*texts: str, document: str = "doc") -> list[NewFact]:
    return [
        NewFact(f"id {text}", text, document_id=document, place=place, source=f"/{document}.md")
        for place, text in enumerate(texts)
    ]


def record(document: str = "doc", hours: int = 0, source: str = "") -> DocumentRecord:
    at = NOW + timedelta(hours=hours)
    return DocumentRecord(document, source or f"/{document}.md", "read", "", at, at)


def verdict(name: str, *parents: str) -> tuple[VerdictReached, Vector, tuple[NewFact, Vector]]:
    example = VerdictReached.model_validate_json(EXAMPLE.read_text())
    pair = example.hypothesis.pair
    first, second = (
        one.model_copy(update={"fact_id": key})
        for one, key in zip((pair.first, pair.second), parents, strict=True)
    )
    proposed = example.hypothesis.model_copy(
        update={
            "pair": pair.model_copy(update={"first": first, "second": second}),
            "hypothesis_id": f"h {name}",
        }
    )
    found = example.model_copy(
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
    return found, vector(5), (insight, vector(6))


async def draw_all(store: Store) -> None:
    while batch := await store.facts.pending(16):
        await store.facts.activate({fact.fact_id: vector(len(fact.text)) for fact in batch})


async def known(place: Place) -> Store:
    """Two documents that share a fact, a third one that waits, an insight with a verdict."""
    store = await place.open()
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
    "a withdrawal": lambda store: store.visibility.withdraw(["id a"], NOW),
    "a restoration": lambda store: store.visibility.reinstate(["id bb"], NOW),
    "an erasure": lambda store: store.erasure.erase(
        ["/one.md"], [], derived=False, note="erased by ada"
    ),
    "an erasure with all that came of it": lambda store: store.erasure.erase(
        ["/one.md"], ["id ccc"], derived=True, note="erased by ada"
    ),
}


def state(place: Place) -> Any:
    """Everything but the times of writing."""
    kept = copy.deepcopy(place.double.objects)
    for objects in kept.values():
        for properties, _ in objects.values():
            properties.pop("added_at", None)
    return {key: objects for key, objects in kept.items() if objects}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
async def test_a_change_that_was_cut_off_anywhere_is_completed_when_it_comes_again(
    place: Place, change: Change
) -> None:
    store = await known(place)
    await store.visibility.withdraw(["id bb"], NOW)
    before, turn = copy.deepcopy(place.double.objects), (await place.bucket.get(KEY)).value or b""
    await change(store)
    wanted, writes = state(place), 0
    assert wanted != {key: objects for key, objects in before.items() if objects}
    for cut in range(1, 100):
        place.double.objects = copy.deepcopy(before)
        await place.bucket.put(KEY, turn)
        place.double.writes, place.double.refuse = 0, lambda write, cut=cut: write == cut
        try:
            await change(store)
        except (TransientError, RetryLaterError):
            writes = cut
        place.double.refuse = lambda _: False
        await change(store)
        assert state(place) == wanted, f"cut off at write {cut}"
        if writes < cut:
            break
    assert writes >= 1
    await store.close()


async def test_replicas_give_dense_ordinals_together(place: Place) -> None:
    stores = [await place.open() for _ in range(3)]

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
    assert sorted(fact["ordinal"] for fact in place.facts()) == list(range(25))
    assert all(fact["shown"] for fact in place.facts())
    assert {(await store.maintenance.counts()).facts for store in stores} == {25}
    for store in stores:
        await store.close()


async def test_one_replica_embeds_and_another_takes_over_when_it_leaves(place: Place) -> None:
    first, second = await place.open(), await place.open()
    await first.documents.add(record(), facts("one", "two"))
    assert [len(await store.facts.pending(10)) for store in (first, second)] == [2, 0]
    await first.close()
    assert len(await second.facts.pending(10)) == 2
    await second.close()


async def test_ordinals_go_on_when_the_bucket_is_lost_and_an_older_copy_is_refused(
    place: Place,
) -> None:
    store = await known(place)
    await store.close()
    await place.bucket.delete(KEY)
    store = await place.open()
    await draw_all(store)
    assert sorted(fact["ordinal"] for fact in place.facts()) == list(range(6))
    await store.close()
    place.double.objects["DaydreamFact", "lab"].popitem()
    with pytest.raises(ConfigurationError, match="older copy"):
        await place.open()


async def test_collections_with_and_without_tenants_are_not_mixed_up(place: Place) -> None:
    await (await place.open()).close()
    for tenant, fix in (("", "is shared by tenants"), ("other", "")):
        settings = place.settings.model_copy(update={"tenant": tenant})
        if fix:
            with pytest.raises(ConfigurationError, match=fix):
                await open_weaviate_store(settings, place.bucket, "model")
        else:
            await (await open_weaviate_store(settings, place.bucket, "model")).close()


async def test_what_is_asked_names_the_tenant_the_consistency_and_only_what_can_be_found(
    place: Place,
) -> None:
    place.settings = place.settings.model_copy(update={"consistency": "ALL"})
    store = await known(place)
    place.double.requests.clear()
    await store.facts.find_nearest(vector(1), 3, exclude=frozenset({"id a"}))
    (asked,) = place.double.requests
    assert (asked.collection, asked.tenant, asked.limit) == ("DaydreamFact", "lab", 4)
    assert asked.consistency_level == base_pb2.CONSISTENCY_LEVEL_ALL
    assert (asked.filters.target.property, asked.filters.value_boolean) == ("shown", True)
    place.double.requests.clear()
    await store.visibility.withdraw(["id a"], NOW)
    patches = [one for one in place.double.requests if isinstance(one, tuple)]
    assert patches
    assert {query.get("consistency_level") for _, _, query in patches} == {"ALL"}
    assert {body["tenant"] for _, body, _ in patches} == {"lab"}
    await store.close()


async def test_a_collection_of_an_older_version_gets_what_it_lacks(place: Place) -> None:
    await (await place.open()).close()
    properties = place.double.classes["DaydreamFact"]["properties"]
    properties[:] = [one for one in properties if one["name"] != "licence"]
    store = await place.open()
    assert "licence" in {one["name"] for one in place.double.classes["DaydreamFact"]["properties"]}
    await store.close()


async def test_verdicts_beyond_what_the_server_pages_are_found(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = await known(place)
    for number in range(7):
        await store.verdicts.add(*verdict(f"{number}", "id a", "id bb")[:2], None)
    monkeypatch.setattr(verdicts_module, "PAGE", 3)
    for offset in range(10):
        page, total = await store.verdicts.page(ListVerdicts(limit=2, offset=offset))
        assert total == 8
        assert [one.verdict_id for one in page] == [
            *(f"v {number}" for number in reversed(range(7))),
            "v old",
        ][offset : offset + 2]
    await store.close()


async def test_while_the_server_is_away_everything_waits(nc: Client) -> None:
    bucket = await nc.jetstream().create_key_value(KeyValueConfig(bucket="memory"))
    async with weaviate_double() as (_, settings):
        store = await open_weaviate_store(
            settings.model_copy(update={"timeout_s": 0.2}), bucket, "model"
        )
    for change in (
        lambda: store.facts.find_nearest(vector(1), 3),
        lambda: store.documents.add(record(), facts("one")),
        store.maintenance.counts,
        lambda: store.visibility.withdraw(["id one"], NOW),
    ):
        with pytest.raises(RetryLaterError, match="Weaviate is unavailable"):
            await change()
    assert WriteLockState.model_validate_json((await bucket.get(KEY)).value or b"").holder == "", (
        "the turn is handed on"
    )
    await store.close()
    with pytest.raises(
        RetryLaterError, match="Weaviate is unavailable"
    ):  # what is in hand when the service stops goes back to its stream
        await store.facts.find_nearest(vector(1), 3)


async def test_embedding_goes_on_when_the_store_is_back(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Embedder:
        model = "model"

        async def embed(self, texts: Sequence[str]) -> list[Vector]:
            return [vector(len(text)) for text in texts]

    store, stopping, paused = await place.open(), asyncio.Event(), list[float]()
    await store.documents.add(record(), facts("one", "two", "three"))
    troubles = [
        RetryLaterError("away"),
        TransientError("refused"),
        TimeoutError(),
        nats.errors.NoServersError(),
    ]
    pending = store.facts.pending

    async def away(limit: int) -> list[PendingFact]:
        if troubles:
            raise troubles.pop()
        return await pending(limit)

    async def pause(seconds: float) -> None:
        paused.append(seconds)
        if not troubles and (await store.maintenance.counts()).facts == 3:
            stopping.set()

    monkeypatch.setattr(store.facts, "pending", away)
    await Ingester(store, Embedder(), None, 900).embed_forever(pause, stopping)  # type: ignore[arg-type]
    assert len(paused) == 5
    await store.close()
