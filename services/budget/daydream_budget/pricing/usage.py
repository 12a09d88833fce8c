"""The tokens of one call, as a provider counts them."""

from __future__ import annotations

from dataclasses import dataclass

from daydream_contracts.number_limits import TOKENS_MAX


@dataclass(frozen=True)
class TokenUsage:
    """Tokens as a provider reports them.

    `input_tokens` includes the cached ones and those written to the cache; `output_tokens` includes
    the reasoning. `service_tier` is the tier that served the call ("flex", "priority"); empty: the
    usual one.
    """

    input_tokens: int
    output_tokens: int
    cached_input_tokens: int = 0
    cache_write_tokens: int = 0
    reasoning_tokens: int = 0
    service_tier: str = ""

    def plausible(self) -> TokenUsage:
        """Return the usage without impossible numbers.

        Nothing is negative or above `TOKENS_MAX`. More cached tokens than input tokens give no
        discount.
        """
        tokens = _count(self.input_tokens)
        written = min(_count(self.cache_write_tokens), tokens)
        cached = _count(self.cached_input_tokens)
        output = _count(self.output_tokens)
        reasoning = min(_count(self.reasoning_tokens), output)
        return TokenUsage(
            tokens,
            output,
            cached if cached + written <= tokens else 0,
            written,
            reasoning,
            self.service_tier,
        )


def reported_usage(report: object, service_tier: object = "") -> TokenUsage | None:
    """Return the `usage` of an OpenAI-style answer, an object with attributes.

    None if it has no plausible counts: then the whole authorization is spent. Wrong numbers are
    read as the more expensive ones. Some servers count reasoning outside `completion_tokens` and
    show it in `total_tokens` only, or as more reasoning than completion: that difference is output.
    """
    input_tokens = _reported(report, "prompt_tokens")
    output_tokens = _reported(report, "completion_tokens")
    if not input_tokens or output_tokens is None:  # there is no empty prompt
        return None
    reasoning = (
        _reported(getattr(report, "completion_tokens_details", None), "reasoning_tokens") or 0
    )
    if reasoning > output_tokens:
        output_tokens += reasoning
    output_tokens = max(output_tokens, (_reported(report, "total_tokens") or 0) - input_tokens)
    details = getattr(report, "prompt_tokens_details", None)
    cached = _reported(details, "cached_tokens") or 0
    written = (
        _reported(details, "cache_write_tokens")
        or _reported(report, "cache_creation_input_tokens")
        or 0
    )
    tier = service_tier if isinstance(service_tier, str) else ""
    return TokenUsage(input_tokens, output_tokens, cached, written, reasoning, tier).plausible()


def embedding_usage(report: object) -> TokenUsage | None:
    """Return the usage of an answer with embeddings, which has input only."""
    tokens = max(_reported(report, "prompt_tokens") or 0, _reported(report, "total_tokens") or 0)
    return TokenUsage(tokens, 0).plausible() if tokens else None


def _reported(report: object, name: str) -> int | None:
    count = getattr(report, name, None)
    return (
        count
        if isinstance(count, int) and not isinstance(count, bool) and 0 <= count <= TOKENS_MAX
        else None
    )


def _count(tokens: int) -> int:
    return min(max(0, tokens), TOKENS_MAX)
