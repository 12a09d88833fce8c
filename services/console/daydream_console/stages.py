"""Read the stages of the loop from JetStream: what is pending, for how long, and what it waits for.

Nothing is stored here, so a restart loses nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import nats.errors
from nats.js import JetStreamContext, api
from nats.js.errors import NotFoundError
from pydantic import Field, ValidationError

from daydream_contracts.buckets import DELIVERY_COUNTS
from daydream_contracts.events import ContractModel
from daydream_contracts.topology import CONSUMERS, Consumer
from daydream_runtime.delivery_counts import DeliveryCounts

DEAD_LETTERS = "DEADLETTERS"
LOOKED_AT = 5  # of the oldest messages: one of them says what the stage waits for
RECENT = timedelta(hours=1)
RECENT_MAX = 200
UNANSWERED = (nats.errors.Error, TimeoutError, ConnectionError)


class StageState(ContractModel):
    """A consumer: messages pending in its stream, in progress, and redelivered among those in
    progress.

    `oldest_s`: age of the oldest message that is not done. `waits_for`: why it was returned.
    """

    service: str
    subject: str
    pending: int
    in_progress: int
    redelivered: int
    handled: int = Field(default=0, description="messages handled since the consumer exists")
    failed: int = Field(default=0, description="messages given up on within the last hour")
    oldest_s: float | None = None
    waits_for: str = ""

    @property
    def idle(self) -> bool:
        return not self.pending and not self.in_progress


async def read_stages(js: JetStreamContext) -> tuple[StageState, ...] | None:
    """Read the stages in order of the flow: a message that moves on meanwhile is then seen in a
    later stage. Return None if NATS does not answer.
    """
    try:
        return tuple([await _stage(js, consumer) for consumer in CONSUMERS])
    except UNANSWERED:
        return None


def with_failures(stages: Iterable[StageState], letters: DeadLetterCount) -> tuple[StageState, ...]:
    """Return the stages with the number of messages that each gave up on."""
    durables = {(each.service, each.route.subject): each.durable for each in CONSUMERS}
    return tuple(
        stage.model_copy(update={"failed": letters.recent_by_consumer[durable]})
        if (durable := durables.get((stage.service, stage.subject)))
        else stage
        for stage in stages
    )


async def _stage(js: JetStreamContext, consumer: Consumer) -> StageState:
    stream, subject = consumer.route.stream, consumer.route.subject
    try:
        info = await js.consumer_info(stream, consumer.durable)
    except NotFoundError:  # not provisioned yet
        return StageState(
            service=consumer.service, subject=subject, pending=0, in_progress=0, redelivered=0
        )
    pending, in_progress = info.num_pending or 0, info.num_ack_pending or 0
    redelivered = info.num_redelivered or 0
    done = info.ack_floor.stream_seq if info.ack_floor else 0
    oldest = await _oldest(js, stream, done) if pending or in_progress else None
    waits_for = ""
    if oldest is not None and in_progress and redelivered:
        waits_for = await _reason(js, consumer, oldest.seq or 0)
    return StageState(
        service=consumer.service,
        subject=subject,
        pending=pending,
        in_progress=in_progress,
        redelivered=redelivered,
        handled=done,
        oldest_s=_age_s(oldest),
        waits_for=waits_for,
    )


async def _oldest(js: JetStreamContext, stream: str, done: int) -> api.RawStreamMsg | None:
    """Return the oldest message behind the sequence up to which all are done."""
    try:
        return await js.get_msg(stream, seq=done + 1, next=True, subject=">")
    except NotFoundError:
        return None


def _age_s(message: api.RawStreamMsg | None) -> float | None:
    if message is None or message.time is None:
        return None
    return max(0.0, (datetime.now(UTC) - message.time).total_seconds())


async def _reason(js: JetStreamContext, consumer: Consumer, first: int) -> str:
    """Return why one of the oldest messages was returned, in its worker's words."""
    bucket = await js.key_value(DELIVERY_COUNTS.name)
    prefix = f"{consumer.route.stream}.{consumer.durable}"
    for sequence in range(first, first + LOOKED_AT):
        try:
            entry = await bucket.get(f"{prefix}.{sequence}")
            text = DeliveryCounts.model_validate_json(entry.value or b"{}").text
        except (NotFoundError, ValidationError):
            continue
        if text:
            return text.partition(": ")[2] or text  # without the name of the error
    return ""


@dataclass(frozen=True)
class DeadLetterCount:
    """How many dead letters are stored, and how many of the last hour each consumer gave up."""

    stored: int = 0
    recent_by_consumer: Counter[str] = field(default_factory=Counter)

    @property
    def recent(self) -> int:
        """Return how many of the last hour are stored."""
        return self.recent_by_consumer.total()


async def count_dead_letters(js: JetStreamContext) -> DeadLetterCount:
    """Count dead letters; recent ones up to a limit. Zeros if NATS does not answer."""
    try:
        state = (await js.stream_info(DEAD_LETTERS)).state
    except (NotFoundError, *UNANSWERED):
        return DeadLetterCount()
    recent, since = Counter[str](), datetime.now(UTC) - RECENT
    for sequence in range(state.last_seq, max(0, state.last_seq - RECENT_MAX), -1):
        if recent.total() >= state.messages:
            break
        try:
            message = await js.get_msg(DEAD_LETTERS, seq=sequence)
        except NotFoundError:  # dropped
            continue
        except UNANSWERED:
            break
        if message.time is None or message.time < since:
            break
        recent[(message.headers or {}).get("Daydream-Consumer", "")] += 1
    return DeadLetterCount(state.messages, recent)
