"""Parse the URLs of NATS servers into addresses and credentials.

`nats://host:4222`, `nats://user:password@host`, `nats://token@host`, or `tls://…` for an
encrypted connection; `nats_login` has the keys and certificates. Percent-encode special characters
in a password (%2F), as for NATS's own tools. nats-py does not decode them, so this module does.
"""

from __future__ import annotations

import ssl
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, unquote, urlsplit

from daydream_contracts.errors import ConfigurationError
from daydream_runtime.nats_login import NatsLogin

PING_S = 5  # nats-py's default of 120 s would keep a frozen server for six minutes
PINGS_UNANSWERED_MAX = 2  # then another server is tried


class PlainServerError(ConnectionError):
    """The server does not encrypt, although the connection must be encrypted."""


@dataclass(frozen=True)
class NatsAddress:
    """Hold the servers without secrets, the credentials that are sent to each, and the login."""

    servers: tuple[str, ...]
    user: str | None = None
    password: str | None = None
    token: str | None = None
    login: NatsLogin = field(default_factory=NatsLogin)

    @classmethod
    def of(cls, servers: Iterable[str], login: NatsLogin | None = None) -> NatsAddress:
        """Parse server URLs.

        Raise ConfigurationError if their credentials differ: only one set can be sent.
        """
        urls = [urlsplit(url if "://" in url else f"nats://{url}") for url in servers]
        secrets = {(url.username, url.password) for url in urls if url.username is not None}
        if len(secrets) > 1:
            raise ConfigurationError(
                "DAYDREAM_NATS_URL has servers with different users, passwords or tokens",
                "Give all of them the same, or only the first one",
            )
        public = tuple(url._replace(netloc=url.netloc.rpartition("@")[2]).geturl() for url in urls)
        user, password = next(iter(secrets), (None, None))
        login = login or NatsLogin()
        if password is None:
            return cls(public, token=None if user is None else unquote(user), login=login)
        return cls(public, user=unquote(user or ""), password=unquote(password), login=login)

    def __str__(self) -> str:
        return ",".join(self.servers)

    def variables(self, service: str) -> dict[str, str]:
        """Return the settings by which a program of this service connects to the same place."""
        secret = self.token or ":".join(filter(None, (self.user, self.password)))
        start = f"{quote(secret, safe=':')}@" if secret else ""
        urls = (url.replace("://", f"://{start}", 1) for url in self.servers)
        return {"DAYDREAM_NATS_URL": ",".join(urls), **self.login.of(service).variables()}

    @property
    def is_encrypted(self) -> bool:
        """Return True if nothing may be sent to a server that does not encrypt."""
        return self.login.is_encrypted([urlsplit(server) for server in self.servers])

    def options(self) -> dict[str, Any]:
        """Return the arguments for nats-py's `connect`.

        Raise ConfigurationError as `NatsLogin.options` does.
        """
        return {
            **self.login.options([urlsplit(server) for server in self.servers]),
            "servers": list(self.servers),
            "user": self.user,
            "password": self.password,
            "token": self.token,
        }


def refused(error: BaseException) -> bool:
    """Return True if the server rejected the credentials. nats-py has no error type for that."""
    return "authorization" in str(error).lower()


def is_fatal(error: BaseException) -> bool:
    """Return True if trying again does not help a command: a refusal, or no trust."""
    return refused(error) or isinstance(error, ssl.SSLError | PlainServerError)


def unreachable(address: NatsAddress, error: BaseException) -> ConfigurationError:
    """Return the error for a failed connection, with the fix."""
    if refused(error):
        return ConfigurationError(
            f"NATS at {address} refuses the connection ({error})",
            "Check DAYDREAM_NATS_NKEY_FILE; or the user and password, or the token, in "
            "DAYDREAM_NATS_URL",
        )
    if isinstance(error, PlainServerError):
        return ConfigurationError(
            f"NATS at {address} does not encrypt the connection",
            "Check DAYDREAM_NATS_URL, or turn on tls in the configuration of that server",
        )
    if isinstance(error, ssl.SSLError):
        return ConfigurationError(
            f"NATS at {address} has a certificate that is not trusted, or it wants one of this "
            f"client ({error.reason or error})",
            "Check DAYDREAM_NATS_CA_FILE and DAYDREAM_NATS_CERTIFICATE_FILE",
        )
    return ConfigurationError(
        f"NATS can't be reached at {address} ({type(error).__name__})",
        "Start it, or check DAYDREAM_NATS_URL",
    )
