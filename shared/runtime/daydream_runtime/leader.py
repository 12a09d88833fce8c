"""Leader election among replicas, by a lease in a JetStream bucket.

The lease is taken by compare-and-set and renewed while it is used. A leader that dies keeps the
lease until it expires. Clocks decide about the expiry, so they must agree to a few seconds.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import uuid4

from nats.js.kv import KeyValue
from pydantic import BaseModel, ConfigDict

from daydream_runtime.cas_state import CasState

LEADER_LEASE = timedelta(seconds=30)


class LeaseHolder(BaseModel):
    """Name the replica that holds the lease, and the end of it."""

    model_config = ConfigDict(frozen=True)

    name: str = ""
    until: datetime = datetime.min.replace(tzinfo=UTC)


class LeaderLease:
    """Hold one replica's view of a lease."""

    def __init__(self, bucket: KeyValue, key: str) -> None:
        self._state = CasState(bucket, key, LeaseHolder())
        self._name = uuid4().hex

    async def acquire_or_renew(self) -> bool:
        """Return True if this replica holds the lease for at least half its duration."""
        now = datetime.now(UTC)

        def change(holder: LeaseHolder) -> tuple[LeaseHolder, bool]:
            if holder.name not in ("", self._name) and holder.until > now:
                return holder, False
            if holder.name == self._name and holder.until > now + LEADER_LEASE / 2:
                return holder, True
            return LeaseHolder(name=self._name, until=now + LEADER_LEASE), True

        return await self._state.change(change)

    async def release(self) -> None:
        """Give the lease up, so that another replica need not wait for its end."""
        await self._state.change(
            lambda holder: (LeaseHolder() if holder.name == self._name else holder, None)
        )
