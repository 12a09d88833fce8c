"""What one model at one address does not take, learned from its refusals.

The state only grows: refused features with the provider's own words, and caps of values. So two
replicas that learned different things merge by a union, in any order. A refusal costs nothing, and
the request is sent again at once without what was refused.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field

from daydream_budget.gateway.providers.config import ProviderConfig, ResponseFormat
from daydream_budget.gateway.providers.features import FORMAT, MAXIMUM_NAMES, ROLE, SCHEMA
from daydream_budget.gateway.providers.refused_features import RefusedFeatures, refused_features
from daydream_budget.gateway.providers.reply import ProviderReply, shorten

FORMATS: tuple[ResponseFormat, ...] = ("json_schema", "json_object", "text")
FEATURES_MAX = 256  # a provider that refuses everything cannot fill the memory
STRICT_MODE = "strict mode of OpenAI takes no lengths of strings"
SET_BY_OPERATOR = "set by the operator"


class LearnedRefusal(BaseModel):
    """Why a feature is not sent: the words of the refusal, and when it came (0: no refusal)."""

    model_config = ConfigDict(frozen=True)

    words: str = Field(max_length=600)
    learned_at_s: float = 0.0


@dataclass(frozen=True)
class Correction:
    """What a refusal taught. The request is prepared again with it, and sent again.

    `call_cap` is a maximum of tokens that holds for this call only.
    """

    features: tuple[str, ...]
    reason: str
    call_cap: int | None = None

    def __str__(self) -> str:
        return f"{', '.join(self.features)}: {self.reason}"


class Dialect(BaseModel):
    """The dialect of one model. All calls to it share this object."""

    first_maximum: Literal["max_tokens", "max_completion_tokens"] = "max_tokens"
    refused: dict[str, LearnedRefusal] = {}
    caps: dict[str, int] = {}

    @classmethod
    def of(cls, config: ProviderConfig) -> Dialect:
        """Return what is known before the first call."""
        dialect = cls()
        if config.is_openai:
            dialect.first_maximum = "max_completion_tokens"  # its reasoning models refuse the other
            for keyword in ("minLength", "maxLength"):
                dialect.refuse(SCHEMA + keyword, STRICT_MODE)
        if config.answers != "auto":
            for kind in FORMATS[: FORMATS.index(config.answers)]:
                dialect.refuse(FORMAT + kind, SET_BY_OPERATOR)
        return dialect

    def refuse(self, feature: str, words: str, at_s: float = 0.0) -> None:
        """Record that a feature is not taken. The first reason is kept."""
        if len(self.refused) < FEATURES_MAX:
            refusal = LearnedRefusal(words=shorten(words), learned_at_s=at_s)
            self.refused.setdefault(feature, refusal)

    def takes(self, feature: str) -> bool:
        """Return True unless the feature was refused."""
        return feature not in self.refused

    @property
    def maximum_name(self) -> str:
        """The parameter that limits the tokens of an answer.

        If both names were refused, the first one is sent all the same: a call without a maximum
        has no bound on its cost.
        """
        names = sorted(MAXIMUM_NAMES, key=lambda name: name != self.first_maximum)
        return next((name for name in names if self.takes(name)), self.first_maximum)

    @property
    def best_format(self) -> ResponseFormat:
        """The response format that enforces most of what the server takes."""
        return next((kind for kind in FORMATS if self.takes(FORMAT + kind)), "text")

    @property
    def can_stream(self) -> bool:
        """True if answers can be read as a stream that ends with its usage."""
        return self.takes("stream") and self.takes("stream_options")

    @property
    def schema_keywords_refused(self) -> frozenset[str]:
        """The keywords that a schema must not have."""
        return frozenset(
            name.removeprefix(SCHEMA) for name in self.refused if name.startswith(SCHEMA)
        )

    def role_for(self, role: str) -> str:
        """Return the role to send in place of `system` or `developer`."""
        options = (role, "system", "developer") if role in ("system", "developer") else (role,)
        return next((option for option in options if self.takes(ROLE + option)), "user")

    def learn(self, reply: ProviderReply, sent: Mapping[str, Any]) -> Correction | None:
        """Learn from a refusal of the request that was sent. None if it teaches nothing.

        A call that was sent before another one learned the same gets its correction too.
        """
        refusal = refused_features(reply, sent)
        if refusal is None:
            return None
        if refusal.capped:
            return self._learn_cap(refusal, reply)
        for feature in refusal.features:
            self.refuse(feature, reply.message or reply.code, time.time())
        if self.maximum_name in refusal.features:
            return None  # both names were refused: nothing is left to try
        return Correction(refusal.features, reply.message or reply.code)

    def _learn_cap(self, refusal: RefusedFeatures, reply: ProviderReply) -> Correction:
        name, cap = refusal.capped, refusal.cap
        if refusal.is_for_call:
            return Correction((name,), reply.message, call_cap=cap)
        key = "max_tokens" if name in MAXIMUM_NAMES else name
        self.caps[key] = min(cap, self.caps.get(key, cap))
        return Correction((f"{name} at most {cap}",), reply.message)

    def merge(self, other: Dialect) -> Self:
        """Return what either of two replicas has learned."""
        refused = dict(self.refused)
        for feature, refusal in other.refused.items():
            mine = refused.get(feature, refusal)
            refused[feature] = min(mine, refusal, key=lambda each: (each.learned_at_s, each.words))
        caps = {
            name: min(value.get(name, 10**9) for value in (self.caps, other.caps))
            for name in self.caps | other.caps
        }
        return type(self)(first_maximum=self.first_maximum, refused=refused, caps=caps)

    def learned(self) -> Self:
        """Return what was learned from refusals, without what was known beforehand."""
        refused = {name: refusal for name, refusal in self.refused.items() if refusal.learned_at_s}
        return type(self)(refused=refused, caps=dict(self.caps))

    def adopt(self, other: Dialect) -> None:
        """Learn what another replica has learned."""
        merged = self.merge(other)
        self.refused, self.caps = merged.refused, merged.caps

    def lines(self) -> list[str]:
        """Say in one line each what is not sent, and why."""
        refusals = [
            f"{feature} is not sent: {refusal.words}"
            for feature, refusal in sorted(self.refused.items())
        ]
        return refusals + [f"{name} is at most {cap}" for name, cap in sorted(self.caps.items())]
