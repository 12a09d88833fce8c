"""The one middleware around every handler: keeps a message alive while it is worked on, and decides about failure.

States of a delivery: received → (in-progress acks) → handled: ack
                                                    → not now / transient: tally, nak with delay
                                                    → permanent, invalid or bug: dead letter, close its reservation, reject
                                                    → its reservation is closed, and it was delivered before: it has ended, ack
                                                    → cancelled at a stop: handed back at once

The dead letter is published before the message is rejected, under an id made from the message, so a crash in between
gives one dead letter, not two, and never none. It carries the raw bytes: decoding is what may have failed.
FastStream's default ack policy would lose a message on any exception, NACK_ON_ERROR alone would redeliver it 1,500 times a
second, and `backoff` does not apply to naks; hence the delays here.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from typing import Any

import nats.errors
from faststream import BaseMiddleware
from faststream.exceptions import AckMessage, HandlerException, NackMessage, RejectMessage
from nats.aio.msg import Msg
from nats.js import JetStreamContext
from nats.js.errors import KeyNotFoundError
from nats.js.kv import KeyValue
from opentelemetry.trace import SpanKind, Status, StatusCode

from daydream_contracts.errors import RELEASED, PermanentError
from daydream_contracts.events import Message, Payer
from daydream_contracts.topology import ACK_WAIT_S, DEAD_LETTER_PREFIX, ROUTES
from daydream_runtime.disposition import (
    WORKER_CRASHES_MAX,
    DeliveryCounts,
    Redeliver,
    Reject,
    decide,
)
from daydream_runtime.telemetry import Attribute, Telemetry, trace_headers

log = logging.getLogger(__name__)
BEAT_S = ACK_WAIT_S / 3
DEAD_LETTER_TIMEOUT_S = 5.0
HAND_BACK_S = 5.0
NOT_COPIED = ("Nats-Msg-Id", "Nats-Expected-Stream", "Nats-Expected-Last-Subject-Sequence")

ReleaseReservation = Callable[[Payer], Awaitable[None]]


class DeliveryMiddleware:
    """Makes the FastStream middleware for one connection: what it needs, and what it does for each message."""

    def __init__(
        self,
        js: JetStreamContext,
        tallies: KeyValue,
        telemetry: Telemetry,
        close_reservation: ReleaseReservation,
        *,
        beat_s: float = BEAT_S,
    ) -> None:
        self._js = js
        self._tallies = tallies
        self._telemetry = telemetry
        self._close_reservation = close_reservation
        self._beat_s = beat_s
        self._in_hand: set[asyncio.Future[None]] = set()

    def __call__(self, msg: Any, /, **kwargs: Any) -> BaseMiddleware:
        return _DeliveryMiddleware(self, msg, **kwargs)

    async def finish(self) -> None:
        """Wait until every message in hand is acknowledged or handed back. FastStream cancels what outlasts a stop without
        waiting for it, and the connection would be gone before the server hears of it."""
        if self._in_hand:
            await asyncio.wait(self._in_hand, timeout=HAND_BACK_S)

    async def handle(self, message: Any, call_next: Callable[[Any], Awaitable[Any]]) -> Any:
        """Run the handler under a heartbeat and a span; turn its failure into a nak or a dead letter."""
        raw: Msg = message.raw_message
        started = time.perf_counter()
        in_hand: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._in_hand.add(in_hand)
        outcome = "ok"
        attributes: dict[str, Any] = {
            "messaging__system": "nats",
            "messaging__operation__name": "process",
            "messaging__operation__type": "process",
            "messaging__destination__name": raw.subject,
            "messaging__nats__deliveries": raw.metadata.num_delivered,
        }
        with self._telemetry.span(
            f"process {raw.subject}", SpanKind.CONSUMER, headers=raw.headers or {}, **attributes
        ) as span:
            beat = asyncio.create_task(keep_alive(raw, self._beat_s))
            try:
                await self._refuse_killers(raw)
                return await call_next(message)
            except asyncio.CancelledError:
                # inside a cancelled scope every further await is cancelled too, so a task outside of it gives the message back
                outcome = "handed-back"
                asyncio.create_task(self._hand_back(raw)).add_done_callback(
                    lambda _: self._done(in_hand)
                )
                raise
            except HandlerException:
                raise
            except Exception as error:
                span.set_status(Status(StatusCode.ERROR, type(error).__name__))
                span.set_attribute(Attribute.ERROR, type(error).__name__)
                outcome, verdict = await self._settle_failure(raw, error)
                raise verdict from error
            finally:
                beat.cancel()
                if outcome != "handed-back":
                    self._done(in_hand)
                labels = {Attribute.DESTINATION: raw.subject, "outcome": outcome}
                self._telemetry.handled.add(1, labels)
                self._telemetry.handling_s.record(
                    time.perf_counter() - started, {Attribute.DESTINATION: raw.subject}
                )

    def _done(self, in_hand: asyncio.Future[None]) -> None:
        self._in_hand.discard(in_hand)
        in_hand.set_result(None)

    async def _settle_failure(self, raw: Msg, error: Exception) -> tuple[str, HandlerException]:
        """The outcome's name, and the exception that tells FastStream how to acknowledge."""
        if (
            isinstance(error, PermanentError)
            and error.reason == RELEASED
            and (raw.metadata.num_delivered or 1) > 1
        ):
            # only a verdict or a dead letter closes a reservation: an earlier delivery got there, and was cut off before its acknowledgement
            log.info("ended by an earlier delivery: %s", error)
            return "ended", AckMessage()
        try:
            outcome = decide(error, await self._tally(raw))
            if isinstance(outcome, Redeliver):
                log.info("given back for %.1f s: %s", outcome.delay_s, outcome.text)
                await self._tallies.put(tally_key(raw), outcome.tally.model_dump_json().encode())
                return "redelivered", NackMessage(delay=outcome.delay_s)
            await self._bury(raw, outcome, error)
            return f"dead:{outcome.reason}", RejectMessage()
        except (nats.errors.Error, ConnectionError, TimeoutError) as trouble:
            log.warning(
                "could not record a failure, so the message comes again: %r after %r",
                trouble,
                error,
            )
            return "redelivered", NackMessage(delay=2.0)

    async def _refuse_killers(self, raw: Msg) -> None:
        deliveries = raw.metadata.num_delivered or 1
        if deliveries <= WORKER_CRASHES_MAX:
            return
        deaths = (await self._tally(raw)).deaths(deliveries)
        if deaths >= WORKER_CRASHES_MAX:
            outcome = Reject(
                "worker-died", f"{deaths} workers died or fell silent over this message"
            )
            await self._bury(raw, outcome, None)
            raise RejectMessage

    async def _tally(self, raw: Msg) -> DeliveryCounts:
        try:
            entry = await self._tallies.get(tally_key(raw))
        except KeyNotFoundError:
            return DeliveryCounts()
        return DeliveryCounts.model_validate_json(entry.value or b"{}")

    async def _hand_back(self, raw: Msg) -> None:
        try:
            tally = await self._tally(raw)
            back = tally.model_copy(update={"handed_back": tally.handed_back + 1})
            await self._tallies.put(tally_key(raw), back.model_dump_json().encode())
            await raw.nak()
        except (nats.errors.Error, ConnectionError, TimeoutError):
            log.warning("could not hand back a message; it comes again after the ack wait")

    async def _bury(self, raw: Msg, outcome: Reject, error: Exception | None) -> None:
        """Publish the dead letter, then close its reservation: nothing but a verdict or a dead letter ends a daydream."""
        where = raw.metadata
        original = (raw.headers or {}).get("Nats-Msg-Id") or str(where.sequence.stream)
        headers = {
            key: value for key, value in (raw.headers or {}).items() if key not in NOT_COPIED
        } | trace_headers()
        headers |= {
            "Nats-Msg-Id": f"{where.stream}:{where.consumer}:{original}:dead",
            "Daydream-Reason": outcome.reason,
            "Daydream-Error": " ".join(outcome.text.split()),
            "Daydream-Subject": raw.subject,
            "Daydream-Consumer": str(where.consumer),
            "Daydream-Deliveries": str(where.num_delivered),
        }
        subject = f"{DEAD_LETTER_PREFIX}.{str(where.stream).lower()}"
        await self._js.publish(subject, raw.data, headers=headers, timeout=DEAD_LETTER_TIMEOUT_S)
        log.error(
            "dead letter (%s): %s",
            outcome.reason,
            outcome.text,
            exc_info=error if outcome.reason == "bug" else None,
        )
        payer = payer_of(raw.subject, raw.data)
        if payer is not None:
            await self._close_reservation(payer)


class _DeliveryMiddleware(BaseMiddleware):
    def __init__(self, delivery: DeliveryMiddleware, msg: Any, /, **kwargs: Any) -> None:
        super().__init__(msg, **kwargs)
        self._delivery = delivery

    async def consume_scope(self, call_next: Callable[[Any], Awaitable[Any]], msg: Any) -> Any:
        return await self._delivery.handle(msg, call_next)


async def keep_alive(raw: Msg, beat_s: float) -> None:
    """Tell the server again and again that the message is being worked on."""
    while True:
        await asyncio.sleep(beat_s)
        try:
            await raw.in_progress()
        except Exception as error:  # the server may be away for a moment; the next beat tries again
            log.warning("heartbeat failed: %r", error)


def tally_key(raw: Msg) -> str:
    """A message's key in the tallies: its place in its stream, and for whom."""
    where = raw.metadata
    return f"{where.stream}.{where.consumer}.{where.sequence.stream}"


def payer_of(subject: str, body: bytes) -> Payer | None:
    """Whose reservation paid for these bytes; None when they can't be read (then the ledger closes it by time)."""
    kinds: dict[str, type[Message]] = {flow.subject: flow.message for flow in ROUTES}
    try:
        return kinds[subject].model_validate_json(body).payer
    except (KeyError, ValueError):
        return None
