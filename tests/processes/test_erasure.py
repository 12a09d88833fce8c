"""Erasure reaches the streams too, and says what it cannot reach. Nothing in progress is lost."""

from __future__ import annotations

import asyncio
import base64
import json
from datetime import UTC, datetime
from pathlib import Path

from nats.aio.client import Client

from daydream_contracts.events import Decision, DocumentOffered, Message, VerdictReached, derive_id
from daydream_contracts.rpc import EmptyRequest, Erase, Erased, ListVerdicts
from daydream_contracts.topology import MEMORY_ERASE, MEMORY_STATE, MEMORY_VERDICTS, route_of
from daydream_memory.fact_fingerprint import fingerprint
from daydream_runtime.rpc import RpcClient
from support.message_builders import hypothesis, pair
from support.polling import eventually
from support.programs import NatsServer
from support.services import service

AT = datetime(2026, 6, 1, tzinfo=UTC)
SOURCE = '/my "notes".jsonl'
SECRET = (
    "The recipe for the bronze of the old bells is kept by one family and was never to be written"
    " down by anybody."
)
OTHER = (
    "Salt was once so dear that armies were paid in it, and roads were built for nothing but to"
    " carry it inland."
)
EXAMPLE = Path(__file__).parents[1] / "contracts" / "messages" / "VerdictReached.v1.json"


async def tell(nc: Client, message: Message) -> None:
    await nc.jetstream().publish(
        route_of(type(message)).subject, message.model_dump_json().encode()
    )


def verdict(number: int, first: str, second: str) -> VerdictReached:
    drawn = pair(number)
    facts = [
        fact.model_copy(update={"fact_id": derive_id("fact", fingerprint(text)), "text": text})
        for fact, text in zip((drawn.first, drawn.second), (first, second), strict=True)
    ]
    proposed = hypothesis(number).model_copy(
        update={"pair": drawn.model_copy(update={"first": facts[0], "second": facts[1]})}
    )
    example = VerdictReached.model_validate_json(EXAMPLE.read_text())
    return example.model_copy(
        update={
            "verdict_id": derive_id("v", number),
            "hypothesis": proposed,
            "nearest": None,
            "decision": Decision.DISCARDED,
        }
    )


async def bodies(nc: Client, stream: str) -> list[bytes]:
    state = (await nc.jetstream().stream_info(stream)).state
    messages = []
    for sequence in range(state.first_seq, state.last_seq + 1):
        try:
            messages.append((await nc.jetstream().get_msg(stream, seq=sequence)).data or b"")
        except Exception:
            continue
    return messages


async def store_document_and_verdicts(nc: Client, rpc: RpcClient) -> None:
    """Ingest both texts, and write three verdicts: two of them are about the secret."""
    data = "\n".join(json.dumps({"text": text}) for text in (SECRET, OTHER)).encode()
    document = DocumentOffered(
        document_id="d",
        content=base64.b64encode(data),
        source=SOURCE,
        size_bytes=len(data),
        offered_at=AT,
    )
    await tell(nc, document)
    pairs_of_texts = [(SECRET, OTHER), (OTHER, OTHER + " And more."), (OTHER, SECRET)]
    for number, texts in enumerate(pairs_of_texts):
        await tell(nc, verdict(number, *texts))

    async def is_stored() -> bool:
        state = await rpc.request(MEMORY_STATE, EmptyRequest())
        return state.facts >= 2 and state.verdicts >= 3

    await eventually(is_stored)


async def erase_fact(rpc: RpcClient, text: str) -> Erased:
    """Erase a fact until both verdicts about it are out of their stream."""
    request = Erase(fact_ids=(derive_id("fact", fingerprint(text)),), who="ada", requested_at=AT)
    async with asyncio.timeout(30):
        erased = await rpc.request(MEMORY_ERASE, request, patience_s=30, try_s=30)
        while erased.messages.get("VERDICTS") != 2:  # the memory's last acks may be in progress
            erased = await rpc.request(MEMORY_ERASE, request, patience_s=30, try_s=30)
    return erased


async def erased_facts_per_verdict(rpc: RpcClient) -> list[int]:
    page = await rpc.request(MEMORY_VERDICTS, ListVerdicts(promoted_only=False))
    pairs = [verdict.hypothesis.pair for verdict in page.verdicts]
    return sorted([pair.first.text, pair.second.text].count("(erased)") for pair in pairs)


async def test_an_erased_document_is_in_no_stream_and_its_verdicts_are_kept_without_it(
    tmp_path: Path, server: NatsServer, nc: Client
) -> None:
    rpc = RpcClient(nc)
    with (
        service("budget", server.url, tmp_path / "budget"),
        service("memory", server.url, tmp_path / "memory"),
    ):
        await store_document_and_verdicts(nc, rpc)
        erased = await erase_fact(rpc, SECRET)
        assert erased.facts == 1
        assert any("providers" in item for item in erased.out_of_reach)
        assert not [
            body
            for stream in ("VERDICTS", "DOCUMENTS", "INSIGHTS")
            for body in await bodies(nc, stream)
            if b"bronze" in body
        ]
        assert len(await bodies(nc, "VERDICTS")) == 1
        assert await erased_facts_per_verdict(rpc) == [0, 1, 1]
        document = Erase(sources=(SOURCE,), who="ada", requested_at=AT)
        again = await rpc.request(MEMORY_ERASE, document, patience_s=30, try_s=30)
        assert again.facts == 2, "with what the document says besides"
    assert b"bronze" not in b"".join(
        file.read_bytes() for file in (tmp_path / "memory" / "memory").iterdir()
    )
