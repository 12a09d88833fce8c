"""Settings of the gateway. Only it has the keys of providers."""

from __future__ import annotations

import os
from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator

from daydream_budget.gateway.providers.config import ProviderConfig
from daydream_runtime.settings import ServiceSettings

# The default provider has neither a name nor a list of models: `DAYDREAM_MODEL_NAME` is the model
# that a stage asks for.
ONLY_IN_PROVIDERS_FILE = frozenset({"name", "models"})


class DefaultProvider(ProviderConfig):
    """The provider that `DAYDREAM_MODEL_…` describes. Stages read other variables of that group."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class StageKeys(BaseModel):
    """The keys of daydream's own stages. Each stage has its own, and only its own."""

    synthesizer: SecretStr = Field(SecretStr(""), description="key of the synthesizer")
    critic: SecretStr = Field(SecretStr(""), description="key of the critic")
    oracle: SecretStr = Field(SecretStr(""), description="key of the oracle")
    memory: SecretStr = Field(SecretStr(""), description="key of the memory, for embeddings")

    def secrets(self) -> dict[str, str]:
        """Return the keys that are set, by stage."""
        values = {name: getattr(self, name).get_secret_value() for name in type(self).model_fields}
        return {stage: secret for stage, secret in values.items() if secret}


class GatewaySettings(ServiceSettings):
    """`DAYDREAM_GATEWAY_…`"""

    service: ClassVar[str] = "gateway"

    model: DefaultProvider = Field(
        default_factory=DefaultProvider,
        description="the default provider, which serves all models that no other one names",
    )
    providers_file: str = Field(
        "", description="TOML file with further providers, one [[provider]] table each"
    )
    prices_file: str = Field(
        "", description="TOML file with prices that the bundled list lacks or has wrong"
    )
    stage_keys: StageKeys = Field(
        default_factory=StageKeys, description="keys of the stages, made at provisioning"
    )
    patience_s: float = Field(
        30.0,
        gt=0,
        le=600,
        description="time that a request may wait for its turn at a model, in seconds",
    )
    output_tokens_max: int = Field(
        4096, ge=1, description="maximum of an answer whose request names none"
    )
    batch_collect_s: float = Field(
        60.0, ge=0, le=86_400, description="time to collect calls before a batch is created, in s"
    )
    batch_poll_s: float = Field(
        30.0, gt=0, le=3600, description="seconds between two checks of a batch"
    )

    @field_validator("model", mode="before")
    @classmethod
    def _without_the_model_of_stages(cls, model: Any) -> Any:
        """Drop `DAYDREAM_MODEL_NAME`, which all services get: it is no name of a provider."""
        if not isinstance(model, dict):
            return model
        return {field: model[field] for field in model if field not in ONLY_IN_PROVIDERS_FILE}

    @classmethod
    def fallbacks(cls) -> dict[str, Any]:
        """Return the variables that the openai client reads by itself."""
        variables = {
            "api_key": os.environ.get("OPENAI_API_KEY"),
            "base_url": os.environ.get("OPENAI_BASE_URL"),
        }
        return {"model": {name: value for name, value in variables.items() if value}}
