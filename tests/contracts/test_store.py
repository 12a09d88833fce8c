"""What every store of the memory must do. One more store is one more line in `STORES`."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import nats
import numpy as np
import pytest
from nats.js.api import KeyValueConfig

from daydream_contracts.events import (
    Decision,
    Examination,
    FactKind,
    ReviewRecorded,
    Statement,
    VerdictReached,
)
from daydream_contracts.rpc import ListDocuments, ListVerdicts
from daydream_memory.domains import FACTS_MIN, Domains
from daydream_memory.settings import WeaviateSettings
from daydream_memory.sqlite import SqliteStore
from daydream_memory.store import DocumentRecord, NewFact, Store, Vector, VisibilityChange
from daydream_memory.weaviate import WeaviateStore
from daydream_memory.weaviate.connection import connect
from daydream_memory.weaviate.schema import SCHEMAS
from support.programs import NatsServer
from support.vector_double import double_beside
from support.vector_server import WHY_NOT, running_weaviate

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
EXAMPLE = Path(__file__).parent / "messages" / "VerdictReached.v1.json"
MODEL = "words-hashed-64"

MakeStore = Callable[[Path, str], Awaitable[Store]]


def embed(text: str) -> Vector:
    """A tiny embedding: each word adds a direction of its own, so that texts that share words are close."""
    vector = np.zeros(64, np.float32)
    for word in text.lower().split():
        seed = int.from_bytes(hashlib.sha256(word.encode()).digest()[:4], "big")
        vector += np.random.default_rng(seed).standard_normal(64).astype(np.float32)
    return np.asarray(vector / np.linalg.norm(vector), np.float32)


@dataclass
class Opened:
    """A store that can be closed and opened again on the same folder."""

    make: MakeStore
    folder: Path
    store: Store

    async def reopen(self, model: str = MODEL) -> Store:
        await self.store.close()
        self.store = await self.make(self.folder, model)
        return self.store


@pytest.fixture(scope="module")
def weaviate(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WeaviateSettings | None]:
    with running_weaviate(tmp_path_factory.mktemp("weaviate")) as settings:
        yield settings


@pytest.fixture(scope="module")
def double() -> Iterator[WeaviateSettings]:
    with double_beside() as settings:
        yield settings


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    server = NatsServer(tmp_path_factory.mktemp("nats"))
    server.start()
    yield server.url
    server.kill()


@asynccontextmanager
async def in_a_folder(_: pytest.FixtureRequest) -> AsyncIterator[MakeStore]:
    async def make(folder: Path, model: str) -> Store:
        return SqliteStore(folder, model)

    yield make


def in_weaviate(
    name: str,
) -> Callable[[pytest.FixtureRequest], AbstractAsyncContextManager[MakeStore]]:
    """Each test has a tenant of its own, which is a store of its own."""

    @asynccontextmanager
    async def stores(request: pytest.FixtureRequest) -> AsyncIterator[MakeStore]:
        server: WeaviateSettings | None = request.getfixturevalue(name)
        if server is None:
            pytest.skip(WHY_NOT)
        settings = server.model_copy(update={"tenant": uuid4().hex, "prefix": "Contract"})
        nc = await nats.connect(request.getfixturevalue("broker"))
        bucket = await nc.jetstream().create_key_value(KeyValueConfig(bucket="memory"))

        async def make(_: Path, model: str) -> Store:
            return await WeaviateStore.open(settings, bucket, model)

        yield make
        await nc.close()
        if name == "weaviate":  # each holds files open
            await forget_tenant(settings)

    return stores


async def forget_tenant(settings: WeaviateSettings) -> None:
    client = await connect(settings)
    for schema in SCHEMAS:
        await client.collections.use(settings.prefix + schema.name).tenants.remove(
            [settings.tenant]
        )
    await client.close()


STORES = {
    "sqlite": in_a_folder,
    "weaviate": in_weaviate("weaviate"),
    "weaviate-double": in_weaviate("double"),
}


@pytest.fixture(params=sorted(STORES))
async def opened(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Opened]:
    folder = tmp_path / "store"
    folder.mkdir()
    async with STORES[request.param](request) as make:
        opened = Opened(make, folder, await make(folder, MODEL))
        yield opened
        await opened.store.close()


@pytest.fixture
def store(opened: Opened) -> Store:
    return opened.store


def facts(*texts: str, document: str = "doc", **more: Any) -> list[NewFact]:
    return [
        NewFact(
            fact_id=f"id {text}",
            text=text,
            document_id=document,
            place=place,
            source=f"/notes/{document}.md",
            **more,
        )
        for place, text in enumerate(texts)
    ]


def record(
    document_id: str = "doc", source: str = "", status: Any = "read", at: datetime = NOW
) -> DocumentRecord:
    return DocumentRecord(
        document_id, source or f"/notes/{document_id}.md", status, "a note", at, at
    )


async def know(store: Store, *texts: str, document: str = "doc") -> None:
    """Facts of a document, active."""
    await store.add_document(record(document), facts(*texts, document=document))
    await make_all_drawable(store)


async def make_all_drawable(store: Store) -> None:
    while batch := await store.pending(16):
        await store.make_drawable({fact.fact_id: embed(fact.text) for fact in batch})


def verdict(
    name: str = "", decision: Decision = Decision.DISCARDED, *, hypothesis: str = "", **more: Any
) -> VerdictReached:
    """The stored example with ids of its own."""
    example = VerdictReached.model_validate_json(EXAMPLE.read_text())
    assert example.hypothesis.synthesis is not None
    synthesis = example.hypothesis.synthesis.model_copy(
        update={"hypothesis": hypothesis or f"hypothesis {name}"}
    )
    proposed = example.hypothesis.model_copy(
        update={"hypothesis_id": f"hypothesis {name}", "synthesis": synthesis}
    )
    return example.model_copy(
        update={
            "verdict_id": f"verdict {name}",
            "hypothesis": proposed,
            "decision": decision,
            **more,
        }
    )


def insight(name: str, *parents: str, depth: int = 1) -> tuple[NewFact, Vector]:
    fact = NewFact(
        fact_id=f"insight {name}",
        text=f"insight about {name}",
        title=name,
        kind=FactKind.INSIGHT,
        depth=depth,
        parents=parents,
    )
    return fact, embed(fact.text)


# --- facts --------------------------------------------------------------------------------------------------------------


async def test_what_is_read_is_pending_and_can_not_be_drawn(store: Store) -> None:
    await store.add_document(record(), facts("one", "two"))
    counts = await store.counts()
    assert (counts.facts, counts.facts_pending, counts.documents) == (0, 2, 1)
    assert await store.fact_at(0) is None
    assert await store.facts(["id one"]) == []
    assert await store.near(embed("one"), 5) == []


async def test_a_fact_with_a_vector_is_drawable_and_no_longer_pending(store: Store) -> None:
    await store.add_document(record(), facts("one", "two"))
    assert await store.make_drawable({"id one": embed("one")}) == 1
    assert [fact.fact_id for fact in await store.pending(10)] == ["id two"]
    found = await store.fact_at(0)
    assert found is not None
    assert found[0].text == "one"
    np.testing.assert_array_equal(found[1], embed("one"))


async def test_ordinals_are_dense_in_the_order_in_which_facts_became_drawable(store: Store) -> None:
    await store.add_document(record(), facts("one", "two", "three"))
    await store.make_drawable({"id three": embed("three")})
    await store.make_drawable({"id one": embed("one"), "id two": embed("two")})
    found = [await store.fact_at(ordinal) for ordinal in range(4)]
    assert [fact[0].text if fact else None for fact in found] == ["three", "one", "two", None]
    assert [fact[0].ordinal for fact in found if fact] == [0, 1, 2]
    assert await store.fact_at(-1) is None


async def test_reading_a_document_twice_keeps_each_fact_once_with_its_ordinal(store: Store) -> None:
    await know(store, "one", "two")
    await know(store, "one", "two")
    counts = await store.counts()
    assert (counts.facts, counts.facts_pending, counts.documents) == (2, 0, 1)


async def test_making_a_fact_drawable_twice_changes_nothing(store: Store) -> None:
    await know(store, "one")
    assert await store.make_drawable({"id one": embed("something else")}) == 0
    vectors = await store.vectors(["id one"])
    np.testing.assert_array_equal(vectors["id one"], embed("one"))


async def test_the_same_text_in_another_document_stays_the_fact_that_it_was(store: Store) -> None:
    await know(store, "one", document="first")
    await know(store, "one", "two", document="second")
    (fact,) = await store.facts(["id one"])
    assert fact.source == "/notes/first.md"
    assert (await store.counts()).facts == 2


async def test_the_beginnings_of_all_documents_wait_first(store: Store) -> None:
    await store.add_document(record("a"), facts("a0", "a1", "a2", document="a"))
    await store.add_document(record("b"), facts("b0", "b1", document="b"))
    assert [fact.text for fact in await store.pending(10)] == ["a0", "b0", "a1", "b1", "a2"]
    assert [fact.text for fact in await store.pending(2)] == ["a0", "b0"]


async def test_facts_come_in_the_order_in_which_they_are_asked_for_and_unknown_ones_are_left_out(
    store: Store,
) -> None:
    await know(store, "one", "two", "three")
    assert [fact.text for fact in await store.facts(["id three", "nobody", "id one"])] == [
        "three",
        "one",
    ]
    assert await store.facts([]) == []


async def test_a_fact_keeps_everything_that_was_read_about_it(store: Store) -> None:
    new = NewFact("id", "text", "title", "source", "domain", FactKind.INSIGHT, 3, 0, "doc", ("p",))
    await store.add_document(record(), [new])
    await make_all_drawable(store)
    (fact,) = await store.facts(["id"])
    assert (fact.text, fact.title, fact.source, fact.domain, fact.kind, fact.depth) == (
        "text",
        "title",
        "source",
        "domain",
        FactKind.INSIGHT,
        3,
    )


async def test_vectors_are_given_for_drawable_facts_only(store: Store) -> None:
    await know(store, "one")
    await store.add_document(record("other"), facts("two", document="other"))
    assert set(await store.vectors(["id one", "id two", "nobody"])) == {"id one"}


async def test_a_vector_for_a_fact_that_nobody_knows_is_ignored(store: Store) -> None:
    await know(store, "one")
    assert await store.make_drawable({"nobody": embed("nobody")}) == 0
    assert (await store.counts()).facts == 1
    assert await store.fact_at(1) is None


# --- nearness -----------------------------------------------------------------------------------------------------------


async def test_the_nearest_come_first_and_no_more_than_wanted(store: Store) -> None:
    await know(store, "red green blue", "red green", "salt pepper", "red")
    found = await store.near(embed("red green blue"), 2)
    assert [fact.text for fact, _ in found] == ["red green blue", "red green"]
    assert found[0][1] == pytest.approx(1.0, abs=1e-5)
    assert found[0][1] > found[1][1]


async def test_what_is_excluded_makes_room_for_the_next(store: Store) -> None:
    await know(store, "red green blue", "red green", "salt pepper")
    found = await store.near(embed("red green blue"), 1, without=frozenset({"id red green blue"}))
    assert [fact.text for fact, _ in found] == ["red green"]


async def test_asking_for_more_than_there_are_gives_all(store: Store) -> None:
    await know(store, "one", "two")
    assert len(await store.near(embed("one"), 50)) == 2


async def test_the_median_of_unrelated_facts_lies_between_opposite_and_same(store: Store) -> None:
    assert await store.unrelated() == (0.0, 1.0)
    await know(store, *[f"word{number} shared" for number in range(40)])
    vectors = list(
        (await store.vectors([f"id word{number} shared" for number in range(40)])).values()
    )
    cosines = [float(one @ other) for at, one in enumerate(vectors) for other in vectors[:at]]
    assert (await store.unrelated())[0] == pytest.approx(float(np.median(cosines)), abs=0.05)


async def test_the_median_follows_a_memory_that_grows(store: Store) -> None:
    await know(store, "same words here", "same words here too")
    early = (await store.unrelated())[0]
    await know(store, *[f"quite{number} other{number}" for number in range(60)], document="other")
    assert (await store.unrelated())[0] < early


# --- verdicts -----------------------------------------------------------------------------------------------------------


async def test_a_verdict_is_kept_word_for_word_and_once(store: Store) -> None:
    one = verdict("a")
    for _ in range(2):
        await store.add_verdict(one, embed("hypothesis a"), None)
    assert await store.verdicts(ListVerdicts(promoted_only=False, limit=10, offset=0)) == ([one], 1)
    counts = await store.counts()
    assert (counts.verdicts, counts.judged, counts.decisions) == (1, 1, {"discarded": 1})


async def test_a_verdict_without_a_hypothesis_is_kept_too(store: Store) -> None:
    one = verdict("a", Decision.ABSTAINED, judgements=())
    one = one.model_copy(
        update={
            "hypothesis": one.hypothesis.model_copy(
                update={"synthesis": None, "abstention": "no link"}
            )
        }
    )
    await store.add_verdict(one, None, None)
    assert (await store.verdicts(ListVerdicts(promoted_only=False, limit=10, offset=0)))[0] == [one]
    assert (await store.counts()).judged == 0
    assert await store.nearest_hypothesis(embed("anything"), "") is None


async def test_pages_of_verdicts_are_newest_first_and_say_how_many_there_are(store: Store) -> None:
    for name in "abcd":
        await store.add_verdict(
            verdict(name, Decision.PROMOTED if name in "bd" else Decision.DISCARDED), None, None
        )
    page, total = await store.verdicts(ListVerdicts(promoted_only=False, limit=2, offset=1))
    assert ([one.verdict_id for one in page], total) == (["verdict c", "verdict b"], 4)
    page, total = await store.verdicts(ListVerdicts(promoted_only=True, limit=10, offset=0))
    assert ([one.verdict_id for one in page], total) == (["verdict d", "verdict b"], 2)


async def test_the_nearest_earlier_hypothesis_is_found_but_never_the_own_one(store: Store) -> None:
    await store.add_verdict(verdict("a", hypothesis="red green"), embed("red green"), None)
    await store.add_verdict(verdict("b", hypothesis="salt pepper"), embed("salt pepper"), None)
    found = await store.nearest_hypothesis(embed("red green"), "hypothesis b")
    assert found is not None
    assert (found.what, found.id, found.text) == ("hypothesis", "hypothesis a", "red green")
    assert found.similarity == pytest.approx(1.0, abs=1e-5)
    other = await store.nearest_hypothesis(embed("red green"), "hypothesis a")
    assert other is not None
    assert other.id == "hypothesis b"


async def test_the_nearest_hypothesis_is_never_one_of_another_team(store: Store) -> None:
    def owned(name: str, text: str, *, first: str = "", second: str = "") -> VerdictReached:
        one = verdict(name, hypothesis=text)
        pair = one.hypothesis.pair
        facts = {
            "first": pair.first.model_copy(update={"team": first}),
            "second": pair.second.model_copy(update={"team": second}),
        }
        return one.model_copy(
            update={
                "hypothesis": one.hypothesis.model_copy(
                    update={"pair": pair.model_copy(update=facts)}
                )
            }
        )

    await store.add_verdict(owned("red", "red green", second="red"), embed("red green"), None)
    await store.add_verdict(owned("all", "red blue"), embed("red blue"), None)

    async def nearest(team: str) -> str:
        found = await store.nearest_hypothesis(embed("red green"), "", team)
        assert found is not None
        return found.id

    assert [await nearest(team) for team in ("red", "blue", "")] == [
        "hypothesis red",
        "hypothesis all",
        "hypothesis all",
    ]


async def test_a_promoted_verdict_makes_its_insight_a_drawable_fact(store: Store) -> None:
    await know(store, "one", "two")
    new, vector = insight("new", "id one", "id two")
    for _ in range(2):
        await store.add_verdict(verdict("a", Decision.PROMOTED), vector, (new, vector))
    found = await store.fact_at(2)
    assert found is not None
    assert (found[0].fact_id, found[0].kind, found[0].depth) == ("insight new", FactKind.INSIGHT, 1)
    counts = await store.counts()
    assert (counts.facts, counts.insights, counts.facts_pending) == (3, 1, 0)


async def test_a_hypothesis_that_is_judged_anew_waits_for_a_persons_word_once(store: Store) -> None:
    again = {"verdict_id": "verdict a, round 2", "round": 2}
    await store.add_verdict(verdict("a", Decision.PROMOTED), None, None)
    await store.add_verdict(verdict("a", Decision.PROMOTED).model_copy(update=again), None, None)
    await store.add_verdict(verdict("b"), None, None)
    await store.add_verdict(
        verdict("b", Decision.PROMOTED).model_copy(
            update={**again, "verdict_id": "verdict b, round 2"}
        ),
        None,
        None,
    )
    page, total = await store.verdicts(ListVerdicts(quarantined_only=True))
    assert ({one.verdict_id for one in page}, total) == ({"verdict a", "verdict b, round 2"}, 2)
    assert (await store.counts()).quarantined == 2


async def test_what_a_person_accepts_counts_as_promoted_whatever_the_models_said(
    store: Store,
) -> None:
    await store.add_verdict(verdict("a", Decision.REFUTED), None, None)
    said = ReviewRecorded(
        verdict_id="verdict a",
        accepted=True,
        who="ada",
        recorded_at=datetime(2026, 1, 1, tzinfo=UTC),
    )
    await store.add_review(said, insight("a"))
    counts = await store.counts()
    assert (counts.decisions, counts.insights, counts.quarantined) == ({"promoted": 1}, 1, 0)
    (kept,), total = await store.verdicts(ListVerdicts(promoted_only=True))
    assert (kept.decision, total) == (Decision.REFUTED, 1)


async def test_a_fact_that_a_hypothesis_was_held_against_is_erased_from_its_record_and_nothing_else_is(
    store: Store,
) -> None:
    await know(store, "one", "two")
    against = Examination(statements=(Statement(what="fact", id="id one", text="one"),))
    await store.add_verdict(
        verdict("a", hypothesis="red green", examination=against), embed("red green"), None
    )
    await store.erase([], ["id one"], derived=True, note="erased by ada")
    kept = await store.verdict("verdict a")
    assert kept is not None
    assert kept.examination is not None
    assert [one.text for one in kept.examination.statements] == ["(erased)"]
    assert kept.hypothesis.synthesis is not None
    assert kept.hypothesis.synthesis.hypothesis == "red green"
    found = await store.nearest_hypothesis(embed("red green"), "hypothesis b")
    assert found is not None
    assert found.similarity == pytest.approx(1.0, abs=1e-5)


async def test_a_verdict_and_its_insight_are_kept_both_or_not_at_all(
    store: Store, opened: Opened
) -> None:
    new, vector = insight("new")
    broken: Any = None
    with pytest.raises(Exception):  # noqa: B017, PT011 (whatever the store says to a missing vector)
        await store.add_verdict(verdict("a", Decision.PROMOTED), vector, (new, broken))
    counts = await store.counts()
    assert (counts.verdicts, counts.facts, counts.facts_pending) == (0, 0, 0)
    assert await (await opened.reopen()).counts() == counts


# --- ancestry -----------------------------------------------------------------------------------------------------------


async def test_ancestors_are_all_that_a_fact_descends_from_nearest_first_and_each_once(
    store: Store,
) -> None:
    await know(store, "one", "two", "three")
    for name, parents in (
        ("low", ("id one", "id two")),
        ("high", ("insight low", "id one")),
        ("top", ("insight high", "id three")),
    ):
        new = insight(name, *parents)
        await store.add_verdict(verdict(name, Decision.PROMOTED), new[1], new)
    ids = [fact.fact_id for fact in await store.ancestors("insight top")]
    assert ids[:2] == ["insight high", "id three"]
    assert sorted(ids) == sorted(["insight high", "id three", "insight low", "id one", "id two"])


async def test_facts_from_documents_and_unknown_ones_have_no_ancestors(store: Store) -> None:
    await know(store, "one")
    assert await store.ancestors("id one") == []
    assert await store.ancestors("nobody") == []


# --- documents ----------------------------------------------------------------------------------------------------------


async def test_a_report_says_how_far_a_document_is(store: Store) -> None:
    await store.add_document(record(), facts("one", "two"))
    await store.make_drawable({"id one": embed("one")})
    (report,) = await store.reports(ListDocuments(document_ids=("doc",), limit=10))
    assert (report.status, report.note, report.facts, report.facts_embedded) == (
        "read",
        "a note",
        2,
        1,
    )


async def test_reports_are_newest_first_and_no_more_than_wanted(store: Store) -> None:
    for number in range(3):
        await store.add_document(record(f"doc{number}", at=NOW + timedelta(minutes=number)), [])
    assert [report.document_id for report in await store.reports(ListDocuments(limit=2))] == [
        "doc2",
        "doc1",
    ]
    assert [
        report.document_id
        for report in await store.reports(
            ListDocuments(
                document_ids=(
                    "doc0",
                    "nobody",
                ),
                limit=10,
            )
        )
    ] == ["doc0"]


async def test_one_text_under_two_names_has_two_reports(store: Store) -> None:
    await store.add_document(record(source="/a.md"), facts("one"))
    await store.add_document(record(source="/b.md"), facts("one"))
    assert {
        report.source
        for report in await store.reports(ListDocuments(document_ids=("doc",), limit=10))
    } == {"/a.md", "/b.md"}


async def test_the_last_word_about_a_document_counts(store: Store) -> None:
    await store.add_document(record(status="refused"), [])
    await store.add_document(record(status="read"), facts("one"))
    (report,) = await store.reports(ListDocuments(document_ids=("doc",), limit=10))
    assert (report.status, report.facts) == ("read", 1)


# --- the store itself -----------------------------------------------------------------------------------------------------


async def test_everything_is_there_again_after_closing_and_opening(opened: Opened) -> None:
    store = opened.store
    await know(store, "one", "two", "three")
    await store.add_document(record("later"), facts("four", document="later"))
    new = insight("new", "id one", "id two")
    one = verdict("a", Decision.PROMOTED)
    await store.add_verdict(one, embed("red green"), new)
    before = (
        await store.counts(),
        [await store.fact_at(at) for at in range(4)],
        await store.near(embed("two"), 4),
        await store.reports(ListDocuments(limit=10)),
    )
    store = await opened.reopen()
    after = (
        await store.counts(),
        [await store.fact_at(at) for at in range(4)],
        await store.near(embed("two"), 4),
        await store.reports(ListDocuments(limit=10)),
    )
    assert repr(after) == repr(before)
    assert await store.verdicts(ListVerdicts(promoted_only=True, limit=5, offset=0)) == ([one], 1)
    found = await store.nearest_hypothesis(embed("red green"), "")
    assert found is not None
    assert found.similarity == pytest.approx(1.0, abs=1e-5)
    await make_all_drawable(store)
    last = await store.fact_at(4)
    assert last is not None
    assert last[0].text == "four"


def embed_anew(text: str) -> Vector:
    """Another model, of another dimension."""
    vector = (
        np.random.default_rng(int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "big"))
        .standard_normal(16)
        .astype(np.float32)
    )
    return np.asarray(vector / np.linalg.norm(vector), np.float32)


async def test_another_embedding_model_takes_over_when_all_texts_have_its_vectors(
    opened: Opened,
) -> None:
    await know(opened.store, "one", "two", "three")
    await opened.store.add_verdict(verdict("a"), embed("hypothesis a"), None)
    store = await opened.reopen("another")
    assert (store.embedding_model, store.next_model) == (MODEL, "another")
    assert {one.text for one in await store.stale(2)} == {"one", "two"}
    await store.add_vectors([(one, embed_anew(one.text)) for one in await store.stale(2)])
    assert [
        (fact.text, round(cosine, 4)) for fact, cosine in await store.near(embed("one"), 1)
    ] == [("one", 1.0)], "all goes on as before"
    await know(store, "four", document="later")
    store = await opened.reopen("another")  # a restart loses nothing
    assert [(one.kind, one.text) for one in await store.stale(9)] == [
        ("fact", "three"),
        ("fact", "four"),
        ("hypothesis", "hypothesis a"),
    ]
    await store.add_vectors([(one, embed_anew(one.text)) for one in await store.stale(9)])
    assert await store.stale(9) == []
    await store.switch()
    for again in (store, None):
        again = again or await opened.reopen("another")  # noqa: PLW2901
        assert (again.embedding_model, again.next_model, await again.stale(9)) == (
            "another",
            "",
            [],
        )
        assert [
            (fact.text, round(cosine, 4))
            for fact, cosine in await again.near(embed_anew("four"), 1)
        ] == [("four", 1.0)]
        found = await again.fact_at(0)
        assert found is not None
        np.testing.assert_array_equal(found[1], embed_anew("one"))
        known = await again.nearest_hypothesis(embed_anew("hypothesis a"), "")
        assert known is not None
        assert known.similarity == pytest.approx(1.0, abs=1e-5)
        assert not await again.outdated()


async def test_a_change_of_the_model_that_is_taken_back_leaves_nothing(opened: Opened) -> None:
    await know(opened.store, "one", "two")
    store = await opened.reopen("another")
    await store.add_vectors([(one, embed_anew(one.text)) for one in await store.stale(1)])
    store = await opened.reopen()
    assert (store.embedding_model, store.next_model) == (MODEL, "")
    store = await opened.reopen("a third")
    assert len(await store.stale(9)) == 2


async def test_what_is_erased_has_no_vector_of_the_next_model_either(opened: Opened) -> None:
    await know(opened.store, "one", "two")
    store = await opened.reopen("another")
    stale = await store.stale(9)
    await store.add_vectors([(stale[0], embed_anew("one"))])
    await store.erase([], ["id one"], derived=False, note="erased by ada")
    await store.add_vectors(
        [(one, embed_anew(one.text)) for one in stale]
    )  # of which one was on its way
    assert await store.stale(9) == []
    await store.switch()
    assert not np.asarray((await store.vectors(["id one"])).get("id one", np.zeros(1))).any()
    assert [fact.text for fact, _ in await store.near(embed_anew("two"), 5)] == ["two"]


async def test_many_can_read_and_write_at_once(store: Store) -> None:
    async def document(number: int) -> None:
        name = f"doc{number}"
        await store.add_document(
            record(name), facts(*(f"{name} {at}" for at in range(5)), document=name)
        )
        await store.make_drawable({f"id {name} {at}": embed(f"{name} {at}") for at in range(5)})
        assert len(await store.near(embed(f"{name} 0"), 3)) == 3

    await asyncio.gather(*(document(number) for number in range(12)))
    found = [await store.fact_at(ordinal) for ordinal in range(60)]
    assert len({fact[0].fact_id for fact in found if fact}) == 60
    assert [fact[0].ordinal for fact in found if fact] == list(range(60))


def test_the_example_that_these_tests_build_on_is_a_promoted_one() -> None:
    assert json.loads(EXAMPLE.read_text())["decision"] == "promoted"


# --- standing -----------------------------------------------------------------------------------------------------------


async def texts_near(store: Store, text: str) -> set[str]:
    return {fact.text for fact, _ in await store.near(embed(text), 50)}


async def family(store: Store) -> None:
    """one, two → low; low, two → high."""
    await know(store, "one", "two", "three")
    for name, parents in (("low", ("id one", "id two")), ("high", ("insight low", "id two"))):
        new = insight(name, *parents)
        await store.add_verdict(verdict(name, Decision.PROMOTED), new[1], new)


async def test_an_edited_document_hides_what_it_no_longer_says_and_keeps_the_rest(
    store: Store, opened: Opened
) -> None:
    await know(store, "one", "two")
    await store.add_document(
        record("edited", "/notes/doc.md", at=NOW + timedelta(hours=1)),
        facts("two", "three", document="edited"),
    )
    await make_all_drawable(store)
    for reopen in (False, True):
        again = await opened.reopen() if reopen else store
        assert await texts_near(again, "one") == {"two", "three"}
        found = await again.fact_at(0)
        assert found is not None
        assert (found[0].text, found[2]) == ("one", True), "it keeps its ordinal"
        assert (await again.counts()).hidden == 1


async def test_a_document_that_comes_back_is_drawable_again(store: Store) -> None:
    await know(store, "one", "two")
    await store.add_document(
        record("edited", "/notes/doc.md", at=NOW + timedelta(hours=1)),
        facts("three", document="edited"),
    )
    await make_all_drawable(store)
    await store.add_document(record("doc", at=NOW + timedelta(hours=2)), facts("one", "two"))
    assert await texts_near(store, "one") == {"one", "two"}
    assert {
        report.document_id: report.current
        for report in await store.reports(ListDocuments(limit=10))
    } == {"doc": True, "edited": False}


async def test_an_older_offer_that_comes_late_changes_nothing(store: Store) -> None:
    await store.add_document(
        record("new", "/a.md", at=NOW + timedelta(hours=1)), facts("new", document="new")
    )
    await store.add_document(record("old", "/a.md"), facts("old", document="old"))
    await make_all_drawable(store)
    assert await texts_near(store, "old") == {"new"}
    await store.remove_document("/b.md", NOW + timedelta(hours=1))
    await store.add_document(record("late", "/b.md"), facts("late", document="late"))
    await make_all_drawable(store)
    assert await texts_near(store, "late") == {"new"}


async def test_a_removed_document_takes_along_what_no_other_one_says(store: Store) -> None:
    await know(store, "one", "two", document="first")
    await know(store, "two", document="second")
    changed = await store.remove_document("/notes/first.md", NOW + timedelta(hours=1))
    assert ([fact.text for fact in changed.out], [fact.text for fact in changed.in_]) == (
        ["one"],
        ["two"],
    )
    assert await texts_near(store, "one") == {"two"}
    assert [fact.source for fact in await store.facts(["id two"])] == ["/notes/second.md"], (
        "where people find it now"
    )
    assert (await store.remove_document("/notes/first.md", NOW + timedelta(hours=1))).out == ()
    assert (await store.remove_document("/notes/nobody.md", NOW)).out == ()


async def test_a_withdrawn_fact_takes_along_all_that_descends_from_it_and_all_come_back(
    store: Store, opened: Opened
) -> None:
    await family(store)
    for _ in range(2):
        changed = await store.withdraw(["id one"], NOW)
        assert [fact.fact_id for fact in changed.out] == ["id one", "insight high", "insight low"]
    again = await opened.reopen()
    assert await texts_near(again, "one") == {"two", "three"}
    assert (await again.counts()).insights == 0
    for _ in range(2):
        changed = await again.restore(["id one"], NOW)
        assert [fact.fact_id for fact in changed.in_] == ["id one", "insight high", "insight low"]
    assert (await again.counts()).hidden == 0


async def test_what_is_withdrawn_for_two_reasons_comes_back_with_the_last_of_them(
    store: Store,
) -> None:
    await family(store)
    await store.withdraw(["insight low"], NOW)
    await store.withdraw(["id one"], NOW)
    assert [fact.fact_id for fact in (await store.restore(["id one"], NOW)).out] == [
        "insight high",
        "insight low",
    ]
    assert [fact.fact_id for fact in (await store.restore(["insight low"], NOW)).in_] == [
        "insight high",
        "insight low",
    ]


async def test_the_last_word_on_a_fact_counts_however_late_an_earlier_one_comes(
    store: Store,
) -> None:
    await know(store, "one", "two")
    hour = timedelta(hours=1)
    await store.restore(["id one"], NOW + hour)
    assert await store.withdraw(["id one"], NOW) == VisibilityChange()
    assert await texts_near(store, "one") == {"one", "two"}
    await store.withdraw(["id one"], NOW + 2 * hour)
    await store.restore(["id one"], NOW + hour)
    assert await texts_near(store, "one") == {"two"}


async def test_teams_and_clearances_are_kept_counted_and_seen(store: Store) -> None:
    labels = {
        "one": ("chem", ""),
        "two": ("chem", "secret"),
        "three": ("", ""),
        "four": ("bio", "secret"),
    }
    await store.add_document(
        record(),
        [
            replace(fact, team=labels[fact.text][0], clearance=labels[fact.text][1])
            for fact in facts(*labels)
        ],
    )
    assert ((await store.counts()).teams, (await store.counts()).clearances) == ({}, {"secret": 2})
    await make_all_drawable(store)
    counts = await store.counts()
    assert (counts.teams, counts.clearances) == ({"chem": 2, "bio": 1}, {"secret": 2})
    assert [
        (fact.team, fact.clearance) for fact in await store.facts([f"id {text}" for text in labels])
    ] == list(labels.values())
    seen = await store.around(0, 10, [])
    assert seen is not None
    assert {(sight.team, sight.clearance) for sight in seen} == set(labels.values())


async def test_domains_are_found_for_what_names_none_and_kept_up_with_the_memory(
    opened: Opened,
) -> None:
    topics = {"chem": "acid base salt", "bird": "wing nest song"}
    for topic, words in topics.items():
        texts = [f"{words} {words} number {number} of {topic}" for number in range(FACTS_MIN // 2)]
        await opened.store.add_document(record(topic), facts(*texts, document=topic))
    await opened.store.add_document(
        record("given"), facts("acid base salt by itself", document="given", domain="mine")
    )
    await make_all_drawable(opened.store)
    domains = Domains(opened.store)
    while await domains.step():
        pass
    store = await opened.reopen()
    assert not await Domains(store).step(), "what is done is kept"
    found = [await store.fact_at(ordinal) for ordinal in range((await store.counts()).facts)]
    by = {
        topic: {fact[0].domain for fact in found if fact and fact[0].text.endswith(topic)}
        for topic in topics
    }
    assert all(name.startswith("~") for names in by.values() for name in names)
    assert not by["chem"] & by["bird"]
    assert [fact[0].domain for fact in found if fact and fact[0].text.endswith("itself")] == [
        "mine"
    ]
    await know(store, "acid base salt once more", document="later")
    while await Domains(store).step():
        pass
    (later,) = await store.facts(["id acid base salt once more"])
    assert later.domain in by["chem"]


async def test_pairs_with_a_verdict_are_named_by_the_ordinals_of_their_facts(store: Store) -> None:
    await know(store, "one", "two", "three")
    one, two, three = await store.facts(["id one", "id two", "id three"])
    stranger = one.model_copy(update={"fact_id": "nobody"})
    for name, pair in {"a": (one, two), "b": (stranger, two), "c": (three, one)}.items():
        await store.add_verdict(of_facts(name, *pair), embed(name), None)
    pairs, following = await store.judged(0, 2)
    assert (pairs, following is None) == ([(0, 1)], False)
    assert await store.judged(following or 0, 2) == ([(2, 0)], None)


async def test_an_insight_that_comes_later_inherits_what_its_parents_are_out_for(
    store: Store,
) -> None:
    await know(store, "one", "two")
    await store.withdraw(["id one"], NOW)
    new = insight("late", "id one", "id two")
    await store.add_verdict(verdict("late", Decision.PROMOTED), new[1], new)
    (standing,) = await store.resolve(["insight late"])
    assert (standing.hidden, standing.withdrawn_by, standing.descendants) == (True, ("id one",), 0)
    assert (await store.resolve(["id one", "nobody"]))[0].descendants == 1


async def test_a_fact_that_is_gone_before_it_has_a_vector_is_hidden_from_its_first_moment(
    store: Store,
) -> None:
    await store.add_document(record(), facts("one", "two"))
    await store.remove_document("/notes/doc.md", NOW + timedelta(hours=1))
    await make_all_drawable(store)
    assert await texts_near(store, "one") == set()
    assert (await store.counts()).hidden == 2


async def test_from_a_place_one_sees_kin_and_hidden_facts_as_what_they_are(store: Store) -> None:
    await family(store)
    await store.withdraw(["id three"], NOW)
    seen = await store.around(1, 10, [2])
    assert seen is not None
    assert [
        (sight.ordinal, sight.hidden, sight.related)
        for sight in sorted(seen, key=lambda one: one.ordinal)
    ] == [
        (0, False, False),
        (1, False, False),
        (2, True, False),
        (3, False, True),
        (4, False, True),
    ]


async def test_a_closed_question_is_none(store: Store) -> None:
    await store.add_document(
        record("q", "question: why?"),
        [NewFact("id q", "why?", kind=FactKind.QUESTION, document_id="q")],
    )
    await make_all_drawable(store)
    assert await store.questions(10) == [0]
    await store.remove_document("question: why?", NOW + timedelta(hours=1))
    assert await store.questions(10) == []


# --- erasure ------------------------------------------------------------------------------------------------------------


def of_facts(name: str, *facts: Any, decision: Decision = Decision.DISCARDED) -> VerdictReached:
    """A verdict on a pair of these facts."""
    one = verdict(name, decision)
    pair = one.hypothesis.pair.model_copy(update={"first": facts[0], "second": facts[1]})
    return one.model_copy(
        update={"hypothesis": one.hypothesis.model_copy(update={"pair": pair}), "nearest": None}
    )


async def test_what_is_erased_is_nowhere_any_more_and_the_rest_stays(
    store: Store, opened: Opened
) -> None:
    new = facts("a secret recipe for bronze", "common knowledge", document="first")
    await store.add_document(record("first"), [replace(new[0], fact_id="id secret"), new[1]])
    await make_all_drawable(store)
    await know(store, "common knowledge", "something else", document="second")
    secret, common, other = await store.facts(
        ["id secret", "id common knowledge", "id something else"]
    )
    await store.add_verdict(of_facts("a", secret, other), embed("hypothesis a"), None)
    await store.add_verdict(of_facts("b", common, other), embed("hypothesis b"), None)
    for expected in (1, 0):  # the second time nothing holds it any more
        done = await store.erase(["/notes/first.md"], [], derived=False, note="erased by ada")
        assert (done.fact_ids, done.verdicts) == (("id secret",), expected)
        assert done.insights == ()
    assert await texts_near(store, "a secret recipe for bronze") == {
        "common knowledge",
        "something else",
    }
    again = await opened.reopen()
    kept, _ = await again.verdicts(ListVerdicts(promoted_only=False, limit=10))
    assert [(one.hypothesis.pair.first.text, one.hypothesis.pair.second.text) for one in kept] == [
        ("common knowledge", "something else"),
        ("(erased)", "something else"),
    ]
    assert [one.hypothesis.synthesis.hypothesis for one in kept if one.hypothesis.synthesis] == [
        "hypothesis b",
        "hypothesis a",
    ]
    for file in opened.folder.iterdir():
        assert b"secret recipe" not in file.read_bytes(), file.name
    assert not np.asarray((await again.vectors(["id secret"]))["id secret"]).any()


async def test_what_is_erased_stays_so_when_it_is_offered_again_or_its_daydream_ends_later(
    store: Store,
) -> None:
    await know(store, "a secret", "open", document="first")
    secret, open_ = await store.facts(["id a secret", "id open"])
    await store.erase(["/notes/first.md"], [], derived=False, note="erased by ada")
    await store.add_document(
        record("first", at=NOW + timedelta(days=1)), facts("a secret", "open", document="first")
    )
    await make_all_drawable(store)
    assert await texts_near(store, "a secret") == set()
    assert [report.status for report in await store.reports(ListDocuments())] == ["refused"]
    await store.add_verdict(of_facts("late", secret, open_), embed("hypothesis late"), None)
    kept = await store.verdict("verdict late")
    assert kept is not None
    assert kept.hypothesis.pair.first.text == kept.hypothesis.pair.second.text == "(erased)"
    assert kept.hypothesis.synthesis is not None
    assert kept.hypothesis.synthesis.hypothesis == "hypothesis late", "what was paid for is kept"


async def test_what_descends_from_the_erased_is_withdrawn_or_erased_as_asked(store: Store) -> None:
    await family(store)
    one, two = await store.facts(["id one", "id two"])
    promoted = of_facts("again", one, two, decision=Decision.PROMOTED)
    await store.add_verdict(promoted, embed("hypothesis again"), None)
    done = await store.erase([], ["id one"], derived=False, note="erased by ada")
    assert done.insights == ("insight high", "insight low")
    assert {
        standing.fact.text
        for standing in await store.resolve(["insight low", "insight high"])
        if standing.hidden
    } == {
        "insight about low",
        "insight about high",
    }
    await store.erase([], ["id one"], derived=True, note="erased by ada")
    assert {
        standing.fact.text for standing in await store.resolve(["insight low", "insight high"])
    } == {"(erased)"}
    kept = await store.verdict("verdict again")
    assert kept is not None
    assert kept.hypothesis.synthesis is not None
    assert kept.hypothesis.synthesis.hypothesis == "(erased)"
    assert {found.fact_id for found in (await store.restore(["id one"], NOW)).in_} == set(), (
        "for good"
    )
