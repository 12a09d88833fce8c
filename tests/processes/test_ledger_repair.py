"""A message on the ledger's stream that is no commit stops grants, and a repair voids it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from nats.aio.client import Client
from nats.js import api

from daydream_budget.ledger import archive, snapshots
from daydream_budget.ledger.entries import COMMIT
from daydream_budget.ledger.ledger import Ledger
from daydream_contracts.errors import RetryLaterError
from daydream_contracts.events import AlertRaised
from daydream_contracts.rpc import (
    AllocationRequest,
    ChangeBudget,
    EmptyRequest,
    MessageToVoid,
    OpenReservation,
    RepairLedger,
    SetLimit,
    Settle,
    SettleAttempts,
)
from daydream_contracts.topology import (
    BUDGET_OPEN,
    BUDGET_REPAIR,
    BUDGET_SETTLE,
    BUDGET_STATE,
    LEDGER,
    LEDGER_SUBJECT,
)
from daydream_runtime.rpc import RpcClient
from support.ledger_audit import audit
from support.programs import NatsServer
from support.replicas import committing, make_replica
from support.services import service

CAP = ChangeBudget(
    change_id="cap", change=SetLimit(window="lifetime", cap_nanousd=1_000_000), who="test"
)
GARBAGE = (b'{"not": "a commit"}', b"", b"\x00\xff\nline two", b"[1, 2]")


def opening(name: str) -> OpenReservation:
    part = AllocationRequest(stage="synthesizer", model="m", upper_bound_nanousd=100)
    return OpenReservation(reservation_id=name, allocations=(part,), requested_at=datetime.now(UTC))


def logs(folder: Path) -> str:
    return "".join(file.read_text() for file in folder.glob("budget-*.log"))


async def void_all(ledger: Ledger) -> Any:
    """Void what a person would see."""
    shown = await ledger.repair(RepairLedger())
    void = tuple(
        MessageToVoid(sequence=row.sequence, digest=row.digest) for row in shown.unreadable
    )
    return await ledger.repair(RepairLedger(void=void, who="Ada", why="a test"))


@pytest.fixture
async def alerts() -> list[AlertRaised]:
    return []


@pytest.fixture
async def ledger(nc: Client, alerts: list[AlertRaised]) -> AsyncIterator[Ledger]:
    """A replica with a cap, a reservation "a", and then garbage on the stream."""
    async with committing(make_replica(nc, alerts=alerts)) as ledger:
        await ledger.submit(CAP)
        assert (await ledger.submit(opening("a"))).granted
        await nc.jetstream().publish(LEDGER_SUBJECT, GARBAGE[0])
        yield ledger


@pytest.mark.fault("F10 F31", invariant="bytes that are no commit stop all grants, with one line")
async def test_garbage_stops_grants_with_one_line_and_nothing_is_committed_past_it(
    nc: Client, ledger: Ledger, alerts: list[AlertRaised]
) -> None:
    for name in ("b", "c"):
        refusal = (await ledger.submit(opening(name))).refusal
        assert refusal.reason == "ledger-unreadable"
        assert "Message 3 of the ledger is unreadable: it is no commit" in refusal.text
        assert "daydream budget repair" in refusal.text
    assert (await ledger.submit(opening("a"))).granted, "what is on record is still answered"
    with pytest.raises(RetryLaterError, match="unreadable"):
        await ledger.submit(Settle(attempt_id="a:1", cost_nanousd=1))
    assert await ledger.sweep(0) == 0
    assert (await nc.jetstream().stream_info(LEDGER)).state.last_seq == 3
    assert [alert.kind for alert in alerts] == ["ledger-unreadable"]


async def test_a_repair_shows_and_voids_several_messages_in_a_row(
    nc: Client, ledger: Ledger
) -> None:
    for garbage in GARBAGE[1:]:
        await nc.jetstream().publish(LEDGER_SUBJECT, garbage)
    shown = (await ledger.repair(RepairLedger())).unreadable
    assert [row.sequence for row in shown] == [3, 4, 5, 6]
    assert [row.size_bytes for row in shown] == [len(garbage) for garbage in GARBAGE]
    assert shown[0].beginning == '{"not": "a commit"}'
    repaired = await void_all(ledger)
    assert (repaired.voided, repaired.unreadable, repaired.refusal) == (4, (), None)
    assert (await ledger.submit(opening("b"))).granted
    (change, *_) = reversed(list(ledger.state.controls.changes.values()))
    assert (change.who, change.why) == ("Ada", "a test")


async def test_repeating_a_repair_is_harmless_and_a_readable_commit_is_never_voided(
    ledger: Ledger,
) -> None:
    (row,) = (await ledger.repair(RepairLedger())).unreadable
    request = RepairLedger(
        void=(MessageToVoid(sequence=row.sequence, digest=row.digest),), who="Ada", why="a test"
    )
    readable = MessageToVoid(sequence=1, digest=row.digest)
    refused = await ledger.repair(request.model_copy(update={"void": (readable,)}))
    assert refused.refusal is not None
    assert "Message 1 is readable" in refused.refusal.text
    assert (await ledger.repair(request)).voided == 1
    before = ledger.sequence
    assert (await ledger.repair(request)).voided == 1
    assert ledger.sequence == before, "nothing is written twice"
    again = await ledger.repair(request.model_copy(update={"void": (readable,)}))
    assert again.refusal is not None


async def test_every_replica_skips_exactly_what_was_voided_also_from_snapshot_and_archive(
    nc: Client, ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    js = nc.jetstream()
    monkeypatch.setattr(archive, "SEGMENT_COMMITS", 2)  # so that few commits fill segments
    waiting = make_replica(nc, name="waiting")
    await waiting.refresh()
    assert waiting.halted is not None
    await void_all(ledger)
    for number in range(6):
        assert (await ledger.submit(opening(f"later {number}"))).granted
    await waiting.refresh()
    assert waiting.sequence == ledger.sequence
    assert waiting.tail.unreadable is None
    await archive.compact(js, ledger.sequence)
    assert (await js.stream_info(LEDGER)).state.first_seq > 4, "garbage and void are archived"
    fresh = make_replica(nc)
    await fresh.tail.projection.replay()
    await snapshots.save(js, fresh.state, fresh.tail.position)
    state, position = await snapshots.load(js)
    restored = make_replica(nc, state=state, position=position)
    assert (await ledger.submit(opening("last"))).granted
    await restored.refresh()
    for replica in (restored, waiting, fresh):
        await replica.refresh()
        assert replica.halted is None
        assert replica.tail.position == ledger.tail.position
        assert snapshots.LedgerSnapshot.of(replica.state, 0) == snapshots.LedgerSnapshot.of(
            ledger.state, 0
        )


async def test_a_snapshot_between_a_voided_message_and_its_void_can_be_resumed(
    nc: Client, ledger: Ledger
) -> None:
    js = nc.jetstream()
    await void_all(ledger)
    stopped = make_replica(nc)
    async for message in archive.messages(js, 0):
        await stopped.tail.projection.take(message)
        if message.sequence == 3:  # the garbage; its void is message 4
            break
    await snapshots.save(js, stopped.state, stopped.tail.position)
    state, position = await snapshots.load(js)
    resumed = make_replica(nc, state=state, position=position)
    await resumed.refresh()
    assert resumed.sequence == 4
    assert resumed.halted is None


@pytest.mark.fault("F28 F31", invariant="a forged commit is not applied")
async def test_a_forged_commit_without_the_digest_before_it_is_unreadable(
    nc: Client, ledger: Ledger
) -> None:
    js = nc.jetstream()
    await void_all(ledger)
    honest = COMMIT.validate_json((await js.get_msg(LEDGER, seq=2)).data or b"")
    await js.publish(LEDGER_SUBJECT, COMMIT.dump_json(honest))
    refusal = (await ledger.submit(opening("b"))).refusal
    assert refusal.reason == "ledger-unreadable"
    assert "changed or forged" in refusal.text
    assert (await void_all(ledger)).voided == 1
    assert (await ledger.submit(opening("b"))).granted


@pytest.mark.fault("F31", invariant="a changed commit is found by the digest in the next one")
async def test_a_changed_message_is_found_and_not_voided_while_the_mirror_has_the_right_one(
    server: NatsServer, nc: Client, tmp_path: Path
) -> None:
    js = nc.jetstream()
    async with committing(make_replica(nc)) as ledger:
        await ledger.submit(CAP)
        for number in range(4):
            assert (await ledger.submit(opening(f"r{number}"))).granted
        await ledger.refresh()
    stored = [(await js.get_msg(LEDGER, seq=number)).data or b"" for number in range(1, 6)]
    async with asyncio.timeout(10):
        while (await js.stream_info("LEDGER_MIRROR")).state.last_seq < 5:
            await asyncio.sleep(0.01)
    config = (await js.stream_info("LEDGER_MIRROR")).config
    await js.delete_stream(LEDGER)
    await js.add_stream(api.StreamConfig(name=LEDGER, subjects=[LEDGER_SUBJECT], deny_delete=True))
    for number, data in enumerate(stored, 1):
        changed = data.replace(b'"r1"', b'"rx"') if number == 3 else data
        await js.publish(LEDGER_SUBJECT, changed)
    assert config.mirror is not None
    replica = make_replica(nc)
    await replica.refresh()
    assert replica.sequence == 3, "the changed message itself reads well; the next one names it"
    assert replica.halted is not None
    assert "Message 4" in replica.halted.text
    report = await audit(server, tmp_path)
    assert [(row["kind"], row["sequence"]) for row in report["findings"]][:1] == [("unreadable", 4)]
    (row,) = (await replica.repair(RepairLedger())).unreadable
    assert row.mirror == "differs"
    refused = await void_all(replica)
    assert refused.refusal is not None
    assert "Restore the LEDGER stream from its mirror" in refused.refusal.text


@pytest.mark.fault(
    "F31", invariant="the service restarts, serves its state, and is repaired by a recorded entry"
)
async def test_the_service_lives_on_restarts_and_is_repaired_and_the_audit_reports_the_void(
    server: NatsServer, nc: Client, tmp_path: Path
) -> None:
    rpc, js = RpcClient(nc), nc.jetstream()
    with service("budget", server.url, tmp_path, DAYDREAM_BUDGET_SWEEP_S="0.1") as process:
        async with committing(make_replica(nc)) as other:
            await other.submit(CAP)
        assert (await rpc.request(BUDGET_OPEN, opening("a"))).granted
        await js.publish(LEDGER_SUBJECT, GARBAGE[2])
        refusal = (await rpc.request(BUDGET_OPEN, opening("b"))).refusal
        assert refusal is not None
        assert refusal.reason == "ledger-unreadable"
        with pytest.raises(RetryLaterError, match="unreadable"):
            await rpc.request(BUDGET_SETTLE, SettleAttempts.of("x", 1))
        state = await rpc.request(BUDGET_STATE, EmptyRequest())
        assert state.halted == refusal
        assert state.reserved_nanousd == 100, "the state is still served"
        assert process.poll() is None
    assert logs(tmp_path).count("Message 3 of the ledger is unreadable") == 1
    with service(
        "budget",
        server.url,
        tmp_path / "again",
        DAYDREAM_BUDGET_TIME_ZONE="Europe/Zurich",
        DAYDREAM_BUDGET_SWEEP_S="0.1",
    ):
        shown = await rpc.request(BUDGET_REPAIR, RepairLedger())
        (row,) = shown.unreadable
        void = MessageToVoid(sequence=row.sequence, digest=row.digest)
        request = RepairLedger(void=(void,), who="Ada", why="a stray message")
        assert (await rpc.request(BUDGET_REPAIR, request)).voided == 1
        assert (await rpc.request(BUDGET_OPEN, opening("b"))).granted
        async with asyncio.timeout(10):
            while (await rpc.request(BUDGET_STATE, EmptyRequest())).zone != "Europe/Zurich":
                await asyncio.sleep(0.05)
        report = await audit(server, tmp_path)
    assert report["findings"] == []
    (reported,) = report["voids"]
    assert (reported["sequence"], reported["who"], reported["why"]) == (3, "Ada", "a stray message")
    last = (await js.stream_info("ALERTS")).state.last_seq
    stored = [(await js.get_msg("ALERTS", seq=number)).data or b"" for number in range(1, last + 1)]
    assert [json.loads(data)["kind"] for data in stored] == ["ledger-unreadable"]
