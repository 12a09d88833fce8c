"""Read a part of a stream in large batches, for example into a projection."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncGenerator

import nats.errors
from nats.aio.msg import Msg
from nats.js import JetStreamContext, api
from nats.js.errors import NotFoundError

BATCH = 500
FETCH_TIMEOUT_S = 10.0
INACTIVE_S = 60.0
RESEND = ":resend:"  # in the id of a message that was a dead letter and is sent again


def is_resend(message: Msg) -> bool:
    """Return True for a message that was in its stream before, so that it is not counted twice."""
    return RESEND in (message.headers or {}).get("Nats-Msg-Id", "")


async def read_stream(
    js: JetStreamContext, stream: str, after: int, last: int, *, gaps: bool = False
) -> AsyncGenerator[tuple[int, Msg], None]:
    """Yield (sequence, message) for the messages after sequence `after`, up to `last`.

    `gaps`: messages may have been deleted, also the last ones. Without it, wait for a missing
    message, and raise TimeoutError after `FETCH_TIMEOUT_S`.
    """
    if gaps:
        last = await _last_stored(js, stream, after, last)
    if last <= after:
        return
    config = api.ConsumerConfig(
        ack_policy=api.AckPolicy.NONE,
        deliver_policy=api.DeliverPolicy.BY_START_SEQUENCE,
        opt_start_seq=after + 1,
        inactive_threshold=INACTIVE_S,
    )
    reader = await js.pull_subscribe("", stream=stream, config=config)
    try:
        sequence = after
        while sequence < last:
            batch = min(BATCH, last - sequence)
            for message in await reader.fetch(batch, timeout=FETCH_TIMEOUT_S):
                sequence = message.metadata.sequence.stream
                yield sequence, message
    finally:
        with contextlib.suppress(nats.errors.Error):
            await reader.unsubscribe()


async def _last_stored(js: JetStreamContext, stream: str, after: int, last: int) -> int:
    """Return the highest sequence up to `last` that is still stored, or `after` without one."""
    while last > after:
        try:
            await js.get_msg(stream, seq=last)
        except NotFoundError:
            last -= 1
        else:
            break
    return last
