"""Celery with Redis: `celery --app benchmarks.peers.celery_worker worker --queues judge`.

Settings, where they are not the default:
- `task_acks_late`, `task_reject_on_worker_lost`: a task is acknowledged when it has ended, and goes
  back to the queue if its pool process dies. By default it is lost.
- `worker_prefetch_multiplier=1`: Celery's advice for long tasks.
- `visibility_timeout` of ten seconds instead of an hour: as the ack wait of daydream.
- `unacked_restore_interval=1`, `unacked_restore_throttle=1`: kombu's advice for a low visibility
  timeout. By default it looks once in 100 seconds.
- `task_ignore_result`: results are not read.
- `--concurrency 4`, in the default pool of processes: as a stage of daydream.
"""

from __future__ import annotations

import os
from collections.abc import Iterable

from celery import Celery

from benchmarks.peers.work import (
    BROKER_URL,
    STAGES,
    Event,
    ack_wait_s,
    answered,
    new_event,
    note_end,
)

app = Celery("peers", broker=os.environ[BROKER_URL])
app.conf.update(
    task_acks_late=True,
    task_reject_on_worker_lost=True,
    worker_prefetch_multiplier=1,
    task_ignore_result=True,
    task_routes={stage: {"queue": stage} for stage in STAGES},
    broker_connection_retry_on_startup=True,
    broker_transport_options={
        "visibility_timeout": ack_wait_s(),
        "unacked_restore_interval": 1,
        "unacked_restore_throttle": 1,
    },
)


def _write(event: Event) -> None:
    judging.delay(answered("writer", event))


def _judge(event: Event) -> None:
    remembering.delay(answered("judge", event))


def _remember(event: Event) -> None:
    ending.delay(event)


writing = app.task(_write, name="writer")
judging = app.task(_judge, name="judge")
remembering = app.task(_remember, name="memory")
ending = app.task(note_end, name="end")


async def send(numbers: Iterable[int]) -> None:
    """Send new pairs to the writer."""
    for number in numbers:
        writing.delay(new_event(number))
