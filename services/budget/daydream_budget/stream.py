"""Reads the ledger's stream."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncGenerator

import nats.errors
from nats.js import JetStreamContext, api

from daydream_shared.subjects import LEDGER_SUBJECT

STREAM, MIRROR = "LEDGER", "LEDGER_MIRROR"
BATCH = 500


async def streamed(js: JetStreamContext, after: int, last: int) -> AsyncGenerator[tuple[int, bytes], None]:
    """The commits in the stream after a sequence, up to `last`, as (sequence, JSON), read in large batches."""
    config = api.ConsumerConfig(
        ack_policy=api.AckPolicy.NONE, deliver_policy=api.DeliverPolicy.BY_START_SEQUENCE, opt_start_seq=after + 1, inactive_threshold=60.0
    )  # fmt: skip
    reader = await js.pull_subscribe(LEDGER_SUBJECT, stream=STREAM, config=config)
    try:
        sequence = after
        while sequence < last:
            for message in await reader.fetch(min(BATCH, last - sequence), timeout=10):
                sequence = message.metadata.sequence.stream
                yield sequence, message.data
    finally:
        with contextlib.suppress(nats.errors.Error):
            await reader.unsubscribe()
