"""The order of a paid call: claim, wait for a turn, authorize, call, store, settle, answer.

What a kill leaves behind:

- before "authorized": nothing; the next request makes the call.
- between "authorized" and "stored": the attempt counts in full, and the call is made again.
- after "stored": the next request gets the stored answer, and settles its attempt again, which has
  no effect if it was settled.

A caller that goes away does not end its call: the answer is stored for the next time.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from daydream_budget.gateway.attempts import Attempts
from daydream_budget.gateway.batch.lane import BatchLane
from daydream_budget.gateway.callers import CallContext
from daydream_budget.gateway.calls.claims import CallClaim, CallClaims
from daydream_budget.gateway.calls.record import StoredAnswer, record_key
from daydream_budget.gateway.funds import AuthorizedAttempt
from daydream_budget.gateway.refusals import CallRefusedError


@dataclass
class Purchases:
    """Named calls: each is answered from the store, joined, or paid for."""

    claims: CallClaims
    attempts: Attempts
    batch: BatchLane
    patience_s: float

    def __post_init__(self) -> None:
        self._in_progress: dict[str, asyncio.Task[StoredAnswer]] = {}
        self._is_stopping = False

    async def answer(self, context: CallContext, path: str, body: dict[str, Any]) -> StoredAnswer:
        """Return the answer of a named call. Raise CallRefusedError."""
        if self._is_stopping:
            raise CallRefusedError.of_stop()
        digest = hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()
        key = record_key(context.caller.scope, context.call_id)
        task = self._in_progress.get(f"{key}{digest}")
        if task is None:
            task = asyncio.create_task(self._find_or_pay(context, key, digest, path, body))
            self._in_progress[f"{key}{digest}"] = task
            task.add_done_callback(lambda _: self._in_progress.pop(f"{key}{digest}", None))
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

    async def _find_or_pay(
        self, context: CallContext, key: str, digest: str, path: str, body: dict[str, Any]
    ) -> StoredAnswer:
        if context.batch:
            return await self._from_batch(context, key, body)
        # A stage may ask again with other examples, and keeps the answer that was paid for.
        same_request = context.caller.key is not None
        answer_or_claim = await self.claims.answer_or_claim(
            key, digest, self.patience_s, same_request=same_request
        )
        if isinstance(answer_or_claim, StoredAnswer):
            await self._settle(answer_or_claim, release=not context.reservation_id)
            return answer_or_claim
        try:
            return await self._pay(answer_or_claim, context, path, body)
        finally:
            await asyncio.shield(self.claims.release(answer_or_claim))

    async def _from_batch(
        self, context: CallContext, key: str, body: dict[str, Any]
    ) -> StoredAnswer:
        """Return the answer that a batch brought. Raise CallRefusedError until there is one."""
        answer = await self.claims.stored(key)
        if answer is None:
            await self.batch.submit(context, key, body, _messages_digest(body))
        await self._settle(answer, release=False)
        return answer

    async def _pay(
        self, claim: CallClaim, context: CallContext, path: str, body: dict[str, Any]
    ) -> StoredAnswer:
        request = self.attempts.request(context, path, body)
        attempt, answer = await self.attempts.until_answered(request)
        named = answer.model_copy(update={"messages_digest": _messages_digest(body)})
        stored = await self.claims.store(claim, named)
        if stored.attempt_id != answer.attempt_id:  # another owner was first; both are paid for
            await self._settle(stored, release=attempt.release)
        await self._settle(answer, release=attempt.release)
        return stored

    async def _settle(self, answer: StoredAnswer, *, release: bool) -> None:
        """Settle the attempt that paid for an answer."""
        attempt = AuthorizedAttempt(answer.attempt_id, release)
        await self.attempts.settle(attempt, answer.cost_nanousd, answer)


def _messages_digest(body: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(body.get("messages", [])).encode()).hexdigest()


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
