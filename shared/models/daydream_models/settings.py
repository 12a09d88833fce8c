"""Settings of a service that asks a model, besides those of every service."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any, Literal, Self

from pydantic import BaseModel, Field, SecretStr, model_validator

from daydream_contracts.access import Clearances
from daydream_contracts.errors import ConfigurationError
from daydream_runtime.settings import ServiceSettings


class ModelSettings(BaseModel):
    """A model, its endpoint, and how it is asked."""

    name: str = Field("", description="model name as the server knows it, e.g. gpt-5-mini")
    base_url: str = Field(
        "https://api.openai.com/v1", description="URL of an OpenAI-compatible endpoint"
    )
    api_key: SecretStr = Field(SecretStr(""), description="API key of that endpoint")
    provider: str = Field(
        "", description="provider whose price list applies; empty: found by the base URL"
    )
    free: bool = Field(
        False, description="declare the model free of charge, e.g. one that runs on this machine"
    )
    temperature: float | None = Field(
        None, ge=0, le=2, description="sampling temperature; unset: the role's default"
    )
    answers: Literal["json_schema", "json_object", "text"] = Field(
        "json_schema", description="response format that the server is asked for"
    )
    logprobs: bool = Field(
        False,
        description="ask for token probabilities; scores are then expectations, if the server "
        "returns them",
    )
    short_answers: bool = Field(
        False, description="ask for short answers: for small models and small budgets"
    )
    reasoning_tokens_max: int = Field(
        0,
        ge=0,
        le=1_000_000,
        description="maximum reasoning tokens that the server bills in addition to the answer; 0 "
        "where they count as answer, as at OpenAI",
    )
    timeout_s: float = Field(120.0, gt=0, le=3600, description="time limit of one call, in seconds")
    batch: bool = Field(
        False,
        description="use the provider's batch API, at its lower price; answers take minutes to a "
        "day",
    )
    batch_collect_s: float = Field(
        60.0, ge=0, le=86_400, description="time to collect calls before a batch is created, in s"
    )
    batch_poll_s: float = Field(
        30.0, gt=0, le=3600, description="seconds between two checks of a batch"
    )
    clearance: str = Field(
        "",
        description="highest clearance of facts that this model may see; empty: only facts that "
        "need none",
    )


def check_clearance(clearances: Sequence[str], variable_prefix: str, clearance: str) -> None:
    """Raise ConfigurationError for a clearance that is not in the order: access is not guessed."""
    if not Clearances(tuple(clearances)).knows(clearance):
        raise ConfigurationError(
            f"the clearance {clearance!r} of {variable_prefix}_CLEARANCE is not among "
            f"DAYDREAM_CLEARANCES {','.join(clearances)!r}",
            "Add it there, the lowest first",
        )


class PaidSettings(ServiceSettings):
    """Settings of a service that pays for a model."""

    model: ModelSettings = Field(
        default_factory=ModelSettings, description="the model of this role"
    )
    prices_file: str = Field(
        "", description="TOML file with prices that the bundled list lacks or has wrong"
    )
    concurrency: int = Field(4, ge=1, le=512, description="calls in progress per replica")
    prompt_file: str = Field(
        "", description="file with your own prompt instead of the service's default"
    )

    @model_validator(mode="after")
    def _check_clearance(self) -> Self:
        check_clearance(self.clearances, "MODEL", self.model.clearance)
        return self

    @classmethod
    def fallbacks(cls) -> dict[str, Any]:
        """Return the variables that the openai client reads by itself."""
        variables = {
            "api_key": os.environ.get("OPENAI_API_KEY"),
            "base_url": os.environ.get("OPENAI_BASE_URL"),
        }
        return {"model": {name: value for name, value in variables.items() if value}}
