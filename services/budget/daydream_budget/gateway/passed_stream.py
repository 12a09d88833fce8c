"""One stream that is passed on: what it says becomes an answer like any other.

    begun -> passed on -> ended: by its last event, an error, the end of the connection, or cut

At its end it is classified by the table of answers, like the answer of a plain call, and then the
limiter, the metrics, the alerts and the ledger learn the same from it. A provider's error before
the first event is a refusal with a status; later it is the last event.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Any

from daydream_budget.gateway.api.streams import DONE, event, replayed
from daydream_budget.gateway.attempts import Attempts, ReadyAttempt
from daydream_budget.gateway.calls.record import StoredAnswer
from daydream_budget.gateway.event_pipe import EventPipe, SlowReaderError
from daydream_budget.gateway.metrics import ObservedCall
from daydream_budget.gateway.paid_answers import SentCall, take_answer
from daydream_budget.gateway.providers.provider import reply_of_stream
from daydream_budget.gateway.providers.reply import ProviderReply
from daydream_budget.gateway.providers.server_events import StreamedCompletion, event_of
from daydream_budget.gateway.refusals import CallRefusedError

TOO_SLOW = "the stream was read too slowly, and is cut"


@dataclass
class PassedStream:
    """A stream that has its turn and its money. `run` reads it to its end, and settles it."""

    attempts: Attempts
    ready: ReadyAttempt
    pipe: EventPipe
    wants_usage: bool
    _completion: StreamedCompletion = field(default_factory=StreamedCompletion)
    _settled: bool = False

    async def run(self) -> None:
        """Pass all events on. Raise CallRefusedError for what goes wrong.

        A caller that leaves cancels it: then the cost is unknown, and counts in full.
        """
        context, model = self.ready.request.context, self.ready.request.model
        deadline_s = asyncio.get_running_loop().time() + model.provider.config.timeout_s
        try:
            with self.attempts.metrics.observed(context, model, self.ready.call) as observed:
                async with aclosing(self._events(observed)) as events:
                    async for passed in events:
                        await self.pipe.put(passed, deadline_s)
        except SlowReaderError:
            raise CallRefusedError(408, "read_too_slowly", TOO_SLOW, "retry") from None
        finally:
            if not self.ready.turn.reported:
                model.limiter.report(self.ready.turn, "none")
            self._settle(None)  # unless it has ended

    async def _events(self, observed: ObservedCall) -> AsyncGenerator[bytes, None]:
        """Yield what the caller gets, and take note of the end before the last event."""
        completion, model = self._completion, self.ready.request.model
        async with aclosing(model.stream(self.ready.call)) as lines:
            async for line in lines:
                if isinstance(line, ProviderReply):
                    if completion.is_complete:
                        break  # only the end of the connection is missing
                    self._end(observed, line)
                    for replay in replayed(line.body, usage=self.wants_usage):
                        yield replay  # it answers in one piece, although a stream was asked for
                    return
                data = event_of(line)
                if data is None:
                    continue
                chunk = completion.add(data)
                if self._is_over():
                    break
                if self._is_wanted(chunk):
                    yield event(data.decode(errors="replace"))
        self._end(observed, reply_of_stream(completion))
        if self._is_cut:
            yield event(_cut_event(completion.body()))
        if self._is_cut or completion.is_done:
            yield event(DONE)

    @property
    def _is_cut(self) -> bool:
        is_watched = self.ready.request.model.provider.config.watch_output
        return is_watched and self._completion.is_runaway

    def _is_over(self) -> bool:
        return self._completion.is_done or self._completion.has_failed or self._is_cut

    def _is_wanted(self, chunk: Mapping[str, Any]) -> bool:
        """Return False for an event that the caller has not asked for: its usage."""
        return self.wants_usage or not chunk.get("usage") or bool(chunk.get("choices"))

    def _end(self, observed: ObservedCall, reply: ProviderReply) -> None:
        """Classify what came, and settle it. Raise CallRefusedError if it is no answer."""
        ready, attempts = self.ready, self.attempts
        context, model = ready.request.context, ready.request.model
        row = observed.ended(reply)
        attempts.report(ready, reply, row)
        if row.status != 200:
            is_free = row.cost_of(reply) == "nothing" and not self._completion.has_text
            self._settle(0 if is_free else None)
            raise attempts.refusal(model, row, reply)
        sent = SentCall(context, model, ready.call, ready.bound, ready.attempt.attempt_id)
        answer, _ = take_answer(sent, reply, row, attempts.alerts)
        attempts.metrics.add_answer(context, model, answer)
        self._settle(answer.cost_nanousd, answer)

    def _settle(self, cost_nanousd: int | None, answer: StoredAnswer | None = None) -> None:
        if not self._settled:
            self._settled = True
            self.attempts.settle(self.ready.attempt, cost_nanousd, answer)


def _cut_event(so_far: Mapping[str, Any]) -> dict[str, Any]:
    """Return the end of a stream that runs away, as if it had reached its maximum."""
    common = {name: so_far[name] for name in ("id", "created", "model") if name in so_far}
    choice = {"index": 0, "delta": {}, "finish_reason": "length"}
    return {**common, "object": "chat.completion.chunk", "choices": [choice]}
