"""The memory's real application in memory: handlers, endpoints and what they publish."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

import pytest
from faststream.nats import TestNatsBroker

from daydream_contracts.errors import PermanentError
from daydream_contracts.events import (
    DocumentRemoved,
    InsightPromoted,
    Message,
    VerdictReached,
)
from daydream_contracts.rpc import BackUp, EmptyRequest, MemoryState
from daydream_contracts.topology import MEMORY_BACK_UP, MEMORY_STATE, route_of
from daydream_memory.app import CONSUMERS, ENDPOINTS, build
from daydream_memory.backups import NoBackups
from daydream_memory.queries import MemoryQueries
from daydream_memory.settings import MemorySettings
from daydream_memory.sqlite import open_sqlite_store
from daydream_runtime.application import ServiceApp
from daydream_runtime.rpc import FAILURE_HEADER, REASON_HEADER
from support.store_cases import MODEL, add_active_facts, verdict

AT = datetime(2026, 1, 1, tzinfo=UTC)


class FakeVerdictWriter:
    """Promotes the pair's first fact of every verdict."""

    def __init__(self) -> None:
        self.verdicts: list[VerdictReached] = []

    async def write_verdict(self, verdict: VerdictReached) -> Sequence[InsightPromoted]:
        self.verdicts.append(verdict)
        fact = verdict.hypothesis.pair.first
        return [
            InsightPromoted(
                insight_id=fact.fact_id, fact=fact, verdict=verdict, ancestry=(), promoted_at=AT
            )
        ]


class FakeIngester:
    """Notes what is removed."""

    def __init__(self) -> None:
        self.removed: list[str] = []

    async def remove(self, removal: DocumentRemoved) -> None:
        self.removed.append(removal.source)


class FakePublisher:
    """Notes what is published."""

    def __init__(self) -> None:
        self.events: list[Message] = []

    async def publish(self, event: Message) -> None:
        self.events.append(event)


@pytest.fixture
def app() -> ServiceApp:
    return build(MemorySettings(concurrency=1))


async def test_a_promoted_verdict_is_written_and_its_insight_published(app: ServiceApp) -> None:
    writer, publisher = FakeVerdictWriter(), FakePublisher()
    app.context.set_global("writer", writer)
    app.context.set_global("publisher", publisher)
    reached, route = verdict("a"), route_of(VerdictReached)
    async with TestNatsBroker(app.nats) as broker:
        await broker.publish(reached, route.subject, stream=route.stream)
    assert writer.verdicts == [reached]
    assert [type(event) for event in publisher.events] == [InsightPromoted]


async def test_a_removed_document_is_removed(app: ServiceApp) -> None:
    app.context.set_global("ingester", ingester := FakeIngester())
    removal = DocumentRemoved(source="/a.md", removed_at=AT)
    route = route_of(DocumentRemoved)
    async with TestNatsBroker(app.nats) as broker:
        await broker.publish(removal, route.subject, stream=route.stream)
    assert ingester.removed == ["/a.md"]


async def test_the_state_endpoint_reports_the_store(app: ServiceApp, tmp_path: Path) -> None:
    store = open_sqlite_store(tmp_path, MODEL)
    await add_active_facts(store, "one", "two")
    app.context.set_global("memory_queries", MemoryQueries(store, MODEL))
    async with TestNatsBroker(app.nats) as broker:
        reply = await broker.request(EmptyRequest(), MEMORY_STATE.subject)
    state = MemoryState.model_validate_json(reply.body)
    assert (state.facts, state.embedding_model) == (2, MODEL)
    await store.close()


async def test_a_store_without_backups_says_so(app: ServiceApp) -> None:
    app.context.set_global("backups", NoBackups())
    async with TestNatsBroker(app.nats) as broker:
        reply = await broker.request(BackUp(backup_id="one"), MEMORY_BACK_UP.subject)
    assert reply.headers[FAILURE_HEADER] == "permanent"
    assert reply.headers[REASON_HEADER] == "no-backup-here"
    with pytest.raises(PermanentError, match="own backups"):
        await NoBackups().back_up(BackUp(backup_id="one"))


def test_every_message_and_endpoint_of_the_memory_has_a_handler(app: ServiceApp) -> None:
    subjects = {cast(Any, subscriber).subject.template for subscriber in app.nats.subscribers}
    routes = {route_of(message).subject for message in CONSUMERS}
    assert subjects == routes | {endpoint.subject for endpoint in ENDPOINTS}
