"""Store how often a message failed, in a bucket: JetStream counts deliveries, not their reasons."""

from __future__ import annotations

from nats.aio.msg import Msg
from nats.js.errors import KeyNotFoundError
from nats.js.kv import KeyValue
from pydantic import BaseModel


class DeliveryCounts(BaseModel):
    """Count the failures of a message, and the returns without one. `text`: the last reason."""

    failures: int = 0
    returned: int = 0
    text: str = ""

    def worker_crashes(self, deliveries: int) -> int:
        """Return the number of earlier deliveries that ended without a word from their worker."""
        return max(0, deliveries - 1 - self.failures - self.returned)


async def read_counts(bucket: KeyValue, raw: Msg) -> DeliveryCounts:
    """Return the stored counts of a message, or zeros."""
    try:
        entry = await bucket.get(counts_key(raw))
    except KeyNotFoundError:
        return DeliveryCounts()
    return DeliveryCounts.model_validate_json(entry.value or b"{}")


async def write_counts(bucket: KeyValue, raw: Msg, counts: DeliveryCounts) -> None:
    """Store the counts of a message."""
    await bucket.put(counts_key(raw), counts.model_dump_json().encode())


def counts_key(raw: Msg) -> str:
    """Return a message's key in the bucket: its stream, its consumer and its sequence."""
    where = raw.metadata
    return f"{where.stream}.{where.consumer}.{where.sequence.stream}"
