"""Read one complete verdict: from the memory, or from the stream while the memory is away."""

from __future__ import annotations

from dataclasses import dataclass

from nats.js import JetStreamContext
from nats.js.errors import NotFoundError

from daydream_contracts.errors import RetryLaterError
from daydream_contracts.events import VerdictReached
from daydream_contracts.rpc import ListVerdicts
from daydream_contracts.topology import MEMORY_VERDICTS, route_of
from daydream_runtime.rpc import RpcClient

STREAM = route_of(VerdictReached).stream
PATIENCE_S = 2.0


@dataclass(frozen=True)
class VerdictReader:
    """Read verdicts by id."""

    rpc: RpcClient
    js: JetStreamContext

    async def read(self, verdict_id: str, sequence: int) -> VerdictReached | None:
        """Return a verdict, or None if it is not stored. `sequence` is its own in the stream, or 0.

        Raise RetryLaterError if neither the memory nor NATS answers.
        """
        query = ListVerdicts(verdict_ids=(verdict_id,))
        try:
            page = await self.rpc.request(MEMORY_VERDICTS, query, patience_s=PATIENCE_S)
        except RetryLaterError:
            if not sequence:
                raise
        else:
            if page.verdicts:
                return page.verdicts[0]
        return await self._from_stream(sequence) if sequence else None

    async def _from_stream(self, sequence: int) -> VerdictReached | None:
        try:
            message = await self.js.get_msg(STREAM, seq=sequence)
        except NotFoundError:
            return None
        return VerdictReached.model_validate_json(message.data or b"")
