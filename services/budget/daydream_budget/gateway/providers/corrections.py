"""Ask a provider, and correct the request by what its refusals teach.

A refusal costs nothing, so all rounds of one call share one authorization. Each round gives up at
least one feature that was sent, so the rounds end by themselves; their number is bounded besides.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from daydream_budget.gateway.providers.dialect import Correction, Dialect
from daydream_budget.gateway.providers.dispositions import classify
from daydream_budget.gateway.providers.preparation import prepare, visible_maximum
from daydream_budget.gateway.providers.reply import ProviderReply

ROUNDS_MAX = 8
SendRequest = Callable[[dict[str, Any]], Awaitable[ProviderReply]]


@dataclass(frozen=True)
class CorrectedReply:
    """The last answer, the request that got it, and the corrections on the way there."""

    reply: ProviderReply
    sent: Mapping[str, Any]
    corrections: tuple[Correction, ...] = ()


async def ask_corrected(
    send: SendRequest,
    body: Mapping[str, Any],
    dialect: Dialect,
    *,
    reasoning_tokens: int = 0,
    watch: bool = False,
) -> CorrectedReply:
    """Send a request in the model's dialect until it is no longer refused for its form.

    Only answers that cost nothing are followed by another round.
    """
    corrections: list[Correction] = []
    call_cap: int | None = None
    while True:
        sent = prepare(
            body, dialect, reasoning_tokens=reasoning_tokens, call_cap=call_cap, watch=watch
        )
        reply = await send(sent)
        is_free = classify(reply).cost == "nothing"
        correction = dialect.learn(reply, sent) if is_free else None
        if correction is None or len(corrections) == ROUNDS_MAX:
            return CorrectedReply(reply, sent, tuple(corrections))
        if correction.call_cap is not None:
            if call_cap is not None or correction.call_cap < (visible_maximum(body) or 1):
                return CorrectedReply(reply, sent, tuple(corrections))  # no room for the answer
            call_cap = correction.call_cap
        corrections.append(correction)
