"""Define the settings of a service: one class per service, read from environment variables.

`DAYDREAM_<SERVICE>_<FIELD>` wins over `DAYDREAM_<FIELD>`, so each setting can be set for all
services or for one. Settings are read when an application is created: importing a module needs no
environment.

A list is written with commas: `DAYDREAM_CLEARANCES=internal,secret`. The word `none` is the empty
list, because an empty variable means the default. Use `StringList` for such a field. `make
reference` renews `.env.example` and `docs/settings.md` after a change.
"""

from __future__ import annotations

import os
import socket
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import BeforeValidator, Field, SecretStr, ValidationError
from pydantic_settings import (
    BaseSettings,
    EnvSettingsSource,
    InitSettingsSource,
    NoDecode,
    PydanticBaseSettingsSource,
)

from daydream_contracts.errors import ConfigurationError
from daydream_contracts.tenant import DAYDREAM, TENANT
from daydream_runtime.comma_list import split_list
from daydream_runtime.nats_login import NatsLogin
from daydream_runtime.nats_url import NatsAddress

PREFIX = "DAYDREAM_"


StringList = Annotated[tuple[str, ...], NoDecode, BeforeValidator(split_list)]
SecretList = Annotated[tuple[SecretStr, ...], NoDecode, BeforeValidator(split_list)]


class ServiceSettings(BaseSettings):
    """Hold the settings that every service has."""

    service: ClassVar[str]

    nats_url: SecretList = Field(
        (SecretStr("nats://127.0.0.1:4222"),),
        description="NATS servers, comma-separated; a URL may hold a token or user:password;"
        " tls:// for encryption",
    )
    nats_nkey_file: Path | None = Field(
        None, description="file with the seed of this service's NKEY, from daydream-nats-users"
    )
    nats_credentials_file: Path | None = Field(
        None, description="credentials file of this service instead, for NATS with an operator"
    )
    nats_ca_file: Path | None = Field(
        None,
        description="certificates of the authorities that NATS is trusted by; empty: those of"
        " this machine",
    )
    nats_certificate_file: Path | None = Field(
        None, description="certificate of this client, if NATS asks for one"
    )
    nats_certificate_key_file: Path | None = Field(None, description="its private key")
    nats_allow_plain: bool = Field(
        False,
        description="allow a connection to another machine that is neither encrypted nor checked",
    )
    tenant: str = Field(
        DAYDREAM,
        pattern=f"^{TENANT.pattern}$",
        description="name of this system where several share one NATS: prefix of its streams,"
        " subjects, buckets and users; the same for all services",
    )
    http_host: str = Field("127.0.0.1", description="address of /healthz, /readyz and /metrics")
    http_port: int = Field(0, ge=0, le=65535, description="their port; 0 takes any free one")
    metrics_port: int | None = Field(
        None,
        ge=0,
        le=65535,
        description="port of /metrics alone, on the same address; empty: that of the others",
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        "info", description="minimum log level"
    )
    stop_timeout_s: float = Field(
        20.0,
        gt=0,
        description="seconds that work in progress may take to end after SIGTERM; then its messages"
        " are returned to the stream",
    )
    clearances: StringList = Field(
        (),
        description="clearances that facts may need, lowest first, comma-separated;"
        " the same for all services",
    )
    instance: str = Field(
        default_factory=lambda: f"{socket.gethostname()}-{os.getpid()}",
        description="name of this replica in logs and leases",
    )

    @property
    def nats_address(self) -> NatsAddress:
        """Return the NATS servers and the credentials. Raise ConfigurationError if they differ."""
        login = NatsLogin(
            service=self.service,
            tenant=self.tenant,
            nkey_file=self.nats_nkey_file,
            credentials_file=self.nats_credentials_file,
            ca_file=self.nats_ca_file,
            certificate_file=self.nats_certificate_file,
            certificate_key_file=self.nats_certificate_key_file,
            allow_plain=self.nats_allow_plain,
        )
        return NatsAddress.of([url.get_secret_value() for url in self.nats_url], login)

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
        """Return values for fields that no `DAYDREAM_` variable sets. They override defaults."""
        return {}

    @classmethod
    def read(cls) -> Self:
        """Read the environment. Raise ConfigurationError with the name of an invalid variable."""
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
