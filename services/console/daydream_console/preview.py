"""What an ingest would read, and what embedding would cost. Nothing is stored."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import dataclass

from nats.js.object_store import ObjectStore

from daydream_console.client import Client
from daydream_console.ingest import INLINE_BYTES_MAX, Content, Labels, Offered, load
from daydream_console.sources import SourceDocument
from daydream_contracts.buckets import DOCUMENT_OBJECTS
from daydream_contracts.errors import RetryLaterError
from daydream_contracts.events import ContractModel, derive_id
from daydream_contracts.rpc import (
    DocumentPreview,
    LeftOutReport,
    PreviewDocument,
    Quote,
    QuoteRequest,
)
from daydream_contracts.topology import GATEWAY_QUOTE, MEMORY_PREVIEW

READ_S = 300.0  # documents wait for each other
QUOTE_S = 5.0
BYTES_PER_TOKEN = 4  # of English; of other scripts more tokens, at most one a byte
AT_ONCE = 4


class PreviewedDocument(ContractModel):
    """What an ingest would do with one document."""

    source: str
    status: str
    note: str
    kind: str = ""
    left_out: tuple[LeftOutReport, ...] = ()
    facts: int = 0
    known: int = 0
    embedding_bytes: int = 0


@dataclass(frozen=True)
class EmbeddingCost:
    """What embedding the new facts costs, about and at most. `problem`: why it is not known."""

    model: str
    about_nanousd: int = 0
    max_nanousd: int = 0
    problem: str = ""


async def preview(
    client: Client, documents: Iterable[SourceDocument], labels: Labels
) -> AsyncIterator[tuple[PreviewedDocument, str]]:
    """Yield each document in order, with the name of the model that would embed it."""
    objects = await client.js.object_store(DOCUMENT_OBJECTS)
    running: list[asyncio.Task[tuple[PreviewedDocument, str]]] = []
    try:
        for document in documents:
            content = await asyncio.to_thread(load, document)
            if isinstance(content, Content):
                work = _preview(client, objects, content, labels)
            else:
                work = _not_loaded(content)
            running.append(asyncio.create_task(work))
            if len(running) == AT_ONCE:
                yield await running.pop(0)
        while running:
            yield await running.pop(0)
    finally:
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)


async def embedding_cost(
    client: Client, documents: Sequence[PreviewedDocument], models: set[str]
) -> EmbeddingCost:
    """Return what embedding the new facts costs, by the prices that the gateway quotes."""
    model = next(filter(None, sorted(models)), "")
    if not model:
        return EmbeddingCost("")
    try:
        request = QuoteRequest(model=model)
        quote: Quote = await client.rpc.request(GATEWAY_QUOTE, request, patience_s=QUOTE_S)
    except RetryLaterError:
        return EmbeddingCost(model, problem="the gateway does not run. Start it: daydream up")
    if quote.problem:
        return EmbeddingCost(model, problem=f"{quote.problem}. {quote.fix}")
    size = sum(document.embedding_bytes for document in documents)
    about = size * quote.input_token_nanousd // BYTES_PER_TOKEN
    return EmbeddingCost(model, about, size * quote.input_token_nanousd)


async def _not_loaded(offered: Offered) -> tuple[PreviewedDocument, str]:
    status, note = (offered.report.status, offered.report.note) if offered.report else ("", "")
    return PreviewedDocument(source=offered.source, status=status, note=note), ""


async def _preview(
    client: Client, objects: ObjectStore, content: Content, labels: Labels
) -> tuple[PreviewedDocument, str]:
    is_inline = len(content.data) <= INLINE_BYTES_MAX
    name = "" if is_inline else derive_id("preview", labels.id_of(content.data), content.source)
    request = PreviewDocument(
        source=content.source,
        object_name=name,
        content=base64.b64encode(content.data) if is_inline else None,
        team=labels.team,
        clearance=labels.clearance,
    )
    if name:
        await objects.put(name, content.data)
    try:
        answer: DocumentPreview = await client.rpc.request(
            MEMORY_PREVIEW, request, patience_s=READ_S, try_s=READ_S
        )
    finally:
        if name:
            await objects.delete(name)
    values = answer.model_dump(exclude={"embedding_model"})
    return PreviewedDocument(source=content.source, **values), answer.embedding_model
