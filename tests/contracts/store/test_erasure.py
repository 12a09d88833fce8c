"""Erasure in every store."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest

from daydream_contracts.events import Decision, Examination, Statement
from daydream_contracts.rpc import ListDocuments, ListVerdicts
from daydream_memory.store import Store
from support.reopenable import Reopenable
from support.store_cases import (
    NOW,
    activate_all,
    add_active_facts,
    add_family,
    embed,
    facts,
    record,
    texts_near,
    verdict,
    verdict_on,
)


async def test_a_statement_of_the_oracle_is_erased_and_nothing_else_of_its_verdict(
    store: Store,
) -> None:
    await add_active_facts(store, "one", "two")
    against = Examination(statements=(Statement(kind="fact", id="id one", text="one"),))
    await store.verdicts.add(
        verdict("a", hypothesis="red green", examination=against), embed("red green"), None
    )
    await store.erasure.erase([], ["id one"], derived=True, note="erased by ada")
    kept = await store.verdicts.get("verdict a")
    assert kept is not None
    assert kept.examination is not None
    assert [statement.text for statement in kept.examination.statements] == ["(erased)"]
    assert kept.hypothesis.synthesis is not None
    assert kept.hypothesis.synthesis.hypothesis == "red green"
    nearest = await store.verdicts.nearest_hypothesis(embed("red green"), "hypothesis b")
    assert nearest is not None
    assert nearest.similarity == pytest.approx(1.0, abs=1e-5)


@pytest.mark.fault("F24", invariant="an erased fact is nowhere")
async def test_an_erased_fact_is_nowhere_and_the_rest_stays(
    store: Store, opened: Reopenable
) -> None:
    new = facts("a secret recipe for bronze", "common knowledge", document="first")
    await store.documents.add(record("first"), [replace(new[0], fact_id="id secret"), new[1]])
    await activate_all(store)
    await add_active_facts(store, "common knowledge", "something else", document="second")
    secret, common, other = await store.facts.get(
        ["id secret", "id common knowledge", "id something else"]
    )
    await store.verdicts.add(verdict_on("a", secret, other), embed("hypothesis a"), None)
    await store.verdicts.add(verdict_on("b", common, other), embed("hypothesis b"), None)
    for expected in (1, 0):  # the second time nothing holds it any more
        done = await store.erasure.erase(
            ["/notes/first.md"], [], derived=False, note="erased by ada"
        )
        assert (done.fact_ids, done.verdicts) == (("id secret",), expected)
        assert done.insights == ()
    assert await texts_near(store, "a secret recipe for bronze") == {
        "common knowledge",
        "something else",
    }
    again = await opened.reopen()
    kept, _ = await again.verdicts.page(ListVerdicts(promoted_only=False, limit=10))
    assert [
        (verdict.hypothesis.pair.first.text, verdict.hypothesis.pair.second.text)
        for verdict in kept
    ] == [
        ("common knowledge", "something else"),
        ("(erased)", "something else"),
    ]
    assert [
        verdict.hypothesis.synthesis.hypothesis for verdict in kept if verdict.hypothesis.synthesis
    ] == [
        "hypothesis b",
        "hypothesis a",
    ]
    for file in opened.folder.iterdir():
        assert b"secret recipe" not in file.read_bytes(), file.name
    assert not np.asarray((await again.facts.vectors(["id secret"]))["id secret"]).any()


@pytest.mark.fault("F24", invariant="it stays erased, whatever comes later")
async def test_an_erased_fact_stays_erased_when_offered_again_or_when_its_daydream_ends_later(
    store: Store,
) -> None:
    await add_active_facts(store, "a secret", "open", document="first")
    secret, open_ = await store.facts.get(["id a secret", "id open"])
    await store.erasure.erase(["/notes/first.md"], [], derived=False, note="erased by ada")
    await store.documents.add(
        record("first", at=NOW + timedelta(days=1)), facts("a secret", "open", document="first")
    )
    await activate_all(store)
    assert await texts_near(store, "a secret") == set()
    assert [report.status for report in await store.documents.reports(ListDocuments())] == [
        "refused"
    ]
    await store.verdicts.add(verdict_on("late", secret, open_), embed("hypothesis late"), None)
    kept = await store.verdicts.get("verdict late")
    assert kept is not None
    assert kept.hypothesis.pair.first.text == kept.hypothesis.pair.second.text == "(erased)"
    assert kept.hypothesis.synthesis is not None
    assert kept.hypothesis.synthesis.hypothesis == "hypothesis late", "what was paid for is kept"


async def test_descendants_of_an_erased_fact_are_retracted_or_erased_as_requested(
    store: Store,
) -> None:
    await add_family(store)
    first, second = await store.facts.get(["id one", "id two"])
    promoted = verdict_on("again", first, second, decision=Decision.PROMOTED)
    await store.verdicts.add(promoted, embed("hypothesis again"), None)
    done = await store.erasure.erase([], ["id one"], derived=False, note="erased by ada")
    assert done.insights == ("insight high", "insight low")
    assert {
        visibility.fact.text
        for visibility in await store.visibility.resolve(["insight low", "insight high"])
        if visibility.hidden
    } == {
        "insight about low",
        "insight about high",
    }
    await store.erasure.erase([], ["id one"], derived=True, note="erased by ada")
    assert {
        visibility.fact.text
        for visibility in await store.visibility.resolve(["insight low", "insight high"])
    } == {"(erased)"}
    kept = await store.verdicts.get("verdict again")
    assert kept is not None
    assert kept.hypothesis.synthesis is not None
    assert kept.hypothesis.synthesis.hypothesis == "(erased)"
    assert {
        fact.fact_id for fact in (await store.visibility.reinstate(["id one"], NOW)).active
    } == set(), "for good"
