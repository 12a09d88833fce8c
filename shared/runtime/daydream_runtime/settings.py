"""Settings: one class per service; `DAYDREAM_<SERVICE>_<FIELD>` wins over `DAYDREAM_<FIELD>`, so that anything can be set
for all services or for one. Made in `__main__` only: importing anything needs no environment.
"""

from __future__ import annotations

import os
import socket
from typing import Any, ClassVar, Literal, Self

from pydantic import Field, SecretStr, ValidationError
from pydantic_settings import (
    BaseSettings,
    EnvSettingsSource,
    InitSettingsSource,
    PydanticBaseSettingsSource,
)

from daydream_contracts.errors import ConfigurationError

PREFIX = "DAYDREAM_"


class ServiceSettings(BaseSettings):
    """What every service has."""

    service: ClassVar[str]

    nats_url: SecretStr = Field(
        SecretStr("nats://127.0.0.1:4222"),
        description="NATS server, or several separated by commas; may hold a token or user:password; tls:// for encryption",
    )
    stream_replicas: int = Field(
        1, ge=1, le=5, description="copies of every stream: 1 on one machine, 3 in a cluster"
    )
    http_host: str = Field("127.0.0.1", description="address of /healthz, /readyz and /metrics")
    http_port: int = Field(0, ge=0, le=65535, description="their port; 0 takes any free one")
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        "info", description="least level that is logged"
    )
    stop_timeout_s: float = Field(
        20.0,
        gt=0,
        description="how long calls in hand may take to end after SIGTERM; then they are handed back",
    )
    clearances: str = Field(
        "",
        description="the clearances that facts may need, lowest first, with commas between; the same for all services",
    )
    instance: str = Field(
        default_factory=lambda: f"{socket.gethostname()}-{os.getpid()}",
        description="name of this replica in logs and leases",
    )

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
            return EnvSettingsSource(
                settings_cls,
                env_prefix=prefix,
                env_nested_delimiter="_",
                env_nested_max_split=1,
                env_ignore_empty=True,
            )

        return (
            init_settings,
            env(f"{PREFIX}{cls.service.upper()}_"),
            env(PREFIX),
            InitSettingsSource(settings_cls, init_kwargs=cls.fallbacks()),
        )

    @classmethod
    def fallbacks(cls) -> dict[str, Any]:
        """Return values for what no `DAYDREAM_` variable sets, before the defaults of the fields."""
        return {}

    @classmethod
    def read(cls) -> Self:
        """The settings from the environment; ConfigurationError names the variable that is wrong."""
        try:
            return cls()
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False)[0]
            field = "_".join(str(part) for part in first["loc"]).upper()
            own = f"{PREFIX}{cls.service.upper()}_{field}"
            name = own if own in os.environ else f"{PREFIX}{field}"
            raise ConfigurationError(
                f"{name}: {first['msg']}", f"Set {name} to a valid value"
            ) from None
