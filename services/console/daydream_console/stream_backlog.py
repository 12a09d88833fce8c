"""Read what a stream has stored since a time."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime

from nats.aio.msg import Msg
from nats.js import JetStreamContext, api
from nats.js.errors import NotFoundError

BATCH = 500
FETCH_TIMEOUT_S = 10.0
INACTIVE_S = 60.0


async def read_since(
    js: JetStreamContext, stream: str, since: datetime, messages_max: int
) -> AsyncIterator[Msg]:
    """Yield what the stream holds at this moment from a time on, oldest first.

    It ends after `messages_max`. A stream that does not exist has nothing. It can't be a work
    queue: those have one consumer, and store nothing that is handled.
    """
    config = api.ConsumerConfig(
        ack_policy=api.AckPolicy.NONE,
        deliver_policy=api.DeliverPolicy.BY_START_TIME,
        opt_start_time=since.isoformat(),  # type: ignore[arg-type]
        inactive_threshold=INACTIVE_S,
    )
    try:
        reader = await js.pull_subscribe("", stream=stream, config=config)
    except NotFoundError:
        return
    try:
        # what there is at this moment: waiting for more would take as long as the time limit
        pending = min((await reader.consumer_info()).num_pending or 0, messages_max)
        while pending > 0:
            batch = await reader.fetch(min(BATCH, pending), timeout=FETCH_TIMEOUT_S)
            pending -= len(batch)
            for message in batch:
                yield message
    finally:
        await reader.unsubscribe()
