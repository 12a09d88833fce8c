"""What a probe found out about a model at an address."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

from daydream_budget.gateway.providers.config import ResponseFormat


class Capabilities(BaseModel):
    """Abilities of one model at one address, for the gateway and for `daydream doctor`.

    `problem` is why the probe got no answer, in the provider's words. `reasoning_tokens` is the
    thought before a very simple answer, and `reasoning_allowance` the default that follows from it.
    """

    model_config = ConfigDict(frozen=True)

    provider: str
    model: str
    probed_at_s: float
    problem: str = ""
    maximum_name: str = ""
    best_format: ResponseFormat = "text"
    follows_schema: bool = False
    takes_seed: bool = False
    takes_temperature: bool = False
    returns_logprobs: bool = False
    streams: bool = False
    text_source: str = ""
    thought_source: str = ""
    reports_usage: bool = False
    reports_cost: bool = False
    reasoning_tokens: int = 0
    reasoning_share: float = 0.0
    reasoning_allowance: int = 0
    paid_calls: int = 0

    def lines(self) -> list[str]:
        """Return the findings as text, one per line. What is not sent, the dialect says."""
        if self.problem:
            return [f"{self.model} at {self.provider} gave no answer: {self.problem}"]
        thought = f"thinks: {self.reasoning_tokens} tokens, {self.reasoning_share:.0%} of an answer"
        return [
            f"response format: {self.best_format}{'' if self.follows_schema else ', not followed'}",
            f"maximum of an answer: {self.maximum_name}",
            f"seed: {_yes(self.takes_seed)}, temperature: {_yes(self.takes_temperature)}, "
            f"token probabilities: {_yes(self.returns_logprobs)}, stream: {_yes(self.streams)}",
            f"text comes in: {self.text_source or 'nothing'}"
            + (f", thought in: {self.thought_source}" if self.thought_source else ""),
            f"usage: {'reported' if self.reports_usage else 'MISSING, calls count in full'}"
            + (", cost reported" if self.reports_cost else ""),
            f"{thought if self.reasoning_tokens else 'does not think before it answers'}; "
            f"allowance {self.reasoning_allowance} tokens",
        ]


def _yes(is_so: bool) -> str:
    return "yes" if is_so else "no"
