"""Two teams on one NATS server: each has all services, each service has its own user, and nothing
of one reaches the other.
"""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from daydream_contracts.grants import CONSOLE
from daydream_contracts.tenant import to_tenant
from daydream_contracts.topology import STREAMS
from daydream_runtime.nats_client import PermissionDeniedError
from support.guarded_server import GuardedServer
from support.polling import eventually
from support.programs import REFUSAL, priced_endpoint
from support.whole_system import WholeSystem, running_tenant

TENANTS = ("acme", "globex")
CALLS = 6


def refusals(folder: Path) -> set[str]:
    logs = (file.read_text(errors="replace") for file in folder.rglob("*.log"))
    return {refusal for log in logs for refusal in REFUSAL.findall(log)}


async def work(system: WholeSystem) -> int:
    """Draw until some calls were answered, finish, and return the number of verdicts."""
    await system.draw()
    await system.until_answered(CALLS)
    state = await system.finish()
    assert state.memory is not None
    return state.memory.verdicts


async def test_two_teams_daydream_side_by_side_with_a_user_for_each_service(
    tmp_path: Path,
) -> None:
    server = GuardedServer(tmp_path / "nats", TENANTS)
    server.start()
    try:
        async with AsyncExitStack() as opened:
            systems = {}
            for tenant in TENANTS:
                folder = tmp_path / tenant
                folder.mkdir()
                endpoint = opened.enter_context(priced_endpoint(folder))
                system = running_tenant(server, tenant, endpoint, folder)
                systems[tenant] = await opened.enter_async_context(system)
            counts = await asyncio.gather(*map(work, systems.values()))
            assert min(counts) >= 1
            for tenant, verdicts in zip(TENANTS, counts, strict=True):
                state = (await systems[tenant].nc.jetstream().stream_info("VERDICTS")).state
                assert state.messages == verdicts
            await check_separation(server, systems["acme"])
    finally:
        server.kill()
    assert refusals(tmp_path) == set()


async def check_separation(server: GuardedServer, acme: WholeSystem) -> None:
    """One team may not look at the other's streams, nor at those without a tenant."""
    js = acme.nc.jetstream(timeout=2)
    with pytest.raises(PermissionDeniedError, match="globex-VERDICTS"):
        await js.stream_info(to_tenant("globex").stream("VERDICTS"))
    said: list[str] = []
    async with server.raw(CONSOLE, said, "acme") as client:
        for stream in STREAMS:
            await client.publish(f"$JS.API.STREAM.INFO.{stream.name}", b"")
        await eventually(lambda: len(said) >= len(STREAMS))
