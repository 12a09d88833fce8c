"""What a provider's API answered, in the few fields that matter here."""

from __future__ import annotations

from dataclasses import dataclass, field

from openai.types.chat import ChatCompletion
from openai.types.chat.chat_completion import Choice

from daydream_models.logprobs import TokenProbabilities, expected_numbers, token_probabilities
from daydream_models.pricing.usage import TokenUsage, reported_usage


@dataclass(frozen=True)
class ProviderAnswer:
    """The answer to one call.

    `text` comes from the content or, where that is empty, from the reasoning. `usage` is None if
    the server reports none, or one that can't be true. `provider_id` is the provider's own id of
    the answer. `expected` holds the numbers of the answer as expectations over token probabilities.
    """

    text: str
    finish_reason: str
    model: str
    usage: TokenUsage | None
    provider_id: str = ""
    expected: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class ProviderVectors:
    """One vector per text, as the server gave them. `usage` is as in ProviderAnswer."""

    vectors: list[list[float]]
    usage: TokenUsage | None
    provider_id: str = ""


def provider_answer(completion: ChatCompletion) -> ProviderAnswer:
    """Return what a completion says. It may have no choice, no content and no usage."""
    choice = completion.choices[0] if completion.choices else None
    text = _text(choice)
    return ProviderAnswer(
        text,
        (choice.finish_reason if choice else None) or "none",
        completion.model or "",
        reported_usage(completion.usage, completion.service_tier),
        str(completion.id or ""),
        expected_numbers(text, _tokens(choice)),
    )


def _text(choice: Choice | None) -> str:
    message = choice.message if choice else None
    if message is None:
        return ""
    return message.content or getattr(message, "reasoning_content", None) or ""


def _tokens(choice: Choice | None) -> list[TokenProbabilities]:
    logprobs = choice.logprobs.content if choice and choice.logprobs else None
    return [
        token_probabilities(
            token.token,
            {token.token: token.logprob}
            | {alternative.token: alternative.logprob for alternative in token.top_logprobs or ()},
        )
        for token in logprobs or ()
    ]
