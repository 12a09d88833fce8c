"""All streams are saved while they are used, and restored into an empty NATS, with their user."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from daydream_contracts.buckets import ARCHIVE_OBJECTS, CALLS
from daydream_contracts.errors import ConfigurationError
from daydream_contracts.events import PairSampled
from daydream_contracts.grants import BACKUP
from daydream_contracts.topology import (
    CONSUMERS,
    LEDGER,
    LEDGER_MIRROR,
    LEDGER_SUBJECT,
    route_of,
)
from daydream_runtime import stream_snapshots
from daydream_runtime.nats_backup import CONTENTS, saved_names
from daydream_runtime.nats_backup_command import back_up_at
from daydream_runtime.nats_connection import open_connection
from support.guarded_server import GuardedServer
from support.polling import eventually

TENANT = "acme"
PIECE = bytes(range(256)) * 4096  # 1 MiB: more than one chunk
SYNTHESIZER = next(row for row in CONSUMERS if row.message is PairSampled)


@pytest.fixture
def servers(tmp_path: Path) -> Iterator[tuple[GuardedServer, GuardedServer]]:
    """A provisioned server, and an empty one."""
    first, second = (GuardedServer(tmp_path / name, [TENANT]) for name in ("first", "second"))
    for server in (first, second):
        server.start()
    first.provision()
    yield first, second
    for server in (first, second):
        server.kill()


async def fill(server: GuardedServer) -> None:
    """Store three pairs, of which one is taken, an answer, two entries, and a large object."""
    sampler = await open_connection(server.address("sampler", TENANT))
    for number in range(3):
        await sampler.jetstream().publish(SYNTHESIZER.route.subject, str(number).encode())
    await sampler.close()
    synthesizer = await open_connection(server.address("synthesizer", TENANT))
    subscription = await synthesizer.jetstream().pull_subscribe_bind(
        SYNTHESIZER.durable, SYNTHESIZER.route.stream
    )
    await (await subscription.fetch(1))[0].ack_sync()
    await synthesizer.close()
    gateway = await open_connection(server.address("gateway", TENANT))
    await (await gateway.jetstream().key_value(CALLS[0].name)).put("call", b"answer")
    await gateway.close()
    budget = await open_connection(server.address("budget", TENANT))
    for entry in (b"first", b"second"):
        await budget.jetstream().publish(LEDGER_SUBJECT, entry)
    await (await budget.jetstream().object_store(ARCHIVE_OBJECTS)).put("piece", PIECE)
    await budget.close()


async def check(server: GuardedServer) -> None:
    """Assert that everything is there, and that the work continues where it was."""
    synthesizer = await open_connection(server.address("synthesizer", TENANT))
    subscription = await synthesizer.jetstream().pull_subscribe_bind(
        SYNTHESIZER.durable, SYNTHESIZER.route.stream
    )
    assert [message.data for message in await subscription.fetch(3, timeout=1)] == [b"1", b"2"]
    await synthesizer.close()
    gateway = await open_connection(server.address("gateway", TENANT))
    calls = await gateway.jetstream().key_value(CALLS[0].name)
    assert (await calls.get("call")).value == b"answer"
    await gateway.close()
    budget = await open_connection(server.address("budget", TENANT))
    js = budget.jetstream()
    assert [(await js.get_msg(LEDGER, seq=number)).data for number in (1, 2)] == [
        b"first",
        b"second",
    ]
    assert (await (await js.object_store(ARCHIVE_OBJECTS)).get("piece")).data == PIECE

    async def is_mirrored() -> bool:
        return (await js.stream_info(LEDGER_MIRROR)).state.last_seq == 2

    await eventually(is_mirrored)
    await budget.close()


@pytest.mark.fault("F31", invariant="all streams can be restored from a backup of a running NATS")
async def test_what_was_saved_is_restored_with_its_sequences_and_positions(
    tmp_path: Path, servers: tuple[GuardedServer, GuardedServer]
) -> None:
    first, second = servers
    await fill(first)
    saved = await back_up_at(first.address(BACKUP, TENANT), "save", tmp_path / "backup")
    restored = await back_up_at(second.address(BACKUP, TENANT), "restore", tmp_path / "backup")
    assert restored == saved
    assert [row.name for row in saved.streams] == [*saved_names()]
    await asyncio.to_thread(second.provision)  # it makes the mirror
    await check(second)


async def test_nothing_is_restored_over_streams_that_exist(
    tmp_path: Path, servers: tuple[GuardedServer, GuardedServer]
) -> None:
    address = servers[0].address(BACKUP, TENANT)
    await back_up_at(address, "save", tmp_path / "backup")
    with pytest.raises(ConfigurationError, match="has streams already: PAIRS"):
        await back_up_at(address, "restore", tmp_path / "backup")
    with pytest.raises(ConfigurationError, match="already exists"):
        await back_up_at(address, "save", tmp_path / "backup")


async def test_a_damaged_backup_changes_nothing(
    tmp_path: Path, servers: tuple[GuardedServer, GuardedServer]
) -> None:
    first, second = servers
    await back_up_at(first.address(BACKUP, TENANT), "save", tmp_path / "backup")
    file = tmp_path / "backup" / f"{LEDGER}.snapshot"
    file.write_bytes(file.read_bytes()[:-1])
    with pytest.raises(ConfigurationError, match=f"damaged: {LEDGER}"):
        await back_up_at(second.address(BACKUP, TENANT), "restore", tmp_path / "backup")
    (tmp_path / "backup" / CONTENTS).unlink()
    with pytest.raises(ConfigurationError, match="has no backup"):
        await back_up_at(second.address(BACKUP, TENANT), "restore", tmp_path / "backup")
    await asyncio.to_thread(second.provision)
    budget = await open_connection(second.address("budget", TENANT))
    assert (await budget.jetstream().stream_info(LEDGER)).state.messages == 0
    await budget.close()


async def test_a_missing_permission_is_named(
    tmp_path: Path,
    servers: tuple[GuardedServer, GuardedServer],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(stream_snapshots, "ASK_TIMEOUT_S", 0.5)  # a refusal looks like silence
    with pytest.raises(ConfigurationError, match="user acme-budget may not publish"):
        await back_up_at(servers[0].address("budget", TENANT), "save", tmp_path / "backup")
    assert not (tmp_path / "backup").exists()


def test_the_ledger_is_saved_after_its_snapshots_and_before_its_archive() -> None:
    names = saved_names()
    places = [
        names.index(name)
        for name in (
            route_of(PairSampled).stream,
            f"KV_{CALLS[0].name}",
            "OBJ_daydream-ledger-snapshots",
            LEDGER,
            f"OBJ_{ARCHIVE_OBJECTS}",
        )
    ]
    assert places == sorted(places)
    assert LEDGER_MIRROR not in names
