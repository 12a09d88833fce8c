"""Compare this replica's clock with the broker's, and refuse to commit if they differ.

Time in the ledger decides about windows, expiries and caps, and it never goes back. One commit by a
replica whose clock was 26 hours ahead let the money of the next day be spent, and froze expiries
for a day. So a replica asks the broker for its time at the start and every few seconds. Between
two checks the monotonic clock shows whether the wall clock was set, or whether the process slept:
then it asks again before it commits. That costs two readings of local clocks per commit.

The broker's time is `ts` in its reply about the ledger's stream, which the service reads anyway.
"""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta

from nats.aio.client import Client
from nats.js.errors import APIError
from pydantic import AwareDatetime, TypeAdapter

from daydream_contracts.rpc import Refusal
from daydream_contracts.topology import LEDGER

log = logging.getLogger(__name__)
CHECK_S = 5.0
FRESH_S = 3 * CHECK_S
JUMP_S = 0.5  # of the wall clock against the monotonic one
ASK_TIMEOUT_S = 2.0
RETRY_AFTER = timedelta(seconds=CHECK_S)
BROKER_TIME: TypeAdapter[datetime] = TypeAdapter(AwareDatetime)


def utc_now() -> datetime:
    """Return the time of this machine's clock."""
    return datetime.now(UTC)


async def broker_time(nc: Client) -> datetime:
    """Return the time of the server that leads the ledger's stream. Raise NATS's error."""
    subject = f"$JS.API.STREAM.INFO.{LEDGER}"
    reply = json.loads((await nc.request(subject, b"", timeout=ASK_TIMEOUT_S)).data)
    if "error" in reply:
        APIError.from_error(reply["error"])
    return BROKER_TIME.validate_python(reply["ts"])


class BrokerClock:
    """This replica's clock, and how far it is off.

    `ask` returns the broker's time. `skew_s` is positive if this clock is ahead. It is the part
    that the time of the request does not explain.
    """

    def __init__(
        self,
        ask: Callable[[], Awaitable[datetime]],
        *,
        skew_s_max: float,
        wall: Callable[[], datetime] = utc_now,
        steady: Callable[[], float] = time.monotonic,
    ) -> None:
        self.skew_s = 0.0
        self._ask = ask
        self._skew_s_max = skew_s_max
        self._wall = wall
        self._steady = steady
        self._checked_at: float | None = None
        self._offset_s = 0.0

    def now(self) -> datetime:
        """Return the time: this clock's, or the broker's as far as known if this clock is off."""
        now = self._wall()
        return now if self.is_right else now - timedelta(seconds=self.skew_s)

    @property
    def is_right(self) -> bool:
        """Return whether the last check found the clocks to agree."""
        return abs(self.skew_s) <= self._skew_s_max

    @property
    def refusal(self) -> Refusal | None:
        """Return why this replica does not commit, or None."""
        text = self.problem()
        if text is None:
            return None
        return Refusal(reason="clock-skew", text=text, retry_at=self.now() + RETRY_AFTER)

    def problem(self) -> str | None:
        """Return how far the clock is off, in words, or None if it is right."""
        if self.is_right:
            return None
        side = "ahead of" if self.skew_s > 0 else "behind"
        return (
            f"The clock of this budget replica is {abs(self.skew_s):.1f} s {side} NATS's clock, "
            "so it commits nothing. Synchronize both clocks (NTP)."
        )

    @property
    def is_stale(self) -> bool:
        """Return whether the last check is old, or the wall clock has jumped since."""
        if self._checked_at is None:
            return True
        steady = self._steady()
        jump_s = self._wall().timestamp() - steady - self._offset_s
        return steady - self._checked_at > FRESH_S or abs(jump_s) > JUMP_S

    async def check_if_stale(self) -> None:
        """Check, unless the last check is recent and the wall clock has not jumped since."""
        if self.is_stale:
            await self.check()

    async def check(self) -> None:
        """Ask the broker for its time, and log one line when the result changes."""
        was_right = self.is_right
        sent = self._wall()
        broker = await self._ask()
        received = self._wall()
        self._checked_at = self._steady()
        self._offset_s = received.timestamp() - self._checked_at
        ahead_s, behind_s = ((sent - broker).total_seconds(), (broker - received).total_seconds())
        self.skew_s = max(0.0, ahead_s) - max(0.0, behind_s)
        if was_right and not self.is_right:
            log.error("%s", self.problem())
        elif self.is_right and not was_right:
            log.info("the clock agrees with NATS's clock again")
