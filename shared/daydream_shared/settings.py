"""Settings: one class per service; `DAYDREAM_<SERVICE>_<FIELD>` wins over `DAYDREAM_<FIELD>`, so that anything can be set
for all services or for one. Made in `__main__` only: importing anything needs no environment.
"""

from __future__ import annotations

import os
import socket
from typing import Any, ClassVar, Literal, Self

from pydantic import BaseModel, Field, SecretStr, ValidationError, model_validator
from pydantic_settings import BaseSettings, EnvSettingsSource, InitSettingsSource, PydanticBaseSettingsSource

from daydream_shared.clearance import Clearances
from daydream_shared.failures import WrongSetting

PREFIX = "DAYDREAM_"


class ServiceSettings(BaseSettings):
    """What every service has."""

    service: ClassVar[str]

    nats_url: SecretStr = Field(
        SecretStr("nats://127.0.0.1:4222"), description="NATS server, or several separated by commas; may hold a token or user:password; tls:// for encryption"
    )
    stream_replicas: int = Field(1, ge=1, le=5, description="copies of every stream: 1 on one machine, 3 in a cluster")
    http_host: str = Field("127.0.0.1", description="address of /healthz, /readyz and /metrics")
    http_port: int = Field(0, ge=0, le=65535, description="their port; 0 takes any free one")
    log_level: Literal["debug", "info", "warning", "error"] = Field("info", description="least level that is logged")
    stop_timeout_s: float = Field(20.0, gt=0, description="how long calls in hand may take to end after SIGTERM; then they are handed back")
    clearances: str = Field("", description="the clearances that facts may need, lowest first, with commas between; the same for all services")
    instance: str = Field(default_factory=lambda: f"{socket.gethostname()}-{os.getpid()}", description="name of this replica in logs and leases")

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        def env(prefix: str) -> EnvSettingsSource:
            return EnvSettingsSource(settings_cls, env_prefix=prefix, env_nested_delimiter="_", env_nested_max_split=1, env_ignore_empty=True)

        return (
            init_settings,
            env(f"{PREFIX}{cls.service.upper()}_"),
            env(PREFIX),
            InitSettingsSource(settings_cls, init_kwargs=_openai_variables() if "model" in cls.model_fields else {}),
        )

    @classmethod
    def read(cls) -> Self:
        """The settings from the environment; WrongSetting names the variable that is wrong."""
        try:
            return cls()
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False)[0]
            field = "_".join(str(part) for part in first["loc"]).upper()
            own = f"{PREFIX}{cls.service.upper()}_{field}"
            name = own if own in os.environ else f"{PREFIX}{field}"
            raise WrongSetting(f"{name}: {first['msg']}", f"Set {name} to a valid value") from None


def _openai_variables() -> dict[str, Any]:
    """The variables that the openai client reads by itself, as defaults for the model."""
    found = {"api_key": os.environ.get("OPENAI_API_KEY"), "base_url": os.environ.get("OPENAI_BASE_URL")}
    return {"model": {name: value for name, value in found.items() if value}}


class ModelSettings(BaseModel):
    """Which model plays a role, where it is served and how it is asked."""

    name: str = Field("", description="model name as the server knows it, e.g. gpt-5-mini")
    base_url: str = Field("https://api.openai.com/v1", description="any OpenAI-compatible endpoint")
    api_key: SecretStr = Field(SecretStr(""), description="key of that endpoint")
    provider: str = Field("", description="whose price list applies; empty: found by the base URL")
    free: bool = Field(False, description="declare the model free of charge, e.g. one that runs on this machine")
    temperature: float | None = Field(None, ge=0, le=2, description="sampling temperature; unset: the role's default")
    answers: Literal["json_schema", "json_object", "text"] = Field("json_schema", description="how the server is asked for structured answers")
    logprobs: bool = Field(False, description="ask for token probabilities: scores are then expectations, where the server gives them")
    brief: bool = Field(False, description="ask for short answers: for small models and small budgets")
    reasoning_tokens_max: int = Field(
        0,
        ge=0,
        le=1_000_000,
        description="most tokens of reasoning that the server bills beside the answer; 0 where they count as answer, as at OpenAI",
    )
    timeout_s: float = Field(120.0, gt=0, le=3600, description="limit of one call")
    batch: bool = Field(False, description="calls go through the provider's batch API, at its lower price: answers take minutes to a day")
    batch_collect_s: float = Field(60.0, ge=0, le=86_400, description="how long calls are collected before a batch is handed in")
    batch_poll_s: float = Field(30.0, gt=0, le=3600, description="seconds between two looks at a batch")
    clearance: str = Field("", description="highest clearance of facts that this model may see; empty: only facts that need none")


def known_clearance(clearances: str, of: str, name: str) -> None:
    """Raises WrongSetting for a clearance that is not in the order: who may see what must not be a guess."""
    if not Clearances.read(clearances).knows(name):
        raise WrongSetting(f"the clearance {name!r} of {of}_CLEARANCE is not among DAYDREAM_CLEARANCES {clearances!r}", "Name it there, the lowest first")


class PaidSettings(ServiceSettings):
    """What a service has that calls a model."""

    model: ModelSettings = Field(default_factory=ModelSettings, description="the model of this role")
    prices_file: str = Field("", description="TOML file with prices that the built-in list lacks or has wrong")
    concurrency: int = Field(4, ge=1, le=512, description="calls in flight per replica")
    prompt_file: str = Field("", description="a prompt of your own instead of the service's default")

    @model_validator(mode="after")
    def _known_clearance(self) -> Self:
        known_clearance(self.clearances, "MODEL", self.model.clearance)
        return self
