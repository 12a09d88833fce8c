"""Facts of every store: pending, active, labelled."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import numpy as np

from daydream_contracts.events import Decision, FactKind
from daydream_memory.domains import FACTS_MIN, Domains
from daydream_memory.store import NewFact, Store
from support.reopenable import Reopenable
from support.store_cases import (
    NOW,
    activate_all,
    add_active_facts,
    add_family,
    embed,
    facts,
    insight,
    record,
    verdict,
)


async def test_a_fact_that_was_read_is_pending_and_cannot_be_drawn(store: Store) -> None:
    await store.documents.add(record(), facts("one", "two"))
    counts = await store.maintenance.counts()
    assert (counts.facts, counts.facts_pending, counts.documents) == (0, 2, 1)
    assert await store.facts.fact_at(0) is None
    assert await store.facts.get(["id one"]) == []
    assert await store.facts.find_nearest(embed("one"), 5) == []


async def test_a_fact_with_a_vector_is_active_and_no_longer_pending(store: Store) -> None:
    await store.documents.add(record(), facts("one", "two"))
    assert await store.facts.activate({"id one": embed("one")}) == 1
    assert [fact.fact_id for fact in await store.facts.pending(10)] == ["id two"]
    stored = await store.facts.fact_at(0)
    assert stored is not None
    assert stored.fact.text == "one"
    np.testing.assert_array_equal(stored.vector, embed("one"))


async def test_ordinals_are_dense_in_the_order_in_which_facts_became_active(store: Store) -> None:
    await store.documents.add(record(), facts("one", "two", "three"))
    await store.facts.activate({"id three": embed("three")})
    await store.facts.activate({"id one": embed("one"), "id two": embed("two")})
    stored_facts = [await store.facts.fact_at(ordinal) for ordinal in range(4)]
    assert [stored.fact.text if stored else None for stored in stored_facts] == [
        "three",
        "one",
        "two",
        None,
    ]
    assert [stored.fact.ordinal for stored in stored_facts if stored] == [0, 1, 2]
    assert await store.facts.fact_at(-1) is None


async def test_reading_a_document_twice_stores_each_fact_once_with_its_ordinal(
    store: Store,
) -> None:
    await add_active_facts(store, "one", "two")
    await add_active_facts(store, "one", "two")
    counts = await store.maintenance.counts()
    assert (counts.facts, counts.facts_pending, counts.documents) == (2, 0, 1)


async def test_activating_a_fact_twice_changes_nothing(store: Store) -> None:
    await add_active_facts(store, "one")
    assert await store.facts.activate({"id one": embed("something else")}) == 0
    vectors = await store.facts.vectors(["id one"])
    np.testing.assert_array_equal(vectors["id one"], embed("one"))


async def test_the_same_text_in_another_document_is_the_same_fact(store: Store) -> None:
    await add_active_facts(store, "one", document="first")
    await add_active_facts(store, "one", "two", document="second")
    (fact,) = await store.facts.get(["id one"])
    assert fact.source == "/notes/first.md"
    assert (await store.maintenance.counts()).facts == 2


async def test_pending_facts_start_with_the_beginnings_of_all_documents(store: Store) -> None:
    await store.documents.add(record("a"), facts("a0", "a1", "a2", document="a"))
    await store.documents.add(record("b"), facts("b0", "b1", document="b"))
    assert [fact.text for fact in await store.facts.pending(10)] == ["a0", "b0", "a1", "b1", "a2"]
    assert [fact.text for fact in await store.facts.pending(2)] == ["a0", "b0"]


async def test_facts_are_returned_in_the_order_of_the_request_without_unknown_ones(
    store: Store,
) -> None:
    await add_active_facts(store, "one", "two", "three")
    assert [fact.text for fact in await store.facts.get(["id three", "nobody", "id one"])] == [
        "three",
        "one",
    ]
    assert await store.facts.get([]) == []


async def test_a_fact_keeps_all_its_fields(store: Store) -> None:
    new = NewFact("id", "text", "title", "source", "domain", FactKind.INSIGHT, 3, 0, "doc", ("p",))
    await store.documents.add(record(), [new])
    await activate_all(store)
    (fact,) = await store.facts.get(["id"])
    assert (fact.text, fact.title, fact.source, fact.domain, fact.kind, fact.depth) == (
        "text",
        "title",
        "source",
        "domain",
        FactKind.INSIGHT,
        3,
    )


async def test_only_active_facts_have_vectors(store: Store) -> None:
    await add_active_facts(store, "one")
    await store.documents.add(record("other"), facts("two", document="other"))
    assert set(await store.facts.vectors(["id one", "id two", "nobody"])) == {"id one"}


async def test_a_vector_of_an_unknown_fact_is_ignored(store: Store) -> None:
    await add_active_facts(store, "one")
    assert await store.facts.activate({"nobody": embed("nobody")}) == 0
    assert (await store.maintenance.counts()).facts == 1
    assert await store.facts.fact_at(1) is None


async def test_teams_and_clearances_are_stored_counted_and_returned(store: Store) -> None:
    labels = {
        "one": ("chem", ""),
        "two": ("chem", "secret"),
        "three": ("", ""),
        "four": ("bio", "secret"),
    }
    await store.documents.add(
        record(),
        [
            replace(fact, team=labels[fact.text][0], clearance=labels[fact.text][1])
            for fact in facts(*labels)
        ],
    )
    assert (
        (await store.maintenance.counts()).teams,
        (await store.maintenance.counts()).clearances,
    ) == ({}, {"secret": 2})
    await activate_all(store)
    counts = await store.maintenance.counts()
    assert (counts.teams, counts.clearances) == ({"chem": 2, "bio": 1}, {"secret": 2})
    assert [
        (fact.team, fact.clearance)
        for fact in await store.facts.get([f"id {text}" for text in labels])
    ] == list(labels.values())
    neighbours = await store.facts.neighbours(0, 10, [])
    assert neighbours is not None
    assert {(neighbour.team, neighbour.clearance) for neighbour in neighbours} == set(
        labels.values()
    )


async def test_facts_without_a_domain_get_one_and_new_facts_follow(
    opened: Reopenable,
) -> None:
    topics = {"chem": "acid base salt", "bird": "wing nest song"}
    for topic, words in topics.items():
        texts = [f"{words} {words} number {number} of {topic}" for number in range(FACTS_MIN // 2)]
        await opened.store.documents.add(record(topic), facts(*texts, document=topic))
    await opened.store.documents.add(
        record("given"), facts("acid base salt by itself", document="given", domain="mine")
    )
    await activate_all(opened.store)
    domains = Domains(opened.store)
    while await domains.step():
        pass
    store = await opened.reopen()
    assert not await Domains(store).step(), "what is done is kept"
    stored_facts = [
        await store.facts.fact_at(ordinal)
        for ordinal in range((await store.maintenance.counts()).facts)
    ]
    domains_of_topic = {
        topic: {
            stored.fact.domain
            for stored in stored_facts
            if stored and stored.fact.text.endswith(topic)
        }
        for topic in topics
    }
    assert all(name.startswith("~") for names in domains_of_topic.values() for name in names)
    assert not domains_of_topic["chem"] & domains_of_topic["bird"]
    assert [
        stored.fact.domain
        for stored in stored_facts
        if stored and stored.fact.text.endswith("itself")
    ] == ["mine"]
    await add_active_facts(store, "acid base salt once more", document="later")
    while await Domains(store).step():
        pass
    (later,) = await store.facts.get(["id acid base salt once more"])
    assert later.domain in domains_of_topic["chem"]


async def test_a_closed_question_is_no_longer_listed(store: Store) -> None:
    await store.documents.add(
        record("q", "question: why?"),
        [NewFact("id q", "why?", kind=FactKind.QUESTION, document_id="q")],
    )
    await activate_all(store)
    assert await store.facts.questions(10) == [0]
    await store.documents.remove("question: why?", NOW + timedelta(hours=1))
    assert await store.facts.questions(10) == []


async def test_neighbours_say_which_are_related_and_which_are_hidden(store: Store) -> None:
    await add_family(store)
    await store.visibility.retract(["id three"], NOW)
    neighbours = await store.facts.neighbours(1, 10, [2])
    assert neighbours is not None
    assert [
        (neighbour.ordinal, neighbour.hidden, neighbour.related)
        for neighbour in sorted(neighbours, key=lambda neighbour: neighbour.ordinal)
    ] == [
        (0, False, False),
        (1, False, False),
        (2, True, False),
        (3, False, True),
        (4, False, True),
    ]


async def test_ancestors_are_returned_nearest_first_and_each_once(
    store: Store,
) -> None:
    await add_active_facts(store, "one", "two", "three")
    for name, parents in (
        ("low", ("id one", "id two")),
        ("high", ("insight low", "id one")),
        ("top", ("insight high", "id three")),
    ):
        new = insight(name, *parents)
        await store.verdicts.add(verdict(name, Decision.PROMOTED), new[1], new)
    ids = [fact.fact_id for fact in await store.facts.ancestors("insight top")]
    assert ids[:2] == ["insight high", "id three"]
    assert sorted(ids) == sorted(["insight high", "id three", "insight low", "id one", "id two"])


async def test_facts_from_documents_and_unknown_facts_have_no_ancestors(store: Store) -> None:
    await add_active_facts(store, "one")
    assert await store.facts.ancestors("id one") == []
    assert await store.facts.ancestors("nobody") == []
