"""Decide what happens to each delivered message: the middleware of all JetStream subscribers.

States of a delivery:

    received → (in-progress acks while it is worked on) → handled: ack
        → retry later, transient: delivery counts, nak with delay
        → permanent, invalid or bug: dead letter, `on_dead_letter`, reject
        → reservation released by an earlier delivery: the daydream has ended, ack
        → cancelled at a stop: nak at once

The dead letter is published before the message is rejected, under an id derived from the message.
A crash in between gives one dead letter: not two, and never none. It carries the raw bytes,
because decoding may be what failed.

FastStream's own ways lose or storm messages (measured). Its default ack policy rejects a message
on any exception. NACK_ON_ERROR alone redelivers it 1,500 times a second, and `backoff` does not
apply to naks. The failure is decided in `after_processed`: FastStream publishes a handler's
result after `consume_scope`, and a failed publish must be a failed delivery.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import Any

import nats.errors
from faststream import BaseMiddleware, ContextRepo
from faststream.exceptions import AckMessage, HandlerException, NackMessage, RejectMessage
from faststream.message import StreamMessage
from faststream.nats.response import NatsPublishCommand
from nats.aio.msg import Msg
from nats.js import JetStreamContext
from nats.js.kv import KeyValue
from opentelemetry import trace

from daydream_contracts.errors import RELEASED, PermanentError
from daydream_contracts.events import Message
from daydream_contracts.topology import ACK_WAIT_S, ROUTES
from daydream_runtime.dead_letters import publish_dead_letter
from daydream_runtime.delivery_counts import read_counts, write_counts
from daydream_runtime.disposition import WORKER_CRASHES_MAX, Redeliver, Reject, decide
from daydream_runtime.message_metrics import MessageMetrics
from daydream_runtime.span_failures import record_failure
from daydream_runtime.stream_reader import is_resend
from daydream_runtime.telemetry import Telemetry

log = logging.getLogger(__name__)
HEARTBEAT_S = ACK_WAIT_S / 3
RETURN_TIMEOUT_S = 5.0
UNRECORDED_DELAY_S = 2.0
OnDeadLetter = Callable[[Message], Awaitable[None]]


class DeliveryMiddleware:
    """Create the middleware of each message, and hold what all of them share.

    Without `connect` it does nothing but count: TestNatsBroker has no acknowledgements, and a
    test sees the handler's own exception.
    """

    def __init__(self, telemetry: Telemetry, *, heartbeat_s: float = HEARTBEAT_S) -> None:
        self.heartbeat_s = heartbeat_s
        self.in_progress: set[asyncio.Future[None]] = set()
        self.metrics = MessageMetrics(telemetry, self.in_progress)
        self._js: JetStreamContext | None = None
        self._counts: KeyValue | None = None
        self._on_dead_letter: OnDeadLetter | None = None

    def connect(
        self, js: JetStreamContext, counts: KeyValue, on_dead_letter: OnDeadLetter | None = None
    ) -> None:
        """Use this connection. `on_dead_letter` is called after a dead letter was published."""
        self._js, self._counts, self._on_dead_letter = js, counts, on_dead_letter

    @property
    def connected(self) -> bool:
        """Return True after `connect`."""
        return self._js is not None

    def __call__(self, msg: Msg | None, /, *, context: ContextRepo) -> BaseMiddleware[Any, Any]:
        assert msg is not None  # subscribers of a router receive messages only
        return _DeliveryScope(self, msg, context=context)

    async def finish(self) -> None:
        """Wait until every message in progress was settled or returned.

        FastStream cancels what outlasts a stop without waiting for it. The connection would be gone
        before the server is informed.
        """
        if self.in_progress:
            await asyncio.wait(self.in_progress, timeout=RETURN_TIMEOUT_S)

    async def reject_poison(self, raw: Msg) -> None:
        """Dead-letter a message whose workers keep crashing, and raise RejectMessage."""
        deliveries = raw.metadata.num_delivered or 1
        if deliveries <= WORKER_CRASHES_MAX:
            return
        crashes = (await read_counts(self._bucket(), raw)).worker_crashes(deliveries)
        if crashes >= WORKER_CRASHES_MAX:
            reject = Reject("worker-died", f"{crashes} workers crashed or fell silent over it")
            await self._dead_letter(raw, reject, None)
            raise RejectMessage

    async def handle_failure(self, raw: Msg, error: Exception) -> tuple[str, HandlerException]:
        """Return the outcome's name, and the exception that tells FastStream how to acknowledge."""
        if _is_released(error) and not _is_first_delivery_of_resend(raw):
            # Only a verdict or a dead letter releases a reservation. So an earlier delivery got
            # that far, and its worker ended before the acknowledgement; or an earlier copy of the
            # message did, for example before streams were restored from a backup. Only what a
            # person sends again has a new reservation, which nothing can have released.
            log.info("ended by an earlier delivery or copy: %s", error)
            return "ended", AckMessage()
        try:
            disposition = decide(error, await read_counts(self._bucket(), raw))
            if isinstance(disposition, Redeliver):
                log.info("redelivery in %.1f s: %s", disposition.delay_s, disposition.text)
                counts = disposition.counts.model_copy(update={"text": disposition.text})
                await write_counts(self._bucket(), raw, counts)
                return "redelivered", NackMessage(delay=disposition.delay_s)
            await self._dead_letter(raw, disposition, error)
            return f"dead:{disposition.reason}", RejectMessage()
        except (nats.errors.Error, ConnectionError, TimeoutError) as broker_error:
            log.warning(
                "could not record a failure, so the message is redelivered: %r after %r",
                broker_error,
                error,
            )
            return "redelivered", NackMessage(delay=UNRECORDED_DELAY_S)

    async def return_message(self, raw: Msg) -> None:
        """Nak a message that the stop cut off, without counting a failure."""
        try:
            counts = await read_counts(self._bucket(), raw)
            returned = counts.model_copy(update={"returned": counts.returned + 1})
            await write_counts(self._bucket(), raw, returned)
            await raw.nak()
        except (nats.errors.Error, ConnectionError, TimeoutError):
            log.warning("could not return a message; it is redelivered after the ack wait")

    async def _dead_letter(self, raw: Msg, reject: Reject, error: Exception | None) -> None:
        assert self._js is not None
        await publish_dead_letter(self._js, raw, reject)
        bug = error if reject.reason == "bug" else None
        log.error("dead letter (%s): %s", reject.reason, reject.text, exc_info=bug)
        event = read_event(raw.subject, raw.data)
        if event is not None and self._on_dead_letter is not None:
            await self._on_dead_letter(event)

    def _bucket(self) -> KeyValue:
        assert self._counts is not None
        return self._counts


class _DeliveryScope(BaseMiddleware[NatsPublishCommand, Msg]):
    """Accompany one message from its receipt to its disposition."""

    def __init__(self, delivery: DeliveryMiddleware, msg: Msg, /, *, context: ContextRepo) -> None:
        super().__init__(msg, context=context)
        self._delivery = delivery
        self._outcome = "ok"

    async def on_receive(self) -> None:
        self._started = time.perf_counter()
        if not self._delivery.connected:
            return
        self._delivery.metrics.received(self.msg)
        self._settled = asyncio.get_running_loop().create_future()
        self._delivery.in_progress.add(self._settled)
        self._heartbeat = asyncio.create_task(keep_alive(self.msg, self._delivery.heartbeat_s))

    async def consume_scope(
        self, call_next: Callable[[Any], Awaitable[Any]], msg: StreamMessage[Any]
    ) -> Any:
        if self._delivery.connected:
            try:
                await self._delivery.reject_poison(self.msg)
            except RejectMessage:
                self._outcome = "dead:worker-died"
                raise
        return await call_next(msg)

    async def after_processed(
        self,
        exc_type: type[BaseException] | None = None,
        exc_val: BaseException | None = None,
        exc_tb: TracebackType | None = None,
    ) -> bool | None:
        try:
            if self._delivery.connected:
                self._heartbeat.cancel()
                await self._settle(exc_val)
        finally:
            self._measure()
        return False

    async def _settle(self, error: BaseException | None) -> None:
        """Raise the exception that tells FastStream how to acknowledge; nothing means ack."""
        if isinstance(error, asyncio.CancelledError):
            # Every await in a cancelled scope is cancelled too. A task outside returns the message.
            self._outcome = "returned"
            returning = asyncio.create_task(self._delivery.return_message(self.msg))
            returning.add_done_callback(lambda _: self._done())
            return
        try:
            if isinstance(error, Exception) and not isinstance(error, HandlerException):
                record_failure(trace.get_current_span(), error)
                self._outcome, response = await self._delivery.handle_failure(self.msg, error)
                raise response from error
        finally:
            self._done()

    def _done(self) -> None:
        self._delivery.in_progress.discard(self._settled)
        if not self._settled.done():
            self._settled.set_result(None)

    def _measure(self) -> None:
        duration_s = time.perf_counter() - self._started
        self._delivery.metrics.handled(self.msg.subject, self._outcome, duration_s)


async def keep_alive(raw: Msg, heartbeat_s: float) -> None:
    """Tell the server every `heartbeat_s` that the message is being worked on, until cancelled."""
    while True:
        await asyncio.sleep(heartbeat_s)
        try:
            await raw.in_progress()
        except Exception as error:  # the server may be away; the next heartbeat tries again
            log.warning("heartbeat failed: %r", error)


def read_event(subject: str, body: bytes) -> Message | None:
    """Parse the event of a subject. Return None if the bytes are not one."""
    kinds = {route.subject: route.message for route in ROUTES}
    try:
        return kinds[subject].model_validate_json(body)
    except (KeyError, ValueError):
        return None


def _is_first_delivery_of_resend(raw: Msg) -> bool:
    return is_resend(raw) and (raw.metadata.num_delivered or 1) == 1


def _is_released(error: Exception) -> bool:
    return isinstance(error, PermanentError) and error.reason == RELEASED
