"""One replica at a time does what only one may do: a lease in a JetStream bucket, taken by compare-and-set and lengthened while it is used."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import uuid4

from nats.js.kv import KeyValue
from pydantic import BaseModel, ConfigDict

from daydream_runtime.cas_state import CasState

LEASE = timedelta(seconds=30)


class LeaseHolder(BaseModel):
    """Who has it, and until when."""

    model_config = ConfigDict(frozen=True)

    name: str = ""
    until: datetime = datetime.min.replace(tzinfo=UTC)


class LeaderLease:
    """One lease, as one replica sees it."""

    def __init__(self, bucket: KeyValue, key: str) -> None:
        self._state = CasState(bucket, key, LeaseHolder())
        self._me = uuid4().hex

    async def mine(self) -> bool:
        """Whether this replica has it, from now on for half a lease at least. Who has it keeps it by asking."""
        now = datetime.now(UTC)

        def change(holder: LeaseHolder) -> tuple[LeaseHolder, bool]:
            if holder.name not in ("", self._me) and holder.until > now:
                return holder, False
            if holder.name == self._me and holder.until > now + LEASE / 2:
                return holder, True
            return LeaseHolder(name=self._me, until=now + LEASE), True

        return await self._state.change(change)

    async def leave(self) -> None:
        """Hand it on."""
        await self._state.change(
            lambda holder: (LeaseHolder() if holder.name == self._me else holder, None)
        )
