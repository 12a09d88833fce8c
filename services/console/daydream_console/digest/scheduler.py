"""Send each digest once a day at its time, however many consoles run.

A lease elects the console that sends. What each reader got is in a bucket: so no insight is sent
to a reader twice, and no more of them a day than the plan allows. A console that dies between
sending and storing that sends the digest again: twice is better than never.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta

from nats.js import JetStreamContext
from nats.js.kv import KeyValue
from pydantic import BaseModel

from daydream_console.digest.build import DigestRequest, build_digest
from daydream_console.digest.config import DigestConfig, DigestPlan
from daydream_console.digest.content import Digest
from daydream_console.digest.delivery import deliver
from daydream_contracts.errors import DaydreamError
from daydream_runtime.cas_state import CasState
from daydream_runtime.leader import LeaderLease
from daydream_runtime.loop_errors import TRANSIENT_ERRORS
from daydream_runtime.rpc import RpcClient

log = logging.getLogger(__name__)
TICK_S = 10.0
RETRY_AFTER = timedelta(minutes=5)
LATE_MAX = timedelta(hours=12)  # a console that was away sends what it missed, but not for ever
FIRST_PERIOD = timedelta(days=1)
SENT_MAX = 2000  # insights remembered per reader
PERIOD_MAX = timedelta(days=14)


class ReaderState(BaseModel):
    """What a reader got: insights, how many on which day, and when each digest was last sent."""

    sent: tuple[str, ...] = ()
    day: date | None = None
    sent_today: int = 0
    last_at: datetime | None = None
    done: dict[str, date] = {}

    def left(self, top: int, day: date) -> int:
        """Return how many insights may still be sent on this day."""
        return top - (self.sent_today if self.day == day else 0)

    def after(self, plan: DigestPlan, digest: Digest, day: date) -> ReaderState:
        """Return the state after a digest was sent."""
        new = tuple(item.insight.insight_id for item in digest.items)
        already = self.sent_today if self.day == day else 0
        return ReaderState(
            sent=(*self.sent, *new)[-SENT_MAX:],
            day=day,
            sent_today=already + len(new),
            last_at=digest.until,
            done={**self.done, plan.name: day},
        )


def is_due(plan: DigestPlan, now: datetime, done: date | None) -> bool:
    """Return whether a digest is to be sent now: once a day, at its time or up to 12 hours late."""
    local = now.astimezone(plan.time_zone)
    planned = local.replace(
        hour=plan.at.hour, minute=plan.at.minute, second=plan.at.second, microsecond=0
    )
    return done != local.date() and timedelta() <= local - planned < LATE_MAX


@dataclass
class DigestScheduler:
    """The schedule of all digests. `pause` waits for seconds, or until the service stops."""

    config: DigestConfig
    rpc: RpcClient
    js: JetStreamContext
    bucket: KeyValue
    password: str
    page_url: str
    pause: Callable[[float], Awaitable[None]]
    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    _retry_at: dict[str, datetime] = field(default_factory=dict)

    async def run(self) -> None:
        """Send digests until the task is cancelled."""
        lease = LeaderLease(self.bucket, "lease")
        while True:
            try:
                if await lease.acquire_or_renew():
                    await self.send_due()
            except (DaydreamError, *TRANSIENT_ERRORS) as error:
                log.warning("digests wait: %r", error)
            await self.pause(TICK_S)

    async def send_due(self) -> None:
        """Send every digest that is due. One that fails is tried again in five minutes."""
        for plan in self.config.digest:
            now = self.now()
            if self._retry_at.get(plan.name, now) > now:
                continue
            state = self._state(plan)
            if is_due(plan, now, (await state.read()).done.get(plan.name)):
                try:
                    await self._send(plan, state, now)
                except DaydreamError as error:
                    self._retry_at[plan.name] = now + RETRY_AFTER
                    log.warning("digest %s is tried again in 5 minutes: %s", plan.name, error)

    def _state(self, plan: DigestPlan) -> CasState[ReaderState]:
        reader = hashlib.sha256(plan.reader.encode()).hexdigest()[:32]
        return CasState(self.bucket, f"reader.{reader}", ReaderState())

    async def _send(self, plan: DigestPlan, state: CasState[ReaderState], now: datetime) -> None:
        before, day = await state.read(), now.astimezone(plan.time_zone).date()
        since = max(before.last_at or now - FIRST_PERIOD, now - PERIOD_MAX)
        request = DigestRequest(
            reader=plan.reader,
            since=since,
            until=now,
            top=max(0, before.left(plan.top, day)),
            zone=plan.time_zone,
            sent=frozenset(before.sent),
            page_url=self.page_url,
        )
        digest = await build_digest(self.rpc, self.js, request)
        if digest.items or plan.empty:
            where = await asyncio.to_thread(deliver, digest, plan, self.config, self.password)
            log.info("digest %s: %d insights to %s", plan.name, len(digest.items), where)
        await state.change(lambda current: (current.after(plan, digest, day), None))
