"""What the operator says about a provider."""

from __future__ import annotations

from functools import cached_property
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, SecretStr, model_validator

from daydream_budget.gateway.limiter.terms import LimiterSettings
from daydream_budget.gateway.providers.address import ProviderAddress
from daydream_contracts.errors import ConfigurationError

ResponseFormat = Literal["json_schema", "json_object", "text"]
FREE_SUFFIX = ":free"  # OpenRouter's models without a price


class ProviderConfig(BaseModel):
    """A provider: where it is, the key, and what is known about it beforehand.

    What is left open is learned from its answers.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field("default", min_length=1, max_length=64, description="name in reports")
    base_url: str = Field(
        "https://api.openai.com/v1", description="URL of an OpenAI-compatible API"
    )
    api_key: SecretStr = Field(SecretStr(""), description="API key of that provider")
    models: tuple[str, ...] = Field(
        (), description="names of its models, or patterns such as mistral-*"
    )
    price_list: str = Field(
        "", description="provider whose price list applies; empty: found by the base URL"
    )
    free: bool = Field(False, description="declare its models free of charge")
    answers: Literal["auto", "json_schema", "json_object", "text"] = Field(
        "auto", description="best response format to ask for; auto: whatever the server accepts"
    )
    reasoning_tokens_max: int | None = Field(
        None,
        ge=0,
        le=1_000_000,
        description="tokens for reasoning that are asked for besides the answer; unset: learned",
    )
    timeout_s: float = Field(120.0, gt=0, le=3600, description="time limit of one attempt, in s")
    requests_per_minute: int | None = Field(None, ge=1, description="limit of the provider")
    tokens_per_minute: int | None = Field(None, ge=1, description="limit of the provider")
    concurrency: int | None = Field(None, ge=1, le=4096, description="calls in progress at once")
    headers: dict[str, SecretStr] = Field({}, description="more headers of every request")
    query: dict[str, str] = Field({}, description="more parameters of every URL")
    service_tier: str = Field("", max_length=32, description='tier to ask for, such as "flex"')
    watch_output: bool = Field(
        True, description="read answers as a stream, and break off one that repeats itself"
    )

    probe: bool = Field(
        True, description="ask a model one small paid question first, to learn what it takes"
    )

    @model_validator(mode="after")
    def _check_address(self) -> Self:
        try:
            assert self.address
        except ConfigurationError as error:
            raise ValueError(str(error)) from None
        return self

    @cached_property
    def address(self) -> ProviderAddress:
        """The parsed base URL."""
        return ProviderAddress.parse(self.base_url)

    @property
    def is_openai(self) -> bool:
        """Return True where OpenAI's own models answer, on Azure too."""
        return self.address.family in ("openai", "azure")

    def url(self, path: str) -> str:
        """Return the URL of a path such as `/chat/completions`."""
        return self.address.url(path, self.query)

    def is_free(self, model: str) -> bool:
        """Return True if this model costs nothing."""
        return self.free or (self.address.family == "openrouter" and model.endswith(FREE_SUFFIX))

    def limits(self) -> LimiterSettings:
        """Return the limits of each of its models, for all replicas together."""
        limits = {
            "requests_per_minute": self.requests_per_minute,
            "tokens_per_minute": self.tokens_per_minute,
            "concurrency_max": self.concurrency,
        }
        return LimiterSettings.model_validate(
            {name: limit for name, limit in limits.items() if limit is not None}
        )

    def secrets(self) -> tuple[str, ...]:
        """Return everything that no message may show, the longest first."""
        values = (self.api_key, *self.headers.values())
        return tuple(sorted({value.get_secret_value() for value in values}, key=len, reverse=True))

    def authorization(self) -> dict[str, str]:
        """Return the headers that authenticate a request."""
        key = self.api_key.get_secret_value()
        own = {name: value.get_secret_value() for name, value in self.headers.items()}
        if not key:
            return own
        if self.address.family == "azure":
            return {"api-key": key, **own}
        return {"authorization": f"Bearer {key}", **own}
