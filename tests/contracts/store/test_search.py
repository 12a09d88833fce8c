"""Search in every store: nearest facts and hypotheses."""

from __future__ import annotations

import numpy as np
import pytest

from daydream_contracts.events import Decision, VerdictReached
from daydream_memory.store import Store
from support.store_cases import (
    NOW,
    add_active_facts,
    embed,
    verdict,
)


async def test_the_nearest_facts_come_first_up_to_the_limit(store: Store) -> None:
    await add_active_facts(store, "red green blue", "red green", "salt pepper", "red")
    matches = await store.facts.find_nearest(embed("red green blue"), 2)
    assert [fact.text for fact, _ in matches] == ["red green blue", "red green"]
    assert matches[0][1] == pytest.approx(1.0, abs=1e-5)
    assert matches[0][1] > matches[1][1]


async def test_an_excluded_fact_makes_room_for_the_next(store: Store) -> None:
    await add_active_facts(store, "red green blue", "red green", "salt pepper")
    matches = await store.facts.find_nearest(
        embed("red green blue"), 1, exclude=frozenset({"id red green blue"})
    )
    assert [fact.text for fact, _ in matches] == ["red green"]


async def test_a_limit_above_the_number_of_facts_returns_all(store: Store) -> None:
    await add_active_facts(store, "one", "two")
    assert len(await store.facts.find_nearest(embed("one"), 50)) == 2


async def test_random_similarity_is_the_median_cosine_of_pairs(store: Store) -> None:
    assert await store.facts.random_similarity() == (0.0, 1.0)
    await add_active_facts(store, *[f"word{number} shared" for number in range(40)])
    vectors = list(
        (await store.facts.vectors([f"id word{number} shared" for number in range(40)])).values()
    )
    cosines = [
        float(vector @ earlier) for row, vector in enumerate(vectors) for earlier in vectors[:row]
    ]
    assert (await store.facts.random_similarity())[0] == pytest.approx(
        float(np.median(cosines)), abs=0.05
    )


async def test_random_similarity_follows_a_growing_memory(store: Store) -> None:
    await add_active_facts(store, "same words here", "same words here too")
    early = (await store.facts.random_similarity())[0]
    await add_active_facts(
        store, *[f"quite{number} other{number}" for number in range(60)], document="other"
    )
    assert (await store.facts.random_similarity())[0] < early


async def test_the_nearest_earlier_hypothesis_is_never_the_own_one(store: Store) -> None:
    await store.verdicts.add(verdict("a", hypothesis="red green"), embed("red green"), None)
    await store.verdicts.add(verdict("b", hypothesis="salt pepper"), embed("salt pepper"), None)
    nearest = await store.verdicts.nearest_hypothesis(embed("red green"), "hypothesis b")
    assert nearest is not None
    assert (nearest.kind, nearest.id, nearest.text) == ("hypothesis", "hypothesis a", "red green")
    assert nearest.similarity == pytest.approx(1.0, abs=1e-5)
    other = await store.verdicts.nearest_hypothesis(embed("red green"), "hypothesis a")
    assert other is not None
    assert other.id == "hypothesis b"


async def test_the_verdicts_of_a_request_are_ranked_and_no_others(store: Store) -> None:
    texts = {"a": "red green", "b": "red blue", "c": "salt pepper", "d": "red green"}
    for name, text in texts.items():
        await store.verdicts.add(verdict(name, hypothesis=text), embed(text), None)
    await store.verdicts.add(verdict("e", Decision.ABSTAINED), None, None)
    names = [f"verdict {name}" for name in ("c", "b", "a", "e", "unknown")]
    ranked = await store.verdicts.ranked(embed("red green"), names, 10)
    assert [name for name, _ in ranked][:2] == ["verdict a", "verdict b"]
    assert {name for name, _ in ranked} == {"verdict a", "verdict b", "verdict c"}
    assert ranked[0][1] == pytest.approx(1.0, abs=1e-5)
    assert [name for name, _ in await store.verdicts.ranked(embed("salt"), names, 1)] == [
        "verdict c"
    ]
    assert await store.verdicts.ranked(embed("salt"), [], 1) == []


async def test_active_facts_are_read_by_their_ordinals(store: Store) -> None:
    await add_active_facts(store, "one", "two", "three")
    await store.visibility.retract(["id two"], NOW)
    stored = await store.facts.active_at([0, 1, 2, 7])
    assert {each.fact.fact_id for each in stored} == {"id one", "id three"}
    by_id = {each.fact.fact_id: each.vector for each in stored}
    assert by_id["id one"] @ embed("one") == pytest.approx(1.0, abs=1e-5)


async def test_the_nearest_hypothesis_is_never_one_of_another_team(store: Store) -> None:
    def owned(name: str, text: str, *, first: str = "", second: str = "") -> VerdictReached:
        made = verdict(name, hypothesis=text)
        pair = made.hypothesis.pair
        facts = {
            "first": pair.first.model_copy(update={"team": first}),
            "second": pair.second.model_copy(update={"team": second}),
        }
        return made.model_copy(
            update={
                "hypothesis": made.hypothesis.model_copy(
                    update={"pair": pair.model_copy(update=facts)}
                )
            }
        )

    await store.verdicts.add(owned("red", "red green", second="red"), embed("red green"), None)
    await store.verdicts.add(owned("all", "red blue"), embed("red blue"), None)

    async def nearest(team: str) -> str:
        match = await store.verdicts.nearest_hypothesis(embed("red green"), "", team)
        assert match is not None
        return match.id

    assert [await nearest(team) for team in ("red", "blue", "")] == [
        "hypothesis red",
        "hypothesis all",
        "hypothesis all",
    ]
