"""Which replicas of the gateway are alive: each says so once a second on a core subject.

A call in progress is claimed in its replica's name. So a claim needs no renewal, which would be a
synced write per call and second. No clocks are compared: a replica counts as dead when
it was silent for `SILENCE_S` by the clock of the replica that waits.

Only silence in which this replica received its own beats counts. While NATS is away, or while this
replica itself is paused, it receives no beats of others, and that says nothing about them.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from uuid import uuid4

import nats.errors
from nats.aio.client import Client
from nats.aio.msg import Msg

from daydream_contracts.topology import GATEWAY_ALIVE_SUBJECT

BEAT_S = 1.0
GAP_S = 3 * BEAT_S  # between two own beats: then this replica has received nothing for a while
SILENCE_S = 5.0


class ReplicaLiveness:
    """This replica, and when it last received a beat of the others.

    `name` is new for each start: what an earlier process of this replica claimed is not ours.
    """

    def __init__(
        self,
        nc: Client,
        instance: str,
        *,
        silence_s: float = SILENCE_S,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.name = f"{instance}-{uuid4().hex[:8]}"
        self.silence_s = silence_s
        self._nc = nc
        self._clock = clock
        self._beat_at: dict[str, float] = {}
        self._receives_since = clock()

    @asynccontextmanager
    async def alive(self) -> AsyncIterator[None]:
        """Listen to the others, and say every `BEAT_S` that this replica is alive."""
        subscription = await self._nc.subscribe(GATEWAY_ALIVE_SUBJECT, cb=self.receive)
        beat = asyncio.create_task(self._beat())
        try:
            yield
        finally:
            beat.cancel()
            await asyncio.gather(beat, return_exceptions=True)
            if not self._nc.is_closed:
                await subscription.unsubscribe()

    async def _beat(self) -> None:
        while True:
            with contextlib.suppress(
                nats.errors.Error
            ):  # not connected: no replica would receive it
                await self._nc.publish(GATEWAY_ALIVE_SUBJECT, self.name.encode())
            await asyncio.sleep(min(BEAT_S, self.silence_s / 4))

    def is_silent(self, name: str) -> bool:
        """Return whether a replica has been silent for long enough to take over from it.

        One without any beat is watched from the first question on.
        """
        if name == self.name:
            return False
        now = self._clock()
        last = self._beat_at.setdefault(name, now)
        if now - self._beat_at.get(self.name, self._receives_since) > self._gap_s:
            return False  # not even its own beats come back
        return now - max(last, self._receives_since) >= self.silence_s

    @property
    def _gap_s(self) -> float:
        return min(GAP_S, self.silence_s / 2)

    async def receive(self, message: Msg) -> None:
        """Take note of a beat."""
        now, name = self._clock(), message.data.decode(errors="replace")
        before = self._beat_at.get(name)
        if name == self.name and (before is None or now - before > self._gap_s):
            self._receives_since = now
        self._beat_at[name] = now
        old = [name for name, at in self._beat_at.items() if now - at > 100 * self.silence_s]
        for name in old:
            del self._beat_at[name]
