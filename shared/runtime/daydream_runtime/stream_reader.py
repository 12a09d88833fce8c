"""Read a part of a stream in large batches, for example into a projection.

`read_stream` reads once. A `StreamReader` reads again and again through one consumer that stays:
with a consumer per read, a busy server held hundreds of them, each with its files. Consumers are in
the memory of the server. One that is lost is made again at the place that was reached.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import AsyncGenerator
from uuid import uuid4

import nats.errors
from nats.aio.msg import Msg
from nats.aio.subscription import Subscription
from nats.js import JetStreamContext, api
from nats.js.errors import APIError, NotFoundError, ServiceUnavailableError

BATCH = 500
FETCH_TIMEOUT_S = 10.0
INACTIVE_S = 60.0
RESEND = ":resend:"  # in the id of a message that was a dead letter and is sent again
NO_MESSAGES, NO_RESPONDERS = "404", "503"
NEXT = "$JS.API.CONSUMER.MSG.NEXT"
ALL_THERE = json.dumps({"batch": BATCH, "no_wait": True}).encode()
LOST_ERRORS = (nats.errors.Error, APIError, TimeoutError)


def is_resend(message: Msg) -> bool:
    """Return True for a message that was in its stream before, so that it is not counted twice."""
    return RESEND in (message.headers or {}).get("Nats-Msg-Id", "")


class StreamReader:
    """One lasting position in a stream. It is for one task at a time."""

    def __init__(self, js: JetStreamContext, stream: str) -> None:
        self._js = js
        self._stream = stream
        self._messages: Subscription | None = None
        self._consumer = ""
        self._position = 0  # sequence of the last message that the consumer has given
        self._given = 0  # number of messages that it has given

    async def read(self, after: int) -> AsyncGenerator[tuple[int, Msg], None]:
        """Yield (sequence, message) for all messages that are stored after a sequence.

        Deleted messages are passed over. Raise the error of NATS, or TimeoutError.
        """
        reached, is_new = after, self._messages is None or self._position != after
        if is_new:
            await self._open(after)
        while True:
            try:
                batch = await self._pull()
            except LOST_ERRORS:
                await self._close()
                if is_new:
                    raise
                await self._open(reached)  # what came of the batch that failed comes again
                is_new = True
                continue
            is_new = False
            for sequence, message in batch:
                reached = sequence
                yield sequence, message
            if len(batch) < BATCH:
                return

    async def _open(self, after: int) -> None:
        """Make a consumer that begins after a sequence. The one before it ends by itself."""
        await self._close()
        name = uuid4().hex
        config = consumer_config(after)
        config.name = name
        await self._js.add_consumer(self._stream, config)
        inbox = self._js._nc.new_inbox()
        self._messages = await self._js._nc.subscribe(inbox)
        self._consumer, self._position, self._given = name, after, 0

    async def _close(self) -> None:
        if self._messages is not None:
            with contextlib.suppress(nats.errors.Error):
                await self._messages.unsubscribe()
            self._messages = None

    async def _pull(self) -> list[tuple[int, Msg]]:
        """Return the next messages, fewer than `BATCH` at the end. Raise if one was lost."""
        assert self._messages is not None
        subject = f"{NEXT}.{self._stream}.{self._consumer}"
        await self._js._nc.publish(subject, ALL_THERE, reply=self._messages.subject)
        batch: list[tuple[int, Msg]] = []
        while len(batch) < BATCH:
            message = await self._messages.next_msg(FETCH_TIMEOUT_S)
            status = (message.headers or {}).get(api.Header.STATUS)
            if status == NO_MESSAGES:
                break
            if status == NO_RESPONDERS:
                raise ServiceUnavailableError
            if status is not None:
                raise APIError.from_msg(message)
            place = message.metadata.sequence
            if place.consumer != self._given + 1:
                raise nats.errors.Error(f"messages of {self._stream} were lost on the way")
            self._given, self._position = place.consumer, place.stream
            batch.append((place.stream, message))
        return batch


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
    reader = await js.pull_subscribe("", stream=stream, config=consumer_config(after))
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


def consumer_config(after: int) -> api.ConsumerConfig:
    """Return the settings of a consumer that begins after a sequence and ends when unused."""
    return api.ConsumerConfig(
        ack_policy=api.AckPolicy.NONE,
        deliver_policy=api.DeliverPolicy.BY_START_SEQUENCE,
        opt_start_seq=after + 1,
        inactive_threshold=INACTIVE_S,
        mem_storage=True,
        num_replicas=1,
    )


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
