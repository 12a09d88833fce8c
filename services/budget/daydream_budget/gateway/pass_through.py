"""Calls without a name: paid each time, and their streams passed on as they come.

A call whole: turn, authorize, send, settle, answer; like a named one, without the store.

A stream: its usage is asked for, since it settles the call. It is settled at its last event. A
caller that goes away, or a stream that breaks off, leaves the cost unknown: it counts in full.

A gateway that stops waits for both within its time, since their answers are nowhere else.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from daydream_budget.gateway.api.streams import DONE, event
from daydream_budget.gateway.attempts import Attempts
from daydream_budget.gateway.call_bounds import CallBound
from daydream_budget.gateway.callers import CallContext
from daydream_budget.gateway.calls.record import StoredAnswer
from daydream_budget.gateway.funds import AuthorizedAttempt
from daydream_budget.gateway.limiter.turns import Turn
from daydream_budget.gateway.models import ServedModel
from daydream_budget.gateway.providers.dispositions import classify
from daydream_budget.gateway.providers.provider import CHAT_PATH
from daydream_budget.gateway.providers.read_reply import read_bill
from daydream_budget.gateway.providers.reply import ProviderReply
from daydream_budget.gateway.refusals import CallRefusedError
from daydream_budget.pricing.usage import TokenUsage

PREFIX = b"data:"


@dataclass
class StreamedCall:
    """A stream in progress, and what is known of its cost. None: unknown."""

    attempt: AuthorizedAttempt
    bound: CallBound
    usage: TokenUsage | None = None
    cost_nanousd: int | None = None
    settled: bool = False


@dataclass
class PassThrough:
    """Calls without a name."""

    attempts: Attempts
    _in_progress: set[asyncio.Future[Any]] = field(default_factory=set)
    _is_stopping: bool = False

    async def answer(self, context: CallContext, path: str, body: dict[str, Any]) -> StoredAnswer:
        """Return the answer of a call. Raise CallRefusedError."""
        task = asyncio.create_task(self._buy(context, path, body))
        self._begin(task)
        try:
            return await asyncio.shield(task)  # a caller that goes away leaves nothing unsettled
        except asyncio.CancelledError:
            if task.cancelled():  # given up at the stop; the caller itself still waits
                raise CallRefusedError.of_stop() from None
            raise

    async def finish(self, timeout_s: float) -> None:
        """Begin no more calls. Wait for those in progress, at most `timeout_s`; give up others."""
        self._is_stopping = True
        if self._in_progress:
            _, pending = await asyncio.wait(set(self._in_progress), timeout=timeout_s)
            for call in pending:
                call.cancel()
            await asyncio.gather(*pending, return_exceptions=True)

    def _begin(self, call: asyncio.Future[Any]) -> None:
        """Take note of a call until it is done. Raise CallRefusedError after the stop began."""
        if self._is_stopping:
            call.cancel()
            raise CallRefusedError.of_stop()
        self._in_progress.add(call)
        call.add_done_callback(self._in_progress.discard)

    async def _buy(self, context: CallContext, path: str, body: dict[str, Any]) -> StoredAnswer:
        ready = await self.attempts.begin(context, path, body)
        attempt, answer = await self.attempts.until_answered(ready)
        self.attempts.settle(attempt, answer.cost_nanousd, answer)
        return answer

    async def events(
        self, context: CallContext, body: dict[str, Any], *, wants_usage: bool
    ) -> AsyncGenerator[bytes, None]:
        """Yield the events of a stream. Raise CallRefusedError before the first one if refused."""
        ended = asyncio.get_running_loop().create_future()
        self._begin(ended)
        try:
            async with aclosing(self._events(context, body, wants_usage=wants_usage)) as events:
                async for line in events:
                    yield line
        finally:
            ended.cancel()

    async def _events(
        self, context: CallContext, body: dict[str, Any], *, wants_usage: bool
    ) -> AsyncGenerator[bytes, None]:
        asked = {**body, "stream": True, "stream_options": {"include_usage": True}}
        request = self.attempts.request(context, CHAT_PATH, asked)
        model = request.model
        prepared = model.prepare(context.caller, CHAT_PATH, asked)
        bound = model.bound(prepared, request.lifetime_s)
        turn = await self.attempts.turn(request, bound)
        call: StreamedCall | None = None
        try:
            call = StreamedCall(await self.attempts.authorize(request, bound), bound)
            async with aclosing(model.stream(prepared)) as lines:
                async for line in lines:
                    if isinstance(line, ProviderReply):
                        raise self._refused(model, call, line, turn)
                    async for passed in self._passed(model, call, line, wants_usage=wants_usage):
                        yield passed
            model.limiter.report(turn, "ok" if call.usage else "bad")
        finally:
            if not turn.reported:
                model.limiter.report(turn, "none")  # the caller left, or was refused by the ledger
            if call is not None:
                self._settle(call)

    async def _passed(
        self, model: ServedModel, call: StreamedCall, line: bytes, *, wants_usage: bool
    ) -> AsyncGenerator[bytes, None]:
        """Yield what the caller gets of a line, and settle at the end of the stream."""
        text = line.removeprefix(PREFIX).strip().decode(errors="replace")
        if not line.startswith(PREFIX):
            return
        if text == DONE:
            self._settle(call)
            yield event(DONE)
            return
        chunk = _chunk(text)
        if chunk.get("usage"):
            call.usage, billed = read_bill(chunk)
            call.cost_nanousd = billed or model.listed_cost_nanousd(call.usage, datetime.now(UTC))
            model.learn_bill(call.bound, call.cost_nanousd)
            if not wants_usage and not chunk.get("choices"):
                return  # the caller has not asked for this event
        yield event(text)

    def _settle(self, call: StreamedCall) -> None:
        """Settle once, by the usage of the stream, or as unknown."""
        if call.settled:
            return
        call.settled = True
        self.attempts.funds.settle(
            call.attempt,
            call.cost_nanousd,
            input_tokens=call.usage.input_tokens if call.usage else None,
            output_tokens=call.usage.output_tokens if call.usage else None,
        )

    def _refused(
        self, model: ServedModel, call: StreamedCall, reply: ProviderReply, turn: Turn
    ) -> CallRefusedError:
        """Return the refusal of a stream that the provider has not begun, or that broke."""
        row = classify(reply)
        model.limiter.report(
            turn, row.signal, retry_after_s=reply.retry_after_s, reason=reply.message
        )
        if row.cost_of(reply) == "nothing":
            call.cost_nanousd = 0
        return self.attempts.refusal(model, row, reply)


def _chunk(text: str) -> dict[str, Any]:
    try:
        chunk = json.loads(text)
    except ValueError:
        return {}
    return chunk if isinstance(chunk, dict) else {}
