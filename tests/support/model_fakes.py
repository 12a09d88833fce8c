"""Fakes around models: a gateway with scripted answers; a provider and funds of a gateway."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from daydream_budget.gateway.callers import CallContext
from daydream_budget.gateway.funds import AuthorizedAttempt
from daydream_budget.gateway.providers.config import ProviderConfig
from daydream_budget.gateway.providers.reply import ProviderReply
from daydream_contracts.gateway_http import CallReceipt
from daydream_models.chat_completion import ChatCompletion
from daydream_models.gateway_client import GatewayAnswer

PROVIDER_ID = "chatcmpl-7"
COST_NANOUSD = 700


def completion(text: str, finish: str = "stop", model: str = "m-2026") -> dict[str, Any]:
    """Return the body of a chat answer."""
    return {
        "id": PROVIDER_ID,
        "object": "chat.completion",
        "created": 0,
        "model": model,
        "choices": [
            {
                "index": 0,
                "finish_reason": finish,
                "message": {"role": "assistant", "content": text},
            }
        ],
    }


@dataclass
class FakeGatewayClient:
    """A gateway that gives these answers one after the other, each call once."""

    answers: list[str | Exception]
    finish: str = "stop"
    kind: str = "answer"
    bodies: list[Mapping[str, Any]] = field(default_factory=list)
    paid: dict[str, GatewayAnswer] = field(default_factory=dict)
    batched: list[bool] = field(default_factory=list)

    async def chat(
        self, call_id: str, reservation_id: str, body: Mapping[str, Any], *, batch: bool = False
    ) -> GatewayAnswer:
        """Return the stored answer of a call, or the next one."""
        self.batched.append(batch)
        if call_id in self.paid:
            return self.paid[call_id]
        self.bodies.append(body)
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        receipt = CallReceipt(
            call_id=call_id,
            cost_nanousd=COST_NANOUSD,
            provider_id=PROVIDER_ID,
            input_tokens=100,
            output_tokens=10,
            kind=self.kind,
            answered_at=datetime.now(UTC),
        )
        body = completion(answer, self.finish)
        self.paid[call_id] = GatewayAnswer(ChatCompletion.model_validate(body), receipt)
        return self.paid[call_id]


@dataclass
class FakeScriptedProvider:
    """A provider that gives these replies one after the other, or what `reply` returns."""

    replies: list[ProviderReply]
    reply: Callable[[Mapping[str, Any]], ProviderReply] | None = None
    config: ProviderConfig = field(
        default_factory=lambda: ProviderConfig(base_url="http://127.0.0.1:1/v1")
    )
    sent: list[Mapping[str, Any]] = field(default_factory=list)

    async def attempt(self, path: str, body: Mapping[str, Any]) -> ProviderReply:
        """Return the next reply."""
        self.sent.append(body)
        return self.reply(body) if self.reply else self.replies.pop(0)


@dataclass
class FakeFunds:
    """A ledger that authorizes everything. Both records are by attempt id."""

    authorized: dict[str, int] = field(default_factory=dict)
    settled: dict[str, int | None] = field(default_factory=dict)
    provider_ids: list[str] = field(default_factory=list)

    async def authorize(
        self, context: CallContext, model: str, bound_nanousd: int, lifetime_s: float
    ) -> AuthorizedAttempt:
        """Authorize an attempt."""
        attempt_id = f"{context.call_id}:{len(self.authorized) + 1}"
        self.authorized[attempt_id] = bound_nanousd
        return AuthorizedAttempt(attempt_id, release=not context.reservation_id)

    def settle(
        self,
        attempt: AuthorizedAttempt,
        cost_nanousd: int | None,
        *,
        input_tokens: int | None = None,
        output_tokens: int | None = None,
        provider_id: str = "",
        sent: bool = True,
    ) -> None:
        """Settle an attempt once; a second time has no effect."""
        if attempt.attempt_id not in self.settled:
            self.settled[attempt.attempt_id] = cost_nanousd
            self.provider_ids.append(provider_id)
