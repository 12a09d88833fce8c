"""dramatiq with its Redis broker: `dramatiq benchmarks.peers.dramatiq_worker --queues judge`.

Settings, where they are not the default:
- `heartbeat_timeout` of ten seconds instead of sixty: as the ack wait of daydream.
- `maintenance_chance` of one command in ten instead of one in a thousand. Messages of a dead worker
  go back to their queue during maintenance. An idle worker looks once a second, so by default that
  would take a quarter of an hour in the mean.
- `--processes 1 --threads 4`: as a stage of daydream.

By default a message is acknowledged when its actor has returned, and tried again if it has failed.
"""

from __future__ import annotations

import os
from collections.abc import Iterable

import dramatiq
from dramatiq.brokers.redis import RedisBroker

from benchmarks.peers.work import BROKER_URL, Event, ack_wait_s, answered, new_event, note_end

MAINTENANCE_CHANCE = 100_000  # of a million commands

broker = RedisBroker(
    url=os.environ[BROKER_URL],
    heartbeat_timeout=int(1000 * ack_wait_s()),
    maintenance_chance=MAINTENANCE_CHANCE,
)
dramatiq.set_broker(broker)


def _write(event: Event) -> None:
    judging.send(answered("writer", event))


def _judge(event: Event) -> None:
    remembering.send(answered("judge", event))


def _remember(event: Event) -> None:
    ending.send(event)


writing = dramatiq.actor(_write, actor_name="writer", queue_name="writer")
judging = dramatiq.actor(_judge, actor_name="judge", queue_name="judge")
remembering = dramatiq.actor(_remember, actor_name="memory", queue_name="memory")
ending = dramatiq.actor(note_end, actor_name="end", queue_name="end")


async def send(numbers: Iterable[int]) -> None:
    """Send new pairs to the writer."""
    for number in numbers:
        writing.send(new_event(number))
