"""How long a body of one byte a second holds a model's only slot: until the next call begins."""

from __future__ import annotations

import asyncio
import time

from benchmarks.figures import figure
from benchmarks.gateway.named_calls import NamedCalls
from benchmarks.gateway.processes import DRIP_TIMEOUT_S, SLOT, BenchedGateway
from support.gateway import ProviderProcess

ROUNDS, ROUNDS_QUICK = 10, 4


async def measure(gateway: BenchedGateway, *, quick: bool) -> None:
    """Print the figure. The times are those of the provider's own log."""
    provider = gateway.providers[SLOT]
    reservation_id = await gateway.reserve(model=SLOT)
    freed_s = []
    async with gateway.client() as client:
        calls = NamedCalls(client)
        for _ in range(ROUNDS_QUICK if quick else ROUNDS):
            provider.tell(behaviour="drip")
            begun = len(_starts(provider))
            slow = asyncio.create_task(calls.until_answered(SLOT, reservation_id))
            await _begun(provider, begun + 1)
            provider.tell(behaviour="plain")
            await asyncio.gather(slow, calls.until_answered(SLOT, reservation_id))
            first, following = _starts(provider)[begun : begun + 2]
            freed_s.append(following - first)
    figure("gateway", "slot_freed_s", freed_s, "s", timeout_s=DRIP_TIMEOUT_S, concurrency=1)


def _starts(provider: ProviderProcess) -> list[float]:
    return [line["at"] for line in provider.log() if line["event"] == "start"]


async def _begun(provider: ProviderProcess, calls: int, patience_s: float = 60.0) -> None:
    deadline_s = time.monotonic() + patience_s
    while len(await asyncio.to_thread(_starts, provider)) < calls:
        if time.monotonic() > deadline_s:
            raise RuntimeError("the slow call did not reach the provider")
        await asyncio.sleep(0.1)
