"""A backup of the running memory, and its restore, over the real broker."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest
from nats.aio.client import Client

from daydream_contracts.errors import PermanentError
from daydream_contracts.events import (
    DocumentOffered,
    Message,
    OutcomeRecorded,
    ReviewRecorded,
    TrialResult,
    VerdictReached,
    VisibilityChanged,
)
from daydream_contracts.rpc import (
    BackedUp,
    BackUp,
    EmptyRequest,
    Erase,
    ListVerdicts,
    MemoryState,
    Resolve,
    RestoreBackup,
    Restored,
    Search,
)
from daydream_contracts.topology import (
    MEMORY_BACK_UP,
    MEMORY_ERASE,
    MEMORY_RESOLVE,
    MEMORY_RESTORE,
    MEMORY_SEARCH,
    MEMORY_STATE,
    MEMORY_VERDICTS,
    route_of,
)
from daydream_memory.backups import StreamContext
from daydream_memory.sqlite import open_sqlite_store
from daydream_memory.sqlite.backup import REPLACED, STAGED, install_staged, read_contents
from daydream_runtime.rpc import RpcClient
from support.gateway import MODEL, running_gateway
from support.polling import eventually
from support.programs import EndpointProgram, NatsServer
from support.services import service

EXAMPLE = Path(__file__).parent.parent / "contracts" / "messages" / "VerdictReached.v1.json"
NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
SECRET = "/secret.jsonl"


async def say(nc: Client, message: Message) -> None:
    """Publish a message and wait until the memory has acknowledged it.

    A message that is not acknowledged counts as later than a backup.
    """
    route, js = route_of(type(message)), nc.jetstream()
    sequence = (await js.publish(route.subject, message.model_dump_json().encode())).seq

    async def is_acknowledged() -> bool:
        floor = (await js.consumer_info(route.stream, "memory")).ack_floor
        return floor is not None and floor.stream_seq >= sequence

    await eventually(is_acknowledged)


async def offer(nc: Client, source: str, *texts: str) -> None:
    data = "\n".join(json.dumps({"text": text}) for text in texts).encode()
    content = base64.b64encode(data)
    await say(
        nc,
        DocumentOffered(
            document_id=source,
            content=content,
            source=source,
            size_bytes=len(data),
            offered_at=datetime.now(UTC),
        ),
    )


def verdict(name: str) -> VerdictReached:
    example = VerdictReached.model_validate_json(EXAMPLE.read_text())
    assert example.hypothesis.synthesis
    synthesis = example.hypothesis.synthesis.model_copy(
        update={"hypothesis": f"A hypothesis of its own about {name}."}
    )
    proposed = example.hypothesis.model_copy(
        update={"hypothesis_id": f"h {name}", "synthesis": synthesis}
    )
    return example.model_copy(
        update={
            "verdict_id": f"v {name}",
            "hypothesis": proposed,
            "payer": None,
            "reached_at": datetime.now(UTC),
        }
    )


def opinion(name: str) -> ReviewRecorded:
    return ReviewRecorded(
        verdict_id=f"v {name}", accepted=True, who="ada", recorded_at=datetime.now(UTC)
    )


def outcome(name: str, result: TrialResult) -> OutcomeRecorded:
    return OutcomeRecorded(
        verdict_id=f"v {name}", result=result, who="bob", recorded_at=datetime.now(UTC)
    )


@dataclass(frozen=True)
class MemoryClient:
    """Asks the memory and waits for its state."""

    rpc: RpcClient

    async def state(self) -> MemoryState:
        return await self.rpc.request(MEMORY_STATE, EmptyRequest())

    async def until(self, **wanted: int) -> None:
        """Wait until these counts of the state have these values."""

        async def holds() -> bool:
            state = await self.state()
            return {name: getattr(state, name) for name in wanted} == wanted

        await eventually(holds)

    async def back_up(self) -> BackedUp:
        return await self.rpc.request(MEMORY_BACK_UP, BackUp(backup_id="one"))

    async def restore(self, object_name: str, sha256: str) -> Restored:
        request = RestoreBackup(object_name=object_name, sha256=sha256, who="ada")
        return await self.rpc.request(MEMORY_RESTORE, request)


async def store_before_the_backup(nc: Client, memory: MemoryClient) -> None:
    open_facts = (
        f"Fact number {number} is open to everybody who wants to read it." for number in range(5)
    )
    await offer(nc, "/open.jsonl", *open_facts)
    await offer(
        nc, SECRET, "The alloy of the bell is a secret of this house, and nobody may read of it."
    )
    await memory.until(facts=6)
    await say(nc, verdict("early"))
    await memory.until(verdicts=1)
    await say(nc, opinion("early"))
    await say(nc, outcome("early", TrialResult.REFUTED))


async def change_after_the_backup(nc: Client, memory: MemoryClient) -> None:
    """Add a fact and an insight, erase a document, and retract the early insight."""
    await offer(nc, "/later.jsonl", "A fact that nobody knew yet when the backup was made.")
    await say(nc, verdict("late"))
    await say(nc, await verdict_about_the_secret(memory))
    await memory.until(facts=8 + 2, verdicts=3)
    await say(nc, outcome("late", TrialResult.CONFIRMED))
    now = datetime.now(UTC)
    await memory.rpc.request(MEMORY_ERASE, Erase(sources=(SECRET,), who="ada", requested_at=now))
    (early,) = (await memory.rpc.request(MEMORY_RESOLVE, Resolve(names=("v early",)))).facts
    retraction = VisibilityChanged(
        fact_ids=(early.fact.fact_id,),
        active=False,
        who="ada",
        why="",
        changed_at=datetime.now(UTC),
    )
    await say(nc, retraction)
    await memory.until(insights=1, hidden=3)


async def verdict_about_the_secret(memory: MemoryClient) -> VerdictReached:
    """Return a verdict whose message the erasure deletes."""
    hits = await memory.rpc.request(MEMORY_SEARCH, Search(text="The alloy of the bell", limit=1))
    secret = hits.hits[0].fact
    assert secret.source == SECRET
    example = verdict("secret")
    pair = example.hypothesis.pair.model_copy(update={"first": secret})
    hypothesis = example.hypothesis.model_copy(update={"pair": pair})
    return example.model_copy(update={"hypothesis": hypothesis})


async def check_restored(memory: MemoryClient, before: MemoryState) -> None:
    after = await memory.state()
    assert after.generation != before.generation
    assert (after.verdicts, after.insights, after.hidden) == (3, 1, 3), (
        "the late verdicts, the erasure and the retraction"
    )
    assert after.facts == before.facts - 1, (
        "what was ingested since is ingested again by whoever has it"
    )
    page = await memory.rpc.request(MEMORY_VERDICTS, ListVerdicts(promoted_only=False))
    assert {verdict.verdict_id for verdict in page.verdicts} == {
        "v early",
        "v late",
        "v secret",
    }
    assert [review.who for review in page.reviews] == ["ada"]
    assert {outcome.verdict_id: outcome.result for outcome in page.outcomes} == {
        "v early": TrialResult.REFUTED,
        "v late": TrialResult.CONFIRMED,
    }, "those of the copy, and those since"


async def test_what_came_after_a_backup_is_there_again_and_what_was_erased_is_not(
    tmp_path: Path, server: NatsServer, nc: Client, endpoint: EndpointProgram
) -> None:
    memory = MemoryClient(RpcClient(nc))
    async with running_gateway(
        server, nc, endpoint.url, tmp_path / "gateway", stage="memory"
    ) as gateway:
        settings = {**gateway.stage_environment, "DAYDREAM_MEMORY_EMBEDDING_NAME": MODEL}
        with service("memory", server.url, tmp_path / "memory", **settings) as process:
            await store_before_the_backup(nc, memory)
            made = await memory.back_up()
            assert (made.facts, made.verdicts) == (6 + (await memory.state()).insights, 1)
            assert await memory.back_up() == made, "the same request, the same copy"
            await change_after_the_backup(nc, memory)
            before = await memory.state()
            with pytest.raises(PermanentError, match="No backup"):
                await memory.restore("two", "")
            with pytest.raises(PermanentError, match="incomplete"):
                await memory.restore("one", "wrong")
            done = await memory.restore("one", made.sha256)
            assert (done.facts, done.verdicts, done.replayed, done.lost) == (made.facts, 1, 4, 0)
            assert await asyncio.to_thread(process.wait, 30) == 75
        with service("memory", server.url, tmp_path / "memory", **settings):
            await check_restored(memory, before)
    files = tmp_path / "memory" / "memory"
    assert [file.name for file in files.iterdir() if file.suffix == ".db"] == ["memory.db"]
    assert b"alloy of the bell" not in (files / "memory.db").read_bytes()


async def test_a_restore_that_was_cut_off_goes_on(tmp_path: Path) -> None:
    """The database is moved away, and the copy is not there yet when the process dies."""
    store = open_sqlite_store(tmp_path, "model")
    generation, file = store.maintenance.generation, tmp_path / "memory.db"
    await store.close()
    with closing(sqlite3.connect(file, isolation_level=None)) as db:
        db.execute(
            "insert into meta values('backup', ?)",
            (json.dumps({"positions": {"VerdictReached": 3}, "made_at": NOW.isoformat()}),),
        )
    (tmp_path / STAGED).write_bytes(file.read_bytes())
    assert read_contents(tmp_path / STAGED).facts == 0
    file.rename(tmp_path / REPLACED)
    assert install_staged(file)
    assert install_staged(file) is None
    again = open_sqlite_store(tmp_path, "model")
    assert again.maintenance.generation != generation
    assert again.backup is not None
    restored = await again.backup.restored_context()
    assert restored is not None
    assert StreamContext.from_json(restored) == StreamContext(NOW, {"VerdictReached": 3})
    await again.backup.finish_restore()
    assert await again.backup.restored_context() is None
    await again.close()


def test_what_is_no_backup_is_refused(tmp_path: Path) -> None:
    wrong = tmp_path / "file"
    for content in (b"", b"words", hashlib.sha256(b"x").digest() * 1000):
        wrong.write_bytes(content)
        with pytest.raises(PermanentError, match="Not a"):
            read_contents(wrong)
