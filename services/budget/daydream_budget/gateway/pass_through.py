"""Calls without a name: paid each time, and their streams passed on as they come.

A call whole: turn, authorize, send, settle, answer; like a named one, without the store.

A stream: its usage is asked for, since it settles the call. A task reads it, so that a caller that
reads slowly, or not at all, holds neither a turn nor money. It is settled before its last event. A
caller that goes away, or a stream that breaks off, leaves the cost unknown: it counts in full.

A gateway that stops waits for both within its time, since their answers are nowhere else.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import dataclass, field
from typing import Any

from daydream_budget.gateway.attempts import Attempts
from daydream_budget.gateway.callers import CallContext
from daydream_budget.gateway.calls.record import StoredAnswer
from daydream_budget.gateway.event_pipe import EventPipe
from daydream_budget.gateway.passed_stream import PassedStream
from daydream_budget.gateway.providers.provider import CHAT_PATH
from daydream_budget.gateway.refusals import CallRefusedError


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
        pipe = EventPipe()
        passing = asyncio.create_task(self._pass_on(context, body, pipe, wants_usage))
        passing.add_done_callback(lambda _: pipe.close())
        self._begin(passing)
        try:
            async for line in pipe.events():
                yield line
            if passing.cancelled():  # given up at the stop
                raise CallRefusedError.of_stop()
            await passing
        finally:
            passing.cancel()
            await asyncio.gather(passing, return_exceptions=True)

    async def _pass_on(
        self, context: CallContext, body: dict[str, Any], pipe: EventPipe, wants_usage: bool
    ) -> None:
        asked = {**body, "stream": True, "stream_options": {"include_usage": True}}
        ready = await self.attempts.begin(context, CHAT_PATH, asked)
        await PassedStream(self.attempts, ready, pipe, wants_usage).run()
