"""The file of the ledger's stream is damaged: nothing is granted, and the reason is said.

nats-server reports nothing. After a crash it cuts the stream at the damaged block, and gives the
lost sequences to new messages. After an orderly stop it counts the messages and returns none.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from nats.aio.client import Client

from daydream_budget.ledger.ledger import Ledger
from daydream_contracts.events import AlertRaised
from daydream_contracts.rpc import AllocationRequest, ChangeBudget, OpenReservation, SetLimit
from daydream_contracts.topology import LEDGER, LEDGER_MIRROR
from support.polling import eventually
from support.programs import NatsServer
from support.replicas import committing, make_replica
from support.services import service

COMMITS = 8
CAP = ChangeBudget(
    change_id="cap", change=SetLimit(window="lifetime", cap_nanousd=1_000_000), who="test"
)
Damage = Callable[[bytes], bytes]


def opening(name: str) -> OpenReservation:
    part = AllocationRequest(stage="synthesizer", model="m", upper_bound_nanousd=100)
    return OpenReservation(reservation_id=name, allocations=(part,), requested_at=datetime.now(UTC))


def flip_in(name: str) -> Damage:
    """Return a damage that flips a bit of the entry that opens a reservation."""

    def flip(data: bytes) -> bytes:
        at = data.index(f'"{name}"'.encode()) + 1
        return data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]

    return flip


DAMAGES: dict[str, Damage] = {
    "a bit in the middle": flip_in("r3"),
    "a bit in the last entry": flip_in(f"r{COMMITS - 1}"),
    "the last bytes cut": lambda data: data[:-20],
    "the last entries cut": lambda data: data[:-1500],
    "the end zeroed": lambda data: data[:-1500] + bytes(1500),
}


@pytest.fixture
async def ledger(nc: Client, alerts: list[AlertRaised]) -> AsyncIterator[Ledger]:
    """A replica that has committed reservations, which the mirror has too."""
    async with committing(make_replica(nc, alerts=alerts)) as ledger:
        await ledger.submit(CAP)
        for number in range(COMMITS):
            assert (await ledger.submit(opening(f"r{number}"))).granted

        async def is_mirrored() -> bool:
            info = await nc.jetstream().stream_info(LEDGER_MIRROR)
            return info.state.last_seq >= ledger.sequence

        await eventually(is_mirrored)
        yield ledger


@pytest.fixture
async def alerts() -> list[AlertRaised]:
    return []


async def damage(server: NatsServer, nc: Client, how: Damage, *, is_crash: bool) -> None:
    """End the server, damage the file of the ledger's stream, and start the server again."""
    before = nc.stats["reconnects"]
    await asyncio.to_thread(server.kill if is_crash else server.stop)
    (block,) = server.folder.rglob(f"streams/{LEDGER}/msgs/1.blk")
    block.write_bytes(how(block.read_bytes()))
    await asyncio.to_thread(server.start)
    await eventually(lambda: nc.stats["reconnects"] > before)


async def check_no_grant(replica: Ledger, name: str) -> None:
    grant = await replica.submit(opening(name))
    assert not grant.granted
    assert grant.refusal.reason == "ledger-unreadable"
    assert "Restore the LEDGER stream from its mirror or a backup" in grant.refusal.text


@pytest.mark.fault(
    "F31", invariant="a replica that runs grants nothing when entries are lost, with an alert"
)
@pytest.mark.parametrize("is_crash", [True, False], ids=["crash", "stop"])
@pytest.mark.parametrize("how", list(DAMAGES)[1:])
async def test_a_replica_that_runs_grants_nothing_once_entries_are_lost(
    server: NatsServer,
    nc: Client,
    ledger: Ledger,
    alerts: list[AlertRaised],
    how: str,
    is_crash: bool,
) -> None:
    await damage(server, nc, DAMAGES[how], is_crash=is_crash)
    for name in ("new", "newer"):
        await check_no_grant(ledger, name)
    assert (await ledger.submit(opening("r0"))).granted, "what is on record is still answered"
    assert [alert.kind for alert in alerts] == ["ledger-unreadable"]


@pytest.mark.fault(
    "F3 F31", invariant="a replica that had not read the lost entries does not grant them again"
)
@pytest.mark.parametrize("is_crash", [True, False], ids=["crash", "stop"])
async def test_a_replica_that_was_behind_does_not_take_the_place_of_lost_entries(
    server: NatsServer, nc: Client, ledger: Ledger, is_crash: bool
) -> None:
    behind = make_replica(nc, name="behind")
    await behind.refresh()
    async with committing(behind):
        for name in ("lost-1", "lost-2"):
            assert (await ledger.submit(opening(name))).granted
        js = nc.jetstream()

        async def is_mirrored() -> bool:
            return (await js.stream_info(LEDGER_MIRROR)).state.last_seq >= ledger.sequence

        await eventually(is_mirrored)
        assert behind.sequence == ledger.sequence - 2
        await damage(server, nc, flip_in("lost-1"), is_crash=is_crash)
        await check_no_grant(behind, "new")


@pytest.mark.fault("F31", invariant="a start on a damaged stream is refused with one line")
@pytest.mark.parametrize("is_crash", [True, False], ids=["crash", "stop"])
@pytest.mark.parametrize("how", DAMAGES)
async def test_no_service_starts_on_a_damaged_stream(
    server: NatsServer, nc: Client, ledger: Ledger, tmp_path: Path, how: str, is_crash: bool
) -> None:
    await damage(server, nc, DAMAGES[how], is_crash=is_crash)
    with service("budget", server.url, tmp_path / "budget", ready=False) as process:
        assert await asyncio.to_thread(process.wait, 30) == 2
    (log,) = (tmp_path / "budget").glob("budget-*.log")
    assert "nothing is granted" in log.read_text()
    assert "Restore the LEDGER stream" in log.read_text()
