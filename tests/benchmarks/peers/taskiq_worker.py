"""taskiq with taskiq-nats, a broker per stage:
`taskiq worker benchmarks.peers.taskiq_worker:judge`.

Settings, where they are not the default:
- `PullBasedJetStreamBroker`: the one whose messages are kept until they are acknowledged, and of
  which a worker takes as many as it has room for.
- a stream that keeps what is not acknowledged: by default it keeps everything for ever.
- `ack_wait` of ten seconds instead of thirty, and no limit of deliveries: as daydream.
- `--workers 1 --max-async-tasks 4`: as a stage of daydream.

By default a message is acknowledged when its task has ended.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import Any

from nats.js.api import AckPolicy, ConsumerConfig, RetentionPolicy, StreamConfig
from taskiq import TaskiqEvents
from taskiq_nats import PullBasedJetStreamBroker

from benchmarks.peers.work import (
    BROKER_URL,
    STAGES,
    Event,
    ack_wait_s,
    answered_async,
    new_event,
    note_end,
)


def _broker(stage: str) -> Any:
    return PullBasedJetStreamBroker(
        servers=[os.environ[BROKER_URL]],
        subject=f"peers.{stage}",
        stream_name=f"PEERS_{stage.upper()}",
        durable=stage,
        stream_config=StreamConfig(retention=RetentionPolicy.WORK_QUEUE),
        consumer_config=ConsumerConfig(
            durable_name=stage,
            ack_policy=AckPolicy.EXPLICIT,
            ack_wait=ack_wait_s(),
            max_deliver=-1,
        ),
    )


writer, judge, memory, end = map(_broker, STAGES)  # the command line names one of them


async def _write(event: Event) -> None:
    await judging.kiq(await answered_async("writer", event))


async def _judge(event: Event) -> None:
    await remembering.kiq(await answered_async("judge", event))


async def _remember(event: Event) -> None:
    await ending.kiq(event)


async def _end(event: Event) -> None:
    note_end(event)


writing = writer.task(task_name="writer")(_write)
judging = judge.task(task_name="judge")(_judge)
remembering = memory.task(task_name="memory")(_remember)
ending = end.task(task_name="end")(_end)


async def _connect_judge(_: Any) -> None:
    await judge.startup()


async def _connect_memory(_: Any) -> None:
    await memory.startup()


async def _connect_end(_: Any) -> None:
    await end.startup()


# a worker starts its own broker; it also sends to the next one
writer.add_event_handler(TaskiqEvents.WORKER_STARTUP, _connect_judge)
judge.add_event_handler(TaskiqEvents.WORKER_STARTUP, _connect_memory)
memory.add_event_handler(TaskiqEvents.WORKER_STARTUP, _connect_end)


async def send(numbers: Iterable[int]) -> None:
    """Send new pairs to the writer."""
    if not writer.client.is_connected:
        await writer.startup()
    for number in numbers:
        await writing.kiq(new_event(number))
