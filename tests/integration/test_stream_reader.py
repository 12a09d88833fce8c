"""A lasting reader of a stream: one consumer, nothing twice, nothing left out."""

from __future__ import annotations

import pytest
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.aio.subscription import Subscription
from nats.js import JetStreamContext

from daydream_contracts.buckets import DRAWN_PAIRS
from daydream_contracts.events import VerdictReached
from daydream_contracts.topology import route_of
from daydream_runtime.stream_reader import BATCH, StreamReader

STREAM = f"KV_{DRAWN_PAIRS.name}"


async def store(js: JetStreamContext, *numbers: int) -> None:
    bucket = await js.key_value(DRAWN_PAIRS.name)
    for number in numbers:
        await bucket.put(f"1.{number}", b"")


async def read(reader: StreamReader, after: int) -> list[int]:
    return [sequence async for sequence, _ in reader.read(after)]


async def consumers(js: JetStreamContext) -> list[str]:
    return [info.name for info in await js.consumers_info(STREAM)]


async def test_a_reader_reads_what_is_new_through_one_consumer(nc: Client) -> None:
    js = nc.jetstream()
    reader = StreamReader(js, STREAM)
    assert await read(reader, 0) == []
    await store(js, 1, 2, 3)
    assert await read(reader, 0) == [1, 2, 3]
    assert await read(reader, 3) == []
    await store(js, 4)
    assert await read(reader, 3) == [4]
    assert len(await consumers(js)) == 1


async def test_deleted_messages_are_passed_over_also_at_the_end(nc: Client) -> None:
    js, route = nc.jetstream(), route_of(VerdictReached)
    for _ in range(4):
        await js.publish(route.subject, b"")
    await js.delete_msg(route.stream, 2)
    await js.delete_msg(route.stream, 4)
    assert await read(StreamReader(js, route.stream), 0) == [1, 3]


async def test_more_than_a_batch_is_read_to_the_end(nc: Client) -> None:
    js = nc.jetstream()
    await store(js, *range(BATCH + 1))
    assert await read(StreamReader(js, STREAM), 0) == list(range(1, BATCH + 2))


async def test_a_lost_consumer_is_made_again_where_it_was(nc: Client) -> None:
    js = nc.jetstream()
    reader = StreamReader(js, STREAM)
    await store(js, 1, 2)
    assert await read(reader, 0) == [1, 2]
    (name,) = await consumers(js)
    await js.delete_consumer(STREAM, name)
    await store(js, 3)
    assert await read(reader, 2) == [3]


async def test_what_came_of_a_batch_that_failed_comes_again(
    nc: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    js = nc.jetstream()
    reader = StreamReader(js, STREAM)
    assert await read(reader, 0) == []
    await store(js, 1, 2, 3)
    next_msg, calls = Subscription.next_msg, iter((False, True))

    async def fail_once(subscription: Subscription, timeout: float | None = None) -> Msg:
        if next(calls, False):
            raise TimeoutError
        return await next_msg(subscription, timeout)

    # no server loses the second message of a batch on request
    monkeypatch.setattr(Subscription, "next_msg", fail_once)
    assert await read(reader, 0) == [1, 2, 3]
    assert not next(calls, False)


async def test_a_reading_that_was_broken_off_continues_where_its_caller_is(nc: Client) -> None:
    js = nc.jetstream()
    reader = StreamReader(js, STREAM)
    await store(js, 1, 2, 3)
    async for sequence, _ in reader.read(0):
        if sequence == 1:
            break
    assert await read(reader, 1) == [2, 3]
