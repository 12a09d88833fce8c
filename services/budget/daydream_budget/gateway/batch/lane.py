"""The batch lane: hand in calls that are not urgent, and find out what became of them.

A stage that needs an answer returns its message meanwhile, so nothing is held open for a day, and a
worker that dies loses nothing. `worker` makes the batches.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, NoReturn

from nats.js.errors import APIError, KeyNotFoundError

from daydream_budget.gateway.attempts import Attempts
from daydream_budget.gateway.batch.api import BatchApi
from daydream_budget.gateway.batch.records import BatchedCall, BatchRecords
from daydream_budget.gateway.callers import CallContext
from daydream_budget.gateway.models import Models, ServedModel
from daydream_budget.gateway.providers.preparation import prepare
from daydream_budget.gateway.providers.provider import CHAT_PATH
from daydream_budget.gateway.refusals import CallRefusedError
from daydream_contracts.errors import ConfigurationError
from daydream_runtime.broker_errors import is_wrong_sequence

AUTHORIZATION_LIFETIME_S = 25 * 3600.0  # a batch takes a day at most
RETRY_MESSAGE_S = 15.0


@dataclass
class BatchApis:
    """The batch APIs of providers. Each is tried before its first call is authorized."""

    models: Models
    _apis: dict[str, BatchApi] = field(default_factory=dict)

    async def of(self, model: ServedModel) -> BatchApi:
        """Return the batch API of a model's provider. Raise CallRefusedError if it has none."""
        name = model.provider.config.name
        if name not in self._apis:
            api = BatchApi(model.provider)
            try:
                await api.check()
            except ConfigurationError as error:
                raise CallRefusedError(400, "no_batch_api", str(error), "stop") from None
            self._apis[name] = api
        return self._apis[name]


@dataclass(frozen=True)
class BatchLane:
    """The way into a batch. Its calls are written in the same dialect as others.

    A model is probed before its first call, by a call that is made at once: a batch would bring a
    day later what a refusal teaches.
    """

    records: BatchRecords
    apis: BatchApis
    attempts: Attempts

    async def submit(
        self, context: CallContext, record_key: str, body: dict[str, Any], messages_digest: str
    ) -> NoReturn:
        """Have a call made in one of the next batches, once.

        Raise CallRefusedError: to wait until the answer is stored, or if the provider refuses.
        """
        try:
            call = await self.records.find_call(record_key)
        except KeyNotFoundError:
            await self._add(context, record_key, body, messages_digest)
        else:
            if call.refused:
                await self.records.delete_call(record_key)
                raise CallRefusedError(400, "refused_by_model", call.refused, "reject")
        text = "the call is made in a batch"
        raise CallRefusedError(503, "in_batch", text, "wait", RETRY_MESSAGE_S)

    async def _add(
        self, context: CallContext, record_key: str, body: dict[str, Any], messages_digest: str
    ) -> None:
        await self.apis.of(self.apis.models.served(body["model"]))
        model = (await self.attempts.probed(context, CHAT_PATH, body)).model
        prepared = model.prepare(context.caller, CHAT_PATH, body)
        bound = model.bound(prepared, AUTHORIZATION_LIFETIME_S)
        attempt = await self.attempts.funds.authorize(
            context, model.name, bound.nanousd, AUTHORIZATION_LIFETIME_S
        )
        call = BatchedCall(
            record_key=record_key,
            stage=context.caller.stage,
            model=model.name,
            attempt_id=attempt.attempt_id,
            body=prepare(prepared.body, model.dialect, reasoning_tokens=prepared.reasoning_tokens),
            bound=bound,
            asked_at=datetime.now(UTC),
            messages_digest=messages_digest,
            reasoning_tokens=prepared.reasoning_tokens,
        )
        try:
            await self.records.create_call(call)
        except APIError as error:
            if not is_wrong_sequence(error):
                raise
            await self.attempts.funds.settle(attempt, 0, sent=False)  # another replica was faster
