"""A change of the embedding model in every store."""

from __future__ import annotations

import numpy as np
import pytest

from support.reopenable import Reopenable
from support.store_cases import (
    MODEL,
    add_active_facts,
    embed,
    embed_otherwise,
    verdict,
)


async def test_another_embedding_model_takes_over_when_all_texts_have_its_vectors(
    opened: Reopenable,
) -> None:
    await add_active_facts(opened.store, "one", "two", "three")
    await opened.store.verdicts.add(verdict("a"), embed("hypothesis a"), None)
    store = await opened.reopen("another")
    assert (store.migration.embedding_model, store.migration.next_model) == (MODEL, "another")
    assert {text.text for text in await store.migration.stale(2)} == {"one", "two"}
    await store.migration.add_vectors(
        [(text, embed_otherwise(text.text)) for text in await store.migration.stale(2)]
    )
    assert [
        (fact.text, round(cosine, 4))
        for fact, cosine in await store.facts.find_nearest(embed("one"), 1)
    ] == [("one", 1.0)], "all goes on as before"
    await add_active_facts(store, "four", document="later")
    store = await opened.reopen("another")  # a restart loses nothing
    assert [(text.kind, text.text) for text in await store.migration.stale(9)] == [
        ("fact", "three"),
        ("fact", "four"),
        ("hypothesis", "hypothesis a"),
    ]
    await store.migration.add_vectors(
        [(text, embed_otherwise(text.text)) for text in await store.migration.stale(9)]
    )
    assert await store.migration.stale(9) == []
    await store.migration.switch()
    for reopen in (False, True):
        again = await opened.reopen("another") if reopen else store
        assert (
            again.migration.embedding_model,
            again.migration.next_model,
            await again.migration.stale(9),
        ) == (
            "another",
            "",
            [],
        )
        assert [
            (fact.text, round(cosine, 4))
            for fact, cosine in await again.facts.find_nearest(embed_otherwise("four"), 1)
        ] == [("four", 1.0)]
        stored = await again.facts.fact_at(0)
        assert stored is not None
        np.testing.assert_array_equal(stored.vector, embed_otherwise("one"))
        nearest = await again.verdicts.nearest_hypothesis(embed_otherwise("hypothesis a"), "")
        assert nearest is not None
        assert nearest.similarity == pytest.approx(1.0, abs=1e-5)
        assert not await again.migration.outdated()


async def test_a_migration_that_is_undone_leaves_nothing(opened: Reopenable) -> None:
    await add_active_facts(opened.store, "one", "two")
    store = await opened.reopen("another")
    await store.migration.add_vectors(
        [(text, embed_otherwise(text.text)) for text in await store.migration.stale(1)]
    )
    store = await opened.reopen()
    assert (store.migration.embedding_model, store.migration.next_model) == (MODEL, "")
    store = await opened.reopen("a third")
    assert len(await store.migration.stale(9)) == 2


async def test_an_erased_fact_has_no_vector_of_the_next_model(opened: Reopenable) -> None:
    await add_active_facts(opened.store, "one", "two")
    store = await opened.reopen("another")
    stale = await store.migration.stale(9)
    await store.migration.add_vectors([(stale[0], embed_otherwise("one"))])
    await store.erasure.erase([], ["id one"], derived=False, note="erased by ada")
    await store.migration.add_vectors(
        [(text, embed_otherwise(text.text)) for text in stale]
    )  # of which one was in progress
    assert await store.migration.stale(9) == []
    await store.migration.switch()
    assert not np.asarray((await store.facts.vectors(["id one"])).get("id one", np.zeros(1))).any()
    assert [fact.text for fact, _ in await store.facts.find_nearest(embed_otherwise("two"), 5)] == [
        "two"
    ]
