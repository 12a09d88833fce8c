"""Reads a stream from a place on, in large batches, for whoever keeps a fold of it."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncGenerator

import nats.errors
from nats.aio.msg import Msg
from nats.js import JetStreamContext, api
from nats.js.errors import NotFoundError

BATCH = 500
RESEND = ":resend:"  # in the id of a message that was a dead letter and is sent again


def is_resend(message: Msg) -> bool:
    """Whether it was in its stream before: who counts what is there has counted it."""
    return RESEND in (message.headers or {}).get("Nats-Msg-Id", "")


async def read_stream(
    js: JetStreamContext, stream: str, after: int, last: int, *, gaps: bool = False
) -> AsyncGenerator[tuple[int, Msg], None]:
    """The messages of a stream after a sequence, up to `last`, as (sequence, message). `gaps`: messages may have been deleted, also the last ones;
    without it a missing one is waited for and ends in a TimeoutError."""
    if gaps:
        last = await _last_there(js, stream, after, last)
    if last <= after:
        return
    config = api.ConsumerConfig(
        ack_policy=api.AckPolicy.NONE,
        deliver_policy=api.DeliverPolicy.BY_START_SEQUENCE,
        opt_start_seq=after + 1,
        inactive_threshold=60.0,
    )
    reader = await js.pull_subscribe("", stream=stream, config=config)
    try:
        sequence = after
        while sequence < last:
            for message in await reader.fetch(min(BATCH, last - sequence), timeout=10):
                sequence = message.metadata.sequence.stream
                yield sequence, message
    finally:
        with contextlib.suppress(nats.errors.Error):
            await reader.unsubscribe()


async def _last_there(js: JetStreamContext, stream: str, after: int, last: int) -> int:
    """The highest sequence up to `last` that was not deleted; `after` when there is none."""
    while last > after:
        try:
            await js.get_msg(stream, seq=last)
        except NotFoundError:
            last -= 1
        else:
            break
    return last
