"""What is compared: daydream, the bare relay and the peers, through one interface."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Protocol

from benchmarks.peers.work import ASKING
from benchmarks.pipeline.relay import Relay, write_bodies
from benchmarks.pipeline.system import BenchedSystem, benched_system
from support.programs import EndpointProgram

PATIENCE_S = 300.0
POLL_S = 0.05
WARM_UP = 5  # daydreams until each kind of request has been asked


class Side(Protocol):
    """Something that makes pairs into verdicts."""

    @property
    def name(self) -> str:
        """Return what figures call it."""

    @property
    def versions(self) -> str:
        """Return the versions of its packages."""

    @property
    def pids(self) -> Mapping[str, int]:
        """Return the process ids of everything but the provider."""

    async def begin(self, count: int) -> None:
        """Let it work on this many pairs more."""

    async def done(self) -> int:
        """Return how many pairs have ended."""

    async def rest(self) -> None:
        """Wait until it has nothing to do."""


class OurSide:
    """The shipped system."""

    name = "ours"
    versions = ""

    def __init__(self, benched: BenchedSystem) -> None:
        self.benched = benched
        self._drawn = 0

    @property
    def pids(self) -> Mapping[str, int]:
        """Return the process ids of everything but the provider."""
        return self.benched.pids

    @property
    def endpoint(self) -> EndpointProgram:
        """Return the provider."""
        return self.benched.system.endpoint

    @property
    def sent(self) -> int:
        """Return how many pairs it has to draw in all."""
        return self._drawn

    async def begin(self, count: int) -> None:
        """Let it draw this many pairs more."""
        self._drawn += count
        await self.benched.draw(self._drawn)

    async def done(self) -> int:
        """Return how many daydreams have ended."""
        return await self.benched.verdicts()

    async def rest(self) -> None:
        """Wait until no daydream is in progress."""
        async with asyncio.timeout(PATIENCE_S):
            while await self.done() < self._drawn or not await self.benched.is_idle():
                await asyncio.sleep(POLL_S)

    def kill(self, stage: str) -> None:
        """Kill a service."""
        self.benched.kill(stage)

    def start_again(self, stage: str) -> None:
        """Start a service that has ended."""
        self.benched.start_again(stage)


class RelaySide:
    """The bare relay."""

    name = "relay"
    versions = ""

    def __init__(self, relay: Relay) -> None:
        self._relay = relay
        self._sent = 0

    @property
    def pids(self) -> Mapping[str, int]:
        """Return the process ids of everything but the provider."""
        return self._relay.pids

    async def begin(self, count: int) -> None:
        """Let it relay this many messages more."""
        self._sent += count
        await self._relay.begin(count)

    async def done(self) -> int:
        """Return how many messages have passed the judge."""
        return await self._relay.done()

    async def rest(self) -> None:
        """Wait until all messages have passed the judge."""
        async with asyncio.timeout(PATIENCE_S):
            while await self.done() < self._sent:
                await asyncio.sleep(POLL_S)


def save_requests(folder: Path, endpoint: EndpointProgram) -> None:
    """Write the last request of the writer and of the judge to files that peers read."""
    for stage, path in zip(ASKING, write_bodies(folder, endpoint), strict=True):
        path.rename(folder / f"{stage}.json")


@asynccontextmanager
async def our_side(delay_s: float = 0.0) -> AsyncIterator[OurSide]:
    """Start the shipped system, with a provider that takes this long for a call."""
    async with benched_system(delay_s=delay_s) as benched:
        yield OurSide(benched)


async def record_requests(folder: Path) -> None:
    """Run the shipped system for a moment, and save what it asks."""
    async with our_side() as ours:
        await ours.begin(WARM_UP)
        await ours.rest()
        save_requests(folder, ours.endpoint)
