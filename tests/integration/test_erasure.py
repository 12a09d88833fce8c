"""Erasure reaches the streams too, and says what it cannot reach. Nothing in progress is lost."""

from __future__ import annotations

import asyncio
import base64
import json
from datetime import UTC, datetime
from pathlib import Path

from nats.aio.client import Client

from daydream_contracts.events import Decision, DocumentOffered, Message, VerdictReached, derive_id
from daydream_contracts.rpc import EmptyRequest, Erase, ListVerdicts
from daydream_contracts.topology import MEMORY_ERASE, MEMORY_STATE, MEMORY_VERDICTS, route_of
from daydream_memory.fact_fingerprint import fingerprint
from daydream_runtime.rpc import RpcClient
from support.message_builders import hypothesis, pair
from support.polling import eventually
from support.programs import NatsServer
from support.services import service

AT = datetime(2026, 6, 1, tzinfo=UTC)
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


async def test_an_erased_document_is_in_no_stream_and_its_verdicts_are_kept_without_it(
    tmp_path: Path, server: NatsServer, nc: Client
) -> None:
    rpc = RpcClient(nc)
    with (
        service("budget", server.url, tmp_path / "budget"),
        service("memory", server.url, tmp_path / "memory"),
    ):
        data = "\n".join(json.dumps({"text": text}) for text in (SECRET, OTHER)).encode()
        await tell(
            nc,
            DocumentOffered(
                document_id="d",
                content=base64.b64encode(data),
                source='/my "notes".jsonl',
                size_bytes=len(data),
                offered_at=AT,
            ),
        )
        for number, texts in enumerate(
            [(SECRET, OTHER), (OTHER, OTHER + " And more."), (OTHER, SECRET)]
        ):
            await tell(nc, verdict(number, *texts))

        async def is_stored() -> bool:
            state = await rpc.request(MEMORY_STATE, EmptyRequest())
            return state.facts >= 2 and state.verdicts >= 3

        await eventually(is_stored)
        async with asyncio.timeout(30):
            request = Erase(
                fact_ids=(derive_id("fact", fingerprint(SECRET)),), who="ada", requested_at=AT
            )
            done = await rpc.request(MEMORY_ERASE, request, patience_s=30, try_s=30)
            while done.messages.get("VERDICTS") != 2:  # the memory's last acks may be in progress
                done = await rpc.request(MEMORY_ERASE, request, patience_s=30, try_s=30)
        assert done.facts == 1
        assert any("providers" in item for item in done.out_of_reach)
        assert not [
            body
            for stream in ("VERDICTS", "DOCUMENTS", "INSIGHTS")
            for body in await bodies(nc, stream)
            if b"bronze" in body
        ]
        assert len(await bodies(nc, "VERDICTS")) == 1
        page = await rpc.request(MEMORY_VERDICTS, ListVerdicts(promoted_only=False))
        erased = [
            sum(
                fact.text == "(erased)"
                for fact in (verdict.hypothesis.pair.first, verdict.hypothesis.pair.second)
            )
            for verdict in page.verdicts
        ]
        assert sorted(erased) == [0, 1, 1]
        again = await rpc.request(
            MEMORY_ERASE,
            Erase(sources=('/my "notes".jsonl',), who="ada", requested_at=AT),
            patience_s=30,
            try_s=30,
        )
        assert again.facts == 2, "with what the document says besides"
    assert b"bronze" not in b"".join(
        file.read_bytes() for file in (tmp_path / "memory" / "memory").iterdir()
    )
