"""Settings of the console."""

from __future__ import annotations

import ipaddress
from pathlib import Path
from typing import ClassVar

from pydantic import Field, SecretStr

from daydream_console.web.access import AccessRules, NamedToken, is_loopback
from daydream_contracts.errors import ConfigurationError
from daydream_runtime.settings import SecretList, ServiceSettings, StringList


class ConsoleSettings(ServiceSettings):
    """`DAYDREAM_CONSOLE_…`. Pages and API have their own port, apart from health and metrics."""

    service: ClassVar[str] = "console"

    web_host: str = Field("127.0.0.1", description="address of the pages and the API")
    web_port: int = Field(0, ge=0, le=65535, description="their port; 0 takes any free one")
    token: SecretList = Field(
        (),
        description="tokens that may read and write, comma-separated, each SECRET or NAME:SECRET; "
        "empty: on a loopback address anyone may do so, elsewhere no one",
    )
    read_token: SecretList = Field(
        (), description="tokens that may only read, comma-separated, each SECRET or NAME:SECRET"
    )
    proxies: StringList = Field(
        (),
        description="addresses or networks of proxies that authenticate people (OIDC) and send "
        "their name, comma-separated; empty: none is trusted",
    )
    user_header: str = Field(
        "x-forwarded-user", description="header in which a trusted proxy sends the name"
    )
    writers: StringList = Field(
        (),
        description="names from the proxy that may write, comma-separated; empty: all of them",
    )
    hosts: StringList = Field(
        (),
        description="host names that the console answers to, comma-separated, besides localhost "
        "and addresses",
    )
    trace_url: str = Field(
        "", description="address of a trace in your tracing tool, with {trace_id} in it"
    )
    folder: Path | None = Field(
        None,
        description="folder for the index of insights, so that a restart reads only what is new; "
        "empty: in memory",
    )

    digests_file: Path | None = Field(
        None,
        description="TOML file that says who gets a digest, when and where; empty: none is sent",
    )
    smtp_password: SecretStr = Field(
        SecretStr(""), description="password of the mail server that the digests file names"
    )
    public_url: str = Field(
        "", description="address of the page for people, for links in digests; empty: no links"
    )

    @property
    def index_file(self) -> Path | None:
        """Return the file of the index of insights. None: in memory."""
        return self.folder / "insights.sqlite" if self.folder else None

    def access_rules(self) -> AccessRules:
        """Return who may do what. Raise ConfigurationError for a network that can't be read."""
        try:
            networks = [ipaddress.ip_network(text, strict=False) for text in self.proxies]
        except ValueError as error:
            raise ConfigurationError(
                f"DAYDREAM_CONSOLE_PROXIES: {error}", "Write addresses like 10.0.0.7 or 10.0.0.0/8"
            ) from None
        return AccessRules(
            tokens=(
                *(NamedToken.of(token, may_write=True) for token in self.token),
                *(NamedToken.of(token, may_write=False) for token in self.read_token),
            ),
            proxies=networks,
            user_header=self.user_header,
            writers=frozenset(self.writers),
            loopback_only=is_loopback(self.web_host),
        )
