"""Settings of a service that calls a model, beside those of every service."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any, Literal, Self

from pydantic import BaseModel, Field, SecretStr, model_validator

from daydream_contracts.access import Clearances
from daydream_contracts.errors import ConfigurationError
from daydream_runtime.settings import ServiceSettings


class ModelSettings(BaseModel):
    """Which model plays a role, where it is served and how it is asked."""

    name: str = Field("", description="model name as the server knows it, e.g. gpt-5-mini")
    base_url: str = Field("https://api.openai.com/v1", description="any OpenAI-compatible endpoint")
    api_key: SecretStr = Field(SecretStr(""), description="key of that endpoint")
    provider: str = Field("", description="whose price list applies; empty: found by the base URL")
    free: bool = Field(
        False, description="declare the model free of charge, e.g. one that runs on this machine"
    )
    temperature: float | None = Field(
        None, ge=0, le=2, description="sampling temperature; unset: the role's default"
    )
    answers: Literal["json_schema", "json_object", "text"] = Field(
        "json_schema", description="how the server is asked for structured answers"
    )
    logprobs: bool = Field(
        False,
        description="ask for token probabilities: scores are then expectations, where the server gives them",
    )
    brief: bool = Field(
        False, description="ask for short answers: for small models and small budgets"
    )
    reasoning_tokens_max: int = Field(
        0,
        ge=0,
        le=1_000_000,
        description="most tokens of reasoning that the server bills beside the answer; 0 where they count as answer, as at OpenAI",
    )
    timeout_s: float = Field(120.0, gt=0, le=3600, description="limit of one call")
    batch: bool = Field(
        False,
        description="calls go through the provider's batch API, at its lower price: answers take minutes to a day",
    )
    batch_collect_s: float = Field(
        60.0,
        ge=0,
        le=86_400,
        description="how long calls are collected before a batch is handed in",
    )
    batch_poll_s: float = Field(
        30.0, gt=0, le=3600, description="seconds between two looks at a batch"
    )
    clearance: str = Field(
        "",
        description="highest clearance of facts that this model may see; empty: only facts that need none",
    )


def known_clearance(clearances: Sequence[str], of: str, name: str) -> None:
    """Raises ConfigurationError for a clearance that is not in the order: who may see what must not be a guess."""
    if not Clearances(tuple(clearances)).knows(name):
        raise ConfigurationError(
            f"the clearance {name!r} of {of}_CLEARANCE is not among DAYDREAM_CLEARANCES"
            f" {','.join(clearances)!r}",
            "Name it there, the lowest first",
        )


class PaidSettings(ServiceSettings):
    """What a service has that calls a model."""

    model: ModelSettings = Field(
        default_factory=ModelSettings, description="the model of this role"
    )
    prices_file: str = Field(
        "", description="TOML file with prices that the built-in list lacks or has wrong"
    )
    concurrency: int = Field(4, ge=1, le=512, description="calls in flight per replica")
    prompt_file: str = Field(
        "", description="a prompt of your own instead of the service's default"
    )

    @model_validator(mode="after")
    def _known_clearance(self) -> Self:
        known_clearance(self.clearances, "MODEL", self.model.clearance)
        return self

    @classmethod
    def fallbacks(cls) -> dict[str, Any]:
        """Return the variables that the openai client reads by itself."""
        variables = {
            "api_key": os.environ.get("OPENAI_API_KEY"),
            "base_url": os.environ.get("OPENAI_BASE_URL"),
        }
        return {"model": {name: value for name, value in variables.items() if value}}
