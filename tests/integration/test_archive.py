"""Old commits move out of the ledger's stream into its archive; whoever reads the ledger sees one, whole."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from nats.aio.client import Client
from nats.js import JetStreamContext

from daydream_budget.audit.auditor import Auditor
from daydream_budget.ledger import archive, snapshots
from daydream_budget.ledger.entries import COMMIT
from daydream_budget.ledger.ledger import Ledger, replay
from daydream_budget.ledger.state import LedgerState
from daydream_contracts.errors import ConfigurationError
from daydream_contracts.rpc import EmptyRequest
from daydream_contracts.topology import ARCHIVE_OBJECTS, BUDGET_STATE, LEDGER_SUBJECT, STREAMS
from daydream_runtime.provisioning import provision, stream_config
from daydream_runtime.rpc import RpcClient
from support.desk import Recorded
from support.programs import NatsServer, clean_environment
from support.services import service

CAP = 1_000_000
TWO_SEGMENTS = 2 * archive.SEGMENT


@pytest.fixture
async def desk(nc: Client) -> Recorded:
    """A ledger of 1202 commits, in the stream."""
    await provision(nc, replicas=1)
    return await written(nc.jetstream())


async def written(js: JetStreamContext, dearer: int = 0) -> Recorded:
    desk = Recorded(lifetime=CAP)
    desk.open("stays open", 700)
    for number in range(300):
        desk.spend(f"e{number}", 10 + number + dearer)
    acks = [
        await js.publish_async(LEDGER_SUBJECT, COMMIT.dump_json(commit)) for commit in desk.commits
    ]
    await asyncio.gather(*acks)
    return desk


async def first(js: JetStreamContext, stream: str = "LEDGER") -> int:
    return (await js.stream_info(stream)).state.first_seq


async def folded(
    js: JetStreamContext, after: int = 0, books: LedgerState | None = None
) -> snapshots.LedgerSnapshot:
    books = books or LedgerState()
    return snapshots.LedgerSnapshot.of(books, await replay(js, books, after))


async def audit(server: NatsServer, folder: Path) -> dict[str, Any]:
    command = [sys.executable, "-m", "daydream_budget", "audit", "--json"]
    environment = clean_environment(folder, DAYDREAM_NATS_URL=server.url)
    done = await asyncio.to_thread(
        subprocess.run,
        command,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode in (0, 1), done.stderr
    report: dict[str, Any] = json.loads(done.stdout)
    return report


async def test_what_is_archived_leaves_the_stream_and_its_mirror_and_the_ledger_reads_as_before(
    nc: Client, desk: Recorded
) -> None:
    js = nc.jetstream()
    before = await folded(js)
    assert await archive.compact(js, TWO_SEGMENTS + 100) == TWO_SEGMENTS + 1, "whole segments only"
    assert await first(js) == await first(js, "LEDGER_MIRROR") == TWO_SEGMENTS + 1
    assert await archive.compact(js, TWO_SEGMENTS + 100) == TWO_SEGMENTS + 1, "again is harmless"
    assert await folded(js) == before == snapshots.LedgerSnapshot.of(desk.books, len(desk.commits))
    for after in (1, 499, 500, 501, 999, 1000, 1001, 1202):
        assert [sequence async for sequence, _ in archive.commits(js, after)] == list(
            range(after + 1, 1203)
        )


async def test_a_kill_after_a_segment_was_archived_leaves_it_in_both_places_and_the_next_one_goes_on(
    nc: Client, desk: Recorded
) -> None:
    js = nc.jetstream()
    before = await folded(js)
    await archive._keep(js, 1, archive.SEGMENT)  # and then it died
    assert await first(js) == 1
    assert await folded(js) == before
    await archive.compact(js, TWO_SEGMENTS)
    assert await folded(js) == before


async def test_two_replicas_may_archive_at_once(nc: Client, desk: Recorded) -> None:
    js = nc.jetstream()
    before = await folded(js)
    await asyncio.gather(
        *(archive.compact(js, TWO_SEGMENTS) for _ in range(3)), return_exceptions=True
    )
    await archive.compact(js, TWO_SEGMENTS)
    assert await first(js) == TWO_SEGMENTS + 1
    assert await folded(js) == before


async def test_an_archive_that_says_something_else_is_never_written_over(
    nc: Client, desk: Recorded
) -> None:
    js = nc.jetstream()
    await archive.compact(js, TWO_SEGMENTS)
    for stream in ("LEDGER_MIRROR", "LEDGER"):
        await js.delete_stream(stream)
    await provision(nc, replicas=1)
    await written(js, dearer=1)
    with pytest.raises(archive.ArchiveMismatchError, match="commits 1 to 500"):
        await archive.compact(js, TWO_SEGMENTS)
    assert await first(js) == 1


async def test_a_lost_segment_ends_a_start_and_is_found_by_the_audit(
    server: NatsServer, nc: Client, desk: Recorded, tmp_path: Path
) -> None:
    js = nc.jetstream()
    await archive.compact(js, TWO_SEGMENTS)
    store = await js.object_store(ARCHIVE_OBJECTS)
    await store.delete(archive._name(501))
    with pytest.raises(ConfigurationError, match="lacks commits 501 to 1000"):
        await folded(js)
    auditor = Auditor()
    async for sequence, data in archive.commits(js, 0):
        auditor.take(sequence, COMMIT.validate_json(data))
        if auditor.broken:
            break
    assert auditor.findings[0].kind == "gap"
    with service("budget", server.url, tmp_path, ready=False) as process:
        assert await asyncio.to_thread(process.wait, 20) == 2


async def test_a_replica_that_slept_while_others_archived_reads_the_archive(
    nc: Client, desk: Recorded
) -> None:
    async def nothing(*_: object) -> None: ...

    js = nc.jetstream()
    books = LedgerState()
    async for sequence, data in archive.commits(js, 0):
        books.fold(COMMIT.validate_json(data))
        if sequence == 300:
            break
    sleeper = Ledger(js, books, 300, by="sleeper", tell=nothing, on_commit=nothing)
    await archive.compact(js, TWO_SEGMENTS)
    await sleeper.refresh()
    assert snapshots.LedgerSnapshot.of(
        sleeper.books, sleeper.sequence
    ) == snapshots.LedgerSnapshot.of(desk.books, len(desk.commits))


async def test_a_ledger_that_is_sealed_against_purging_is_left_whole(nc: Client) -> None:
    js = nc.jetstream()
    sealed = stream_config(
        next(stream for stream in STREAMS if stream.name == "LEDGER"), replicas=1
    )
    sealed.deny_purge = True
    await js.add_stream(sealed)
    await provision(nc, replicas=1)
    await written(js)
    assert await archive.compact(js, TWO_SEGMENTS) == 1


async def test_the_service_archives_behind_its_snapshot_and_the_audit_reads_it_all(
    server: NatsServer, nc: Client, desk: Recorded, tmp_path: Path
) -> None:
    js, ask = nc.jetstream(), RpcClient(nc)
    settings = {
        "DAYDREAM_BUDGET_SNAPSHOT_COMMITS": "1",
        "DAYDREAM_BUDGET_KEEP_COMMITS": "200",
        "DAYDREAM_BUDGET_SWEEP_S": "0.1",
    }
    with service("budget", server.url, tmp_path, **settings):
        async with asyncio.timeout(
            20
        ):  # "stays open" has expired long ago: the sweep writes that down, and a snapshot follows
            while await first(js) != TWO_SEGMENTS + 1:
                await asyncio.sleep(0.05)
        books = await ask(BUDGET_STATE, EmptyRequest())
        report = await audit(server, tmp_path)
    assert report["findings"] == []
    assert report["commits"] == books.last_sequence
    assert report["settled_nanousd"] == books.settled_nanousd == desk.money.settled
