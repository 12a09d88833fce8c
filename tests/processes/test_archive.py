"""Old commits move from the ledger's stream into its archive; readers see one ledger."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from nats.aio.client import Client
from nats.js import JetStreamContext

from daydream_budget.ledger import archive, snapshots
from daydream_budget.ledger.audit.auditor import Auditor
from daydream_budget.ledger.chain import ChainPosition
from daydream_budget.ledger.entries import COMMIT
from daydream_budget.ledger.projection import LedgerProjection
from daydream_budget.ledger.state import LedgerState
from daydream_contracts.buckets import ARCHIVE_OBJECTS
from daydream_contracts.errors import ConfigurationError
from daydream_contracts.rpc import EmptyRequest
from daydream_contracts.topology import BUDGET_STATE, LEDGER_SUBJECT
from daydream_runtime.provisioning import provision
from daydream_runtime.rpc import RpcClient
from support.fake_ledger import RecordingLedger
from support.ledger_audit import audit
from support.polling import eventually
from support.programs import NatsServer
from support.replicas import make_replica
from support.services import service

CAP = 1_000_000
TWO_SEGMENTS = 2 * archive.SEGMENT_COMMITS


@pytest.fixture
async def ledger(nc: Client) -> RecordingLedger:
    """A ledger of 1202 commits, in the stream."""
    return await publish_ledger(nc.jetstream())


async def publish_ledger(js: JetStreamContext, extra_cost: int = 0) -> RecordingLedger:
    ledger = RecordingLedger(lifetime=CAP)
    ledger.open("stays open", 700)
    for number in range(300):
        ledger.spend(f"e{number}", 10 + number + extra_cost)
    acks = [
        await js.publish_async(LEDGER_SUBJECT, COMMIT.dump_json(commit))
        for commit in ledger.commits
    ]
    await asyncio.gather(*acks)
    return ledger


async def first_sequence(js: JetStreamContext, stream: str = "LEDGER") -> int:
    return (await js.stream_info(stream)).state.first_seq


async def replayed(
    js: JetStreamContext, after: int = 0, state: LedgerState | None = None
) -> snapshots.LedgerSnapshot:
    projection = LedgerProjection(js, state or LedgerState(), ChainPosition(after))
    await projection.replay()
    return snapshots.LedgerSnapshot.of(projection.state, projection.position.sequence)


async def test_archived_commits_leave_stream_and_mirror_and_the_ledger_reads_as_before(
    nc: Client, ledger: RecordingLedger
) -> None:
    js = nc.jetstream()
    before = await replayed(js)
    assert await archive.compact(js, TWO_SEGMENTS + 100) == TWO_SEGMENTS + 1, "whole segments only"
    assert await first_sequence(js) == await first_sequence(js, "LEDGER_MIRROR") == TWO_SEGMENTS + 1
    assert await archive.compact(js, TWO_SEGMENTS + 100) == TWO_SEGMENTS + 1, "again is harmless"
    assert (
        await replayed(js)
        == before
        == snapshots.LedgerSnapshot.of(ledger.state, len(ledger.commits))
    )
    for after in (1, 499, 500, 501, 999, 1000, 1001, 1202):
        assert [message.sequence async for message in archive.messages(js, after)] == list(
            range(after + 1, 1203)
        )


async def test_a_kill_after_archiving_leaves_the_segment_in_both_places_and_the_next_run_continues(
    nc: Client, ledger: RecordingLedger
) -> None:
    js = nc.jetstream()
    before = await replayed(js)
    await archive._store(js, 1, archive.SEGMENT_COMMITS)  # then it was killed
    assert await first_sequence(js) == 1
    assert await replayed(js) == before
    await archive.compact(js, TWO_SEGMENTS)
    assert await replayed(js) == before


async def test_the_last_commit_stays_so_that_another_one_can_follow_it(nc: Client) -> None:
    js = nc.jetstream()
    for number in range(TWO_SEGMENTS):
        await js.publish_async(LEDGER_SUBJECT, str(number).encode())
    await js.publish_async_completed()
    assert await archive.compact(js, TWO_SEGMENTS) == archive.SEGMENT_COMMITS + 1
    expected = {"Nats-Expected-Last-Subject-Sequence": str(TWO_SEGMENTS)}
    assert (await js.publish(LEDGER_SUBJECT, b"next", headers=expected)).seq == TWO_SEGMENTS + 1


async def test_two_replicas_may_archive_at_once(nc: Client, ledger: RecordingLedger) -> None:
    js = nc.jetstream()
    before = await replayed(js)
    await asyncio.gather(
        *(archive.compact(js, TWO_SEGMENTS) for _ in range(3)), return_exceptions=True
    )
    await archive.compact(js, TWO_SEGMENTS)
    assert await first_sequence(js) == TWO_SEGMENTS + 1
    assert await replayed(js) == before


async def test_an_archive_with_other_commits_is_never_overwritten(
    nc: Client, ledger: RecordingLedger
) -> None:
    js = nc.jetstream()
    await archive.compact(js, TWO_SEGMENTS)
    for stream in ("LEDGER_MIRROR", "LEDGER"):
        await js.delete_stream(stream)
    await provision(nc, replicas=1)
    await publish_ledger(js, extra_cost=1)
    with pytest.raises(archive.ArchiveMismatchError, match="commits 1 to 500"):
        await archive.compact(js, TWO_SEGMENTS)
    assert await first_sequence(js) == 1


@pytest.mark.fault("F31", invariant="a ledger whose archive lost a piece is refused")
async def test_a_lost_segment_stops_a_start_and_is_reported_by_the_audit(
    server: NatsServer, nc: Client, ledger: RecordingLedger, tmp_path: Path
) -> None:
    js = nc.jetstream()
    await archive.compact(js, TWO_SEGMENTS)
    store = await js.object_store(ARCHIVE_OBJECTS)
    await store.delete(archive._name(501))
    with pytest.raises(ConfigurationError, match="lacks commits 501 to 1000"):
        await replayed(js)
    auditor = Auditor()
    async for message in archive.messages(js, 0):
        auditor.take(message.sequence, COMMIT.validate_json(message.data))
        if auditor.broken:
            break
    assert auditor.findings[0].kind == "gap"
    with service("budget", server.url, tmp_path, ready=False) as process:
        assert await asyncio.to_thread(process.wait, 20) == 2


async def test_a_replica_that_was_away_while_others_archived_reads_the_archive(
    nc: Client, ledger: RecordingLedger
) -> None:
    js = nc.jetstream()
    sleeper = make_replica(nc)
    async for message in archive.messages(js, 0):
        await sleeper.tail.projection.take(message)
        if message.sequence == 300:
            break
    await archive.compact(js, TWO_SEGMENTS)
    await sleeper.refresh()
    assert snapshots.LedgerSnapshot.of(
        sleeper.state, sleeper.sequence
    ) == snapshots.LedgerSnapshot.of(ledger.state, len(ledger.commits))


async def test_the_service_archives_behind_its_snapshot_and_the_audit_reads_everything(
    server: NatsServer, nc: Client, ledger: RecordingLedger, tmp_path: Path
) -> None:
    js, rpc = nc.jetstream(), RpcClient(nc)
    with service(
        "budget",
        server.url,
        tmp_path,
        DAYDREAM_BUDGET_SNAPSHOT_COMMITS="1",
        DAYDREAM_BUDGET_KEEP_COMMITS="200",
        DAYDREAM_BUDGET_SWEEP_S="0.1",
    ):
        # "stays open" expired long ago: the sweep writes that, and a snapshot follows
        async def is_archived() -> bool:
            return await first_sequence(js) == TWO_SEGMENTS + 1

        await eventually(is_archived)
        budget = await rpc.request(BUDGET_STATE, EmptyRequest())
        report = await audit(server, tmp_path)
    assert report["findings"] == []
    assert report["commits"] == budget.last_sequence
    assert report["settled_nanousd"] == budget.settled_nanousd == ledger.money.settled
