"""The map of the memory: facts on their two first principal components."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from daydream_contracts.rpc import MapMemory
from daydream_memory.memory_map import MapMaker, plane_of
from daydream_memory.sqlite import open_sqlite_store
from daydream_memory.store import Store
from support.store_cases import MODEL, NOW, add_active_facts

TOPICS = ("river delta sand", "stock price market")


@pytest.fixture
async def store(tmp_path: Path) -> Store:
    return open_sqlite_store(tmp_path, MODEL)


async def test_facts_of_one_topic_lie_together(store: Store) -> None:
    texts = [f"{topic} word{number}" for topic in TOPICS for number in range(10)]
    await add_active_facts(store, *texts)
    drawn = await MapMaker(store, MODEL).place(MapMemory(fact_ids=(f"id {texts[0]}", "unknown")))
    assert (len(drawn.sample), drawn.facts) == (20, 20)
    sides = {point.fact_id: np.sign(point.x) for point in drawn.sample}
    assert len({sides[f"id {text}"] for text in texts[:10]}) == 1
    assert sides[f"id {texts[0]}"] == -sides[f"id {texts[10]}"]
    assert [point.fact_id for point in drawn.named] == [f"id {texts[0]}"]
    assert 0 < drawn.explained < 1
    await store.close()


async def test_the_plane_is_stored_until_the_memory_has_grown(store: Store) -> None:
    await add_active_facts(store, *(f"fact number{number}" for number in range(20)))
    maps = MapMaker(store, MODEL)
    first = await maps.place(MapMemory())
    await add_active_facts(store, "another fact", document="later")
    assert (await maps.place(MapMemory())).sample == first.sample
    await add_active_facts(store, "a third one", "and a fourth", document="latest")
    grown = await maps.place(MapMemory(sample=5))
    assert (len(grown.sample), grown.facts) == (5, 23)
    await store.close()


async def test_hidden_facts_are_in_no_sample_and_few_facts_make_no_map(store: Store) -> None:
    assert await plane_is_none(store)
    await add_active_facts(store, "one", "two", "three", "four")
    await store.visibility.retract(["id two"], NOW)
    drawn = await MapMaker(store, MODEL).place(MapMemory())
    assert {point.fact_id for point in drawn.sample} == {"id one", "id three", "id four"}
    await store.close()


async def plane_is_none(store: Store) -> bool:
    return plane_of([]) is None and (await MapMaker(store, MODEL).place(MapMemory())).sample == ()
