"""From an offer to stored facts and a report, with a pool that answers what a test says."""

from __future__ import annotations

import base64
import os
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO

import pytest
from nats.js.errors import ObjectNotFoundError

from daydream_contracts.access import Clearances
from daydream_contracts.errors import PermanentError
from daydream_contracts.events import DocumentOffered, FactKind
from daydream_contracts.rpc import (
    DocumentReport,
    LeftOutReport,
    ListDocuments,
    PreviewDocument,
    ReadProtected,
)
from daydream_memory.document_reading import ReadingOptions
from daydream_memory.ingest import Ingester
from daydream_memory.metrics import DocumentMetrics
from daydream_memory.sandbox import ReadEnd, ReadFact, ReadOutcome, ReadRequest
from daydream_memory.sqlite import open_sqlite_store
from daydream_memory.store import Store
from daydream_runtime.telemetry import Telemetry, start_telemetry
from support.store_cases import MODEL, activate_all

AT = datetime(2026, 1, 1, tzinfo=UTC)
SCANNED = LeftOutReport(kind="scanned-pages", count=4, text="pages 2–5 hold no text: scanned")


class FakePool:
    """Gives what a test has set, and notes what it was given."""

    def __init__(self) -> None:
        self.outcome = outcome("a fact")
        self.password = ""
        self.seen: list[tuple[bytes, ReadRequest, tuple[str, str]]] = []

    async def read(
        self, descriptor: int, request: ReadRequest, labels: tuple[str, str] = ("", "")
    ) -> ReadOutcome:
        self.seen.append((os.read(descriptor, 1000), request, labels))
        if self.password and self.password not in request.passwords:
            note = "encrypted PDF; save a copy without a password"
            return ReadOutcome(end=ReadEnd(status="refused", note=note))
        return self.outcome


class FakeObjects:
    """An object store in memory."""

    def __init__(self) -> None:
        self.held: dict[str, bytes] = {}

    async def get(self, name: str, writeinto: BinaryIO) -> None:
        if name not in self.held:
            raise ObjectNotFoundError
        writeinto.write(self.held[name])

    async def delete(self, name: str) -> None:
        del self.held[name]


class FakeNamedEmbedder:
    """Has a name."""

    model = MODEL

    async def embed(self, texts: Any) -> list[Any]:
        raise AssertionError("nothing is embedded here")


def outcome(*texts: str, **fields: Any) -> ReadOutcome:
    facts = [ReadFact(text=text, position=number) for number, text in enumerate(texts)]
    return ReadOutcome(facts=facts, end=ReadEnd(status="read", **fields))


def offer(source: str = "/a.pdf", **fields: Any) -> DocumentOffered:
    content = base64.b64encode(b"the bytes")
    return DocumentOffered.model_validate(
        {
            "document_id": f"id {source}",
            "source": source,
            "size_bytes": 9,
            "content": content,
            "offered_at": AT,
            **fields,
        }
    )


@pytest.fixture
def telemetry() -> Telemetry:
    return start_telemetry("memory", "one")


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    opened = open_sqlite_store(tmp_path, MODEL)
    yield opened
    await opened.close()


@pytest.fixture
def ingester(store: Store, telemetry: Telemetry) -> Ingester:
    metrics = DocumentMetrics(telemetry)
    objects: Any = FakeObjects()
    return Ingester(store, FakeNamedEmbedder(), objects, FakePool(), metrics, ReadingOptions(900))


def pool_of(ingester: Ingester) -> FakePool:
    assert isinstance(ingester.pool, FakePool)
    return ingester.pool


async def report(store: Store) -> DocumentReport:
    return (await store.documents.reports(ListDocuments(limit=1)))[0]


async def test_facts_and_what_was_left_out_are_stored_under_the_offers_own_labels(
    store: Store, ingester: Ingester
) -> None:
    pool_of(ingester).outcome = outcome("one", "two", kind="pdf", left_out=(SCANNED,))
    await ingester.read(offer(team="chem", clearance=""))
    await activate_all(store)
    stored = await report(store)
    assert (stored.status, stored.facts, stored.kind, stored.left_out) == (
        "read",
        2,
        "pdf",
        (SCANNED,),
    )
    facts = [await store.facts.fact_at(ordinal) for ordinal in range(2)]
    assert [(each.fact.text, each.fact.source, each.fact.team) for each in facts if each] == [
        ("one", "/a.pdf", "chem"),
        ("two", "/a.pdf", "chem"),
    ]
    assert pool_of(ingester).seen == [
        (b"the bytes", ReadRequest(source="/a.pdf", chars_max=900), ("chem", ""))
    ]


async def test_a_limit_is_a_line_in_the_report_and_keeps_what_was_read(
    store: Store, ingester: Ingester
) -> None:
    reason = "reading stopped: it needed more than 512 MB of memory"
    stopped = (LeftOutReport(kind="stopped", count=1, text=reason),)
    pool_of(ingester).outcome = ReadOutcome(stopped=reason)
    await ingester.read(offer())
    stored = await report(store)
    assert (stored.status, stored.note, stored.left_out) == ("refused", "", stopped)
    pool_of(ingester).outcome = ReadOutcome(facts=[ReadFact(text="before")], stopped=reason)
    await ingester.read(offer(returned=True))
    stored = await report(store)
    assert (stored.status, stored.facts, stored.left_out) == ("read", 1, stopped)


async def test_what_a_reader_cannot_read_is_refused_with_its_words(
    store: Store, ingester: Ingester
) -> None:
    words = "cannot be read: ValueError: odd page"
    end = ReadEnd(status="refused", note=words, sound=False)
    pool_of(ingester).outcome = ReadOutcome(end=end, stopped=words)
    await ingester.read(offer())
    stored = await report(store)
    assert (stored.status, stored.note, stored.left_out) == ("refused", words, ())


async def test_a_document_without_a_fact_is_skipped_and_says_what_was_left_out(
    store: Store, ingester: Ingester
) -> None:
    pool_of(ingester).outcome = outcome(left_out=(SCANNED,))
    await ingester.read(offer())
    stored = await report(store)
    assert (stored.status, stored.note) == ("skipped", "nothing long enough to be a fact")
    assert stored.left_out == (SCANNED,)


async def test_a_document_that_says_nothing_new_names_where_its_facts_are_known_from(
    store: Store, ingester: Ingester
) -> None:
    pool_of(ingester).outcome = outcome("one", "two")
    await ingester.read(offer("/a.pdf"))
    await ingester.read(offer("/b.pdf"))
    (known,) = (await report(store)).left_out
    assert (known.kind, known.count, known.text) == ("known", 2, "known already from /a.pdf")
    pool_of(ingester).outcome = outcome("one", "three")
    await ingester.read(offer("/c.pdf"))
    assert (await report(store)).left_out == ()


async def test_a_large_document_comes_from_the_object_store_and_goes_from_there(
    store: Store, ingester: Ingester
) -> None:
    objects: Any = ingester.objects
    objects.held["object"] = b"many bytes"
    large = offer(content=None, object_name="object")
    await ingester.read(large)
    assert pool_of(ingester).seen[0][0] == b"many bytes"
    assert objects.held == {}
    await ingester.read(large)  # only the acknowledgement was lost
    with pytest.raises(PermanentError, match="not in the object store"):
        await ingester.read(offer("/other.pdf", content=None, object_name="object"))


async def test_what_the_embedding_model_may_not_see_is_not_read_at_all(
    store: Store, ingester: Ingester
) -> None:
    ingester.clearances, ingester.clearance = Clearances(("secret",)), ""
    await ingester.read(offer(clearance="secret"))
    assert (await report(store)).status == "refused"
    assert pool_of(ingester).seen == []


async def test_passwords_are_tried_on_an_encrypted_document_and_sent_with_no_other_one(
    store: Store, ingester: Ingester
) -> None:
    ingester.options = ReadingOptions(900, ("wrong", "right"))
    await ingester.read(offer("/open.pdf"))
    pool_of(ingester).password = "right"
    await ingester.read(offer("/closed.pdf"))
    assert (await report(store)).status == "read"
    seen = [(data, request.passwords) for data, request, _ in pool_of(ingester).seen]
    assert seen == [
        (b"the bytes", ()),
        (b"the bytes", ()),
        (b"the bytes", ("wrong", "right")),
    ]


async def test_a_password_that_comes_with_a_request_opens_the_document_and_is_forgotten(
    store: Store, ingester: Ingester
) -> None:
    pool_of(ingester).password = "right"
    await ingester.read(offer("/closed.pdf"))
    assert (await report(store)).status == "refused"
    request = ReadProtected(document=offer("/closed.pdf"), passwords=("right",))
    assert (await ingester.read_protected(request)).status == "read"
    assert (await report(store)).status == "read"
    await ingester.read(offer("/closed.pdf"))
    assert pool_of(ingester).seen[-1][1].passwords == ()
    assert "right" not in repr(request)


async def test_a_preview_stores_nothing_and_says_what_is_new(
    store: Store, ingester: Ingester
) -> None:
    pool_of(ingester).outcome = outcome("one")
    await ingester.read(offer())
    await activate_all(store)
    pool_of(ingester).outcome = outcome("one", "three", "three", left_out=(SCANNED,))
    ingester.embedding_name = "embed-1"
    previewed = await ingester.preview(
        PreviewDocument(source="/b.pdf", content=base64.b64encode(b"b"))
    )
    assert (previewed.facts, previewed.known, previewed.embedding_bytes) == (2, 1, len("three"))
    assert (previewed.embedding_model, previewed.left_out) == ("embed-1", (SCANNED,))
    assert len(await store.documents.reports(ListDocuments(limit=10))) == 1


async def test_documents_and_what_was_left_out_are_counted(
    ingester: Ingester, telemetry: Telemetry
) -> None:
    pool_of(ingester).outcome = outcome("one", kind="pdf", left_out=(SCANNED,))
    await ingester.read(offer(kind=FactKind.DOCUMENT))
    value = telemetry.registry.get_sample_value
    read = {"daydream_document_status": "read", "daydream_document_kind": "pdf"}
    samples = {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for metric in telemetry.registry.collect()
        for sample in metric.samples
        if sample.name.startswith("daydream_documents")
    }
    assert value is not None
    assert [
        amount for (name, labels), amount in samples.items() if set(read.items()) <= set(labels)
    ]
    assert [
        amount
        for (name, labels), amount in samples.items()
        if ("daydream_left_out", "scanned-pages") in labels
    ] == [4]
