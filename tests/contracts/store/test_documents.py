"""Documents in every store, and which facts they hold."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from daydream_contracts.rpc import LeftOutReport, ListDocuments
from daydream_memory.store import Store
from support.reopenable import Reopenable
from support.store_cases import (
    NOW,
    activate_all,
    add_active_facts,
    embed,
    facts,
    record,
    texts_near,
)


async def test_a_report_counts_the_facts_that_are_embedded(store: Store) -> None:
    await store.documents.add(record(), facts("one", "two"))
    await store.facts.activate({"id one": embed("one")})
    (report,) = await store.documents.reports(ListDocuments(document_ids=("doc",), limit=10))
    assert (report.status, report.note, report.facts, report.facts_embedded) == (
        "read",
        "a note",
        2,
        1,
    )


async def test_reports_are_newest_first_up_to_the_limit(store: Store) -> None:
    for number in range(3):
        await store.documents.add(record(f"doc{number}", at=NOW + timedelta(minutes=number)), [])
    assert [
        report.document_id for report in await store.documents.reports(ListDocuments(limit=2))
    ] == [
        "doc2",
        "doc1",
    ]
    assert [
        report.document_id
        for report in await store.documents.reports(
            ListDocuments(
                document_ids=(
                    "doc0",
                    "nobody",
                ),
                limit=10,
            )
        )
    ] == ["doc0"]


async def test_a_page_of_reports_follows_another_while_documents_come_in(store: Store) -> None:
    for number in (1, 2, 3):
        minute = min(number, 2)  # the last two are read at the same time
        await store.documents.add(
            record(f"doc{number}", source=f"/{number}.md", at=NOW + timedelta(minutes=minute)), []
        )
    (first,) = await store.documents.reports(ListDocuments(limit=1))
    assert (first.document_id, first.read_at) == ("doc2", NOW + timedelta(minutes=2))
    await store.documents.add(record("doc4", source="/4.md", at=NOW + timedelta(minutes=3)), [])
    rest = await store.documents.reports(
        ListDocuments(read_until=first.read_at, offset=1, limit=10)
    )
    assert [report.document_id for report in rest] == ["doc3", "doc1"]


async def test_one_text_under_two_names_has_two_reports(store: Store) -> None:
    await store.documents.add(record(source="/a.md"), facts("one"))
    await store.documents.add(record(source="/b.md"), facts("one"))
    assert {
        report.source
        for report in await store.documents.reports(ListDocuments(document_ids=("doc",), limit=10))
    } == {"/a.md", "/b.md"}


async def test_the_latest_status_of_a_document_counts(store: Store) -> None:
    await store.documents.add(record(status="refused"), [])
    await store.documents.add(record(status="read"), facts("one"))
    (report,) = await store.documents.reports(ListDocuments(document_ids=("doc",), limit=10))
    assert (report.status, report.facts) == ("read", 1)


async def test_an_edited_document_hides_the_facts_that_it_no_longer_holds(
    store: Store, opened: Reopenable
) -> None:
    await add_active_facts(store, "one", "two")
    await store.documents.add(
        record("edited", "/notes/doc.md", at=NOW + timedelta(hours=1)),
        facts("two", "three", document="edited"),
    )
    await activate_all(store)
    for reopen in (False, True):
        again = await opened.reopen() if reopen else store
        assert await texts_near(again, "one") == {"two", "three"}
        stored = await again.facts.fact_at(0)
        assert stored is not None
        assert (stored.fact.text, stored.hidden) == ("one", True), "it keeps its ordinal"
        assert (await again.maintenance.counts()).hidden == 1


async def test_a_document_that_comes_back_is_active_again(store: Store) -> None:
    await add_active_facts(store, "one", "two")
    await store.documents.add(
        record("edited", "/notes/doc.md", at=NOW + timedelta(hours=1)),
        facts("three", document="edited"),
    )
    await activate_all(store)
    await store.documents.add(record("doc", at=NOW + timedelta(hours=2)), facts("one", "two"))
    assert await texts_near(store, "one") == {"one", "two"}
    assert {
        report.document_id: report.current
        for report in await store.documents.reports(ListDocuments(limit=10))
    } == {"doc": True, "edited": False}


async def test_an_older_offer_that_arrives_late_changes_nothing(store: Store) -> None:
    await store.documents.add(
        record("new", "/a.md", at=NOW + timedelta(hours=1)), facts("new", document="new")
    )
    await store.documents.add(record("old", "/a.md"), facts("old", document="old"))
    await activate_all(store)
    assert await texts_near(store, "old") == {"new"}
    await store.documents.remove("/b.md", NOW + timedelta(hours=1))
    await store.documents.add(record("late", "/b.md"), facts("late", document="late"))
    await activate_all(store)
    assert await texts_near(store, "late") == {"new"}


async def test_removing_a_document_hides_the_facts_that_no_other_one_holds(store: Store) -> None:
    await add_active_facts(store, "one", "two", document="first")
    await add_active_facts(store, "two", document="second")
    changed = await store.documents.remove("/notes/first.md", NOW + timedelta(hours=1))
    assert ([fact.text for fact in changed.hidden], [fact.text for fact in changed.active]) == (
        ["one"],
        ["two"],
    )
    assert await texts_near(store, "one") == {"two"}
    assert [fact.source for fact in await store.facts.get(["id two"])] == ["/notes/second.md"], (
        "where people find it now"
    )
    assert (await store.documents.remove("/notes/first.md", NOW + timedelta(hours=1))).hidden == ()
    assert (await store.documents.remove("/notes/nobody.md", NOW)).hidden == ()


async def test_a_fact_that_is_removed_before_it_has_a_vector_is_hidden_at_once(
    store: Store,
) -> None:
    await store.documents.add(record(), facts("one", "two"))
    await store.documents.remove("/notes/doc.md", NOW + timedelta(hours=1))
    await activate_all(store)
    assert await texts_near(store, "one") == set()
    assert (await store.maintenance.counts()).hidden == 2


async def test_a_report_says_what_was_left_out_also_after_a_restart(
    store: Store, opened: Reopenable
) -> None:
    left_out = (LeftOutReport(kind="pictures", count=2, text="2 pictures hold no text"),)
    await store.documents.add(replace(record(), kind="pdf", left_out=left_out), facts("one"))
    for reopen in (False, True):
        again = await opened.reopen() if reopen else store
        (report,) = await again.documents.reports(ListDocuments(limit=10))
        assert (report.kind, report.left_out) == ("pdf", left_out)


async def test_facts_are_known_from_another_source_while_a_current_document_there_holds_them(
    store: Store,
) -> None:
    await add_active_facts(store, "one", "two", document="first")
    await add_active_facts(store, "three", document="second")
    known = store.documents.known_from
    assert await known("/notes/new.md", ["id one", "id two"]) == ["/notes/first.md"]
    both = ["/notes/first.md", "/notes/second.md"]
    assert await known("/notes/new.md", ["id one", "id three", "id two"]) == both
    assert await known("/notes/new.md", ["id one", "id new"]) == []
    assert await known("/notes/first.md", ["id one", "id two"]) == [], "its own"
    await store.documents.remove("/notes/first.md", NOW + timedelta(hours=1))
    assert await known("/notes/new.md", ["id one"]) == [], "it comes back with the new document"


async def test_an_erased_document_says_nothing_of_what_was_in_it(store: Store) -> None:
    left_out = (LeftOutReport(kind="code", count=1, text="1 passage of code: secret"),)
    await store.documents.add(replace(record(), left_out=left_out), facts("one"))
    await store.erasure.erase(["/notes/doc.md"], [], derived=False, note="erased by me")
    (report,) = await store.documents.reports(ListDocuments(limit=10))
    assert (report.status, report.left_out) == ("refused", ())
