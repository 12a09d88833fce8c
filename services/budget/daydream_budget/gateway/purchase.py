"""The order of a paid call: claim, wait for a turn, authorize, call, store, answer; then settle.

A new call is claimed while it gets its turn and its money: both are writes that take as long. What
was authorized for a call that turns out to be known is given back.

What a kill leaves behind:

- before "authorized": nothing, or a claim; the next request makes the call.
- between "authorized" and "stored": the attempt counts in full, and the call is made again.
- after "stored": the next request gets the stored answer, and settles its attempt again, which has
  no effect if it was settled. Without a next request the ledger reads the answer when the attempt's
  time is up (see `ledger.lost_attempts`).

A caller that goes away does not end its call: the answer is stored for the next time.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Awaitable, Mapping
from dataclasses import dataclass
from typing import Any, Self

from daydream_budget.gateway.attempts import Attempts, ReadyAttempt
from daydream_budget.gateway.batch.lane import BatchLane
from daydream_budget.gateway.callers import CallContext
from daydream_budget.gateway.calls.claims import CallClaim, CallClaims
from daydream_budget.gateway.calls.record import StoredAnswer, record_key
from daydream_budget.gateway.funds import AuthorizedAttempt
from daydream_budget.gateway.refusals import CallRefusedError


@dataclass(frozen=True)
class NamedCall:
    """A request for a named call. `key` is that of its record, `digest` that of the request."""

    context: CallContext
    path: str
    body: dict[str, Any]
    key: str
    messages_digest: str
    digest: str

    @classmethod
    def of(cls, context: CallContext, path: str, body: dict[str, Any]) -> Self:
        """Return the call that a request asks for. A prompt is long, so it is read once."""
        messages_digest = _digest(body.get("messages", []))
        digest = _digest(sorted({**body, "messages": messages_digest}.items()))
        key = record_key(context.caller.scope, context.call_id)
        return cls(context, path, body, key, messages_digest, digest)


@dataclass
class Purchases:
    """Named calls: each is answered from the store, joined, or paid for."""

    claims: CallClaims
    attempts: Attempts
    batch: BatchLane
    patience_s: float

    def __post_init__(self) -> None:
        self._in_progress: dict[tuple[str, str], asyncio.Task[StoredAnswer]] = {}
        self._is_stopping = False

    async def answer(self, context: CallContext, path: str, body: dict[str, Any]) -> StoredAnswer:
        """Return the answer of a named call. Raise CallRefusedError."""
        if self._is_stopping:
            raise CallRefusedError.of_stop()
        call = NamedCall.of(context, path, body)
        name = (call.key, call.digest)
        task = self._in_progress.get(name)
        if task is None:
            task = self._in_progress[name] = asyncio.create_task(self._find_or_pay(call))
            task.add_done_callback(lambda _: self._in_progress.pop(name, None))
        try:
            return await asyncio.shield(task)
        except asyncio.CancelledError:
            if task.cancelled():  # given up at the stop; the caller itself still waits
                raise CallRefusedError.of_stop() from None
            raise

    async def finish(self, timeout_s: float) -> None:
        """Begin no more calls. Wait for those in progress, at most `timeout_s`; give up others."""
        self._is_stopping = True
        if self._in_progress:
            tasks = list(self._in_progress.values())
            _, pending = await asyncio.wait(tasks, timeout=timeout_s)
            for task in pending:
                task.cancel()
            await asyncio.gather(*pending, return_exceptions=True)

    async def _find_or_pay(self, call: NamedCall) -> StoredAnswer:
        if call.context.batch:
            return await self._from_batch(call)
        claim: CallClaim | None = None
        beginning = asyncio.create_task(self._begin(call))
        try:
            claim = await self.claims.claim_new(call.key, call.digest)
        finally:
            if claim is None:
                self.attempts.abandon(beginning)
        if claim is not None:
            return await self._pay(call, claim, beginning)
        # A stage may ask again with other examples, and keeps the answer that was paid for.
        same_request = call.context.caller.key is not None
        answer_or_claim = await self.claims.answer_or_claim(
            call.key, call.digest, self.patience_s, same_request=same_request
        )
        if isinstance(answer_or_claim, StoredAnswer):
            self._settle(answer_or_claim, release=not call.context.reservation_id)
            return answer_or_claim
        return await self._pay(call, answer_or_claim, self._begin(call))

    async def _begin(self, call: NamedCall) -> ReadyAttempt:
        return await self.attempts.begin(call.context, call.path, call.body)

    async def _from_batch(self, call: NamedCall) -> StoredAnswer:
        """Return the answer that a batch brought. Raise CallRefusedError until there is one."""
        answer = await self.claims.stored(call.key)
        if answer is None:
            await self.batch.submit(call.context, call.key, call.body, call.messages_digest)
        self._settle(answer, release=False)
        return answer

    async def _pay(
        self, call: NamedCall, claim: CallClaim, beginning: Awaitable[ReadyAttempt]
    ) -> StoredAnswer:
        try:
            attempt, answer = await self.attempts.until_answered(await beginning)
            named = answer.model_copy(update={"messages_digest": call.messages_digest})
            stored = await self.claims.store(claim, named)
        finally:
            await asyncio.shield(self.claims.release(claim))
        if stored.attempt_id != answer.attempt_id:  # another owner was first; both are paid for
            self._settle(stored, release=attempt.release)
        self._settle(answer, release=attempt.release)
        return stored

    def _settle(self, answer: StoredAnswer, *, release: bool) -> None:
        """Settle the attempt that paid for an answer."""
        attempt = AuthorizedAttempt(answer.attempt_id, release)
        self.attempts.settle(attempt, answer.cost_nanousd, answer)


def _digest(value: Any) -> str:
    return hashlib.sha256(json.dumps(value).encode()).hexdigest()


def receipt(context: CallContext, answer: StoredAnswer) -> Mapping[str, Any]:
    """Return what the caller learns of the cost of its call."""
    return {
        "call_id": context.call_id,
        "cost_nanousd": answer.cost_nanousd or 0,
        "saved_nanousd": answer.saved_nanousd,
        "provider_id": answer.provider_id,
        "model": answer.body.get("model", ""),
        "input_tokens": answer.input_tokens,
        "output_tokens": answer.output_tokens,
        "messages_digest": answer.messages_digest,
        "kind": answer.kind,
        "answered_at": answer.answered_at.isoformat(),
    }
