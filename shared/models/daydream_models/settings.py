"""Settings of a service that asks a model, besides those of every service."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, Self

from pydantic import BaseModel, Field, SecretStr, model_validator

from daydream_contracts.access import Clearances
from daydream_contracts.errors import ConfigurationError
from daydream_runtime.settings import ServiceSettings


class ModelSettings(BaseModel):
    """A model, by the name under which the gateway knows it, and how it is asked."""

    name: str = Field("", description="model name as the server knows it, e.g. gpt-5-mini")
    temperature: float | None = Field(
        None, ge=0, le=2, description="sampling temperature; unset: the role's default"
    )
    reasoning_effort: Literal["", "none", "minimal", "low", "medium", "high"] = Field(
        "", description="how much a reasoning model thinks; empty: its own default"
    )
    logprobs: bool = Field(
        False,
        description="ask for token probabilities; scores are then expectations, if the server "
        "returns them",
    )
    short_answers: bool = Field(
        False, description="ask for short answers: for small models and small budgets"
    )
    batch: bool = Field(
        False,
        description="use the provider's batch API, at its lower price; answers take minutes to a "
        "day",
    )
    clearance: str = Field(
        "",
        description="highest clearance of facts that this model may see; empty: only facts that "
        "need none",
    )


class GatewayAddress(BaseModel):
    """Where the gateway is, and the key of this stage."""

    url: str = Field("http://127.0.0.1:8430/v1", description="URL of the gateway to the models")
    key: SecretStr = Field(SecretStr(""), description="key of this stage at the gateway")
    timeout_s: float = Field(
        600.0,
        gt=0,
        le=3600,
        description="time that a stage waits for an answer of the gateway, in seconds; the call "
        "continues and its answer is kept",
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
    """Settings of a service that asks a model."""

    model: ModelSettings = Field(
        default_factory=ModelSettings, description="the model of this role"
    )
    gateway: GatewayAddress = Field(
        default_factory=GatewayAddress, description="the gateway to the models"
    )
    concurrency: int = Field(4, ge=1, le=512, description="calls in progress per replica")
    prompt_file: str = Field(
        "",
        description="file with your own prompt, or the name of a bundled one (essay.v1), instead "
        "of the service's default",
    )

    @model_validator(mode="after")
    def _check_clearance(self) -> Self:
        check_clearance(self.clearances, "MODEL", self.model.clearance)
        return self
