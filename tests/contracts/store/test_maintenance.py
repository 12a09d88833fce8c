"""Every store as a whole: reopened, and used concurrently."""

from __future__ import annotations

import asyncio
import json

import pytest

from daydream_contracts.events import Decision
from daydream_contracts.rpc import ListDocuments, ListVerdicts
from daydream_memory.store import Store
from support.reopenable import Reopenable
from support.store_cases import (
    EXAMPLE,
    activate_all,
    add_active_facts,
    embed,
    facts,
    insight,
    record,
    verdict,
)


async def test_a_reopened_store_holds_everything(opened: Reopenable) -> None:
    store = opened.store
    await add_active_facts(store, "one", "two", "three")
    await store.documents.add(record("later"), facts("four", document="later"))
    new = insight("new", "id one", "id two")
    promoted = verdict("a", Decision.PROMOTED)
    await store.verdicts.add(promoted, embed("red green"), new)
    before = (
        await store.maintenance.counts(),
        [await store.facts.fact_at(at) for at in range(4)],
        await store.facts.find_nearest(embed("two"), 4),
        await store.documents.reports(ListDocuments(limit=10)),
    )
    store = await opened.reopen()
    after = (
        await store.maintenance.counts(),
        [await store.facts.fact_at(at) for at in range(4)],
        await store.facts.find_nearest(embed("two"), 4),
        await store.documents.reports(ListDocuments(limit=10)),
    )
    assert repr(after) == repr(before)
    assert await store.verdicts.page(ListVerdicts(promoted_only=True, limit=5, offset=0)) == (
        [promoted],
        1,
    )
    nearest = await store.verdicts.nearest_hypothesis(embed("red green"), "")
    assert nearest is not None
    assert nearest.similarity == pytest.approx(1.0, abs=1e-5)
    await activate_all(store)
    last = await store.facts.fact_at(4)
    assert last is not None
    assert last.fact.text == "four"


async def test_concurrent_reads_and_writes_keep_ordinals_dense(store: Store) -> None:
    async def document(number: int) -> None:
        name = f"doc{number}"
        await store.documents.add(
            record(name), facts(*(f"{name} {at}" for at in range(5)), document=name)
        )
        await store.facts.activate({f"id {name} {at}": embed(f"{name} {at}") for at in range(5)})
        assert len(await store.facts.find_nearest(embed(f"{name} 0"), 3)) == 3

    await asyncio.gather(*(document(number) for number in range(12)))
    stored_facts = [await store.facts.fact_at(ordinal) for ordinal in range(60)]
    assert len({stored.fact.fact_id for stored in stored_facts if stored}) == 60
    assert [stored.fact.ordinal for stored in stored_facts if stored] == list(range(60))


def test_the_example_of_these_tests_is_a_promoted_verdict() -> None:
    assert json.loads(EXAMPLE.read_text())["decision"] == "promoted"
