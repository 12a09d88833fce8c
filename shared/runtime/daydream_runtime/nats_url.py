"""Parse the URLs of NATS servers into addresses and credentials.

`nats://host:4222`, `nats://user:password@host`, `nats://token@host`, or `tls://…` for an
encrypted connection. Certificates are checked against the authorities of this machine, or of
SSL_CERT_FILE. Percent-encode special characters in a password (%2F), as for NATS's own tools.
nats-py does not decode them, so this module does.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote, urlsplit

from daydream_contracts.errors import ConfigurationError

PING_S = 5  # nats-py's default of 120 s would keep a frozen server for six minutes
PINGS_UNANSWERED_MAX = 2  # then another server is tried


@dataclass(frozen=True)
class NatsAddress:
    """Hold the servers without secrets, and the credentials that are sent to each of them."""

    servers: tuple[str, ...]
    user: str | None = None
    password: str | None = None
    token: str | None = None

    @classmethod
    def of(cls, servers: Iterable[str]) -> NatsAddress:
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
        if password is None:
            return cls(public, token=None if user is None else unquote(user))
        return cls(public, user=unquote(user or ""), password=unquote(password))

    def __str__(self) -> str:
        return ",".join(self.servers)

    def options(self) -> dict[str, Any]:
        """Return the arguments for nats-py's `connect`."""
        return {
            "servers": list(self.servers),
            "user": self.user,
            "password": self.password,
            "token": self.token,
        }


def refused(error: BaseException) -> bool:
    """Return True if the server rejected the credentials. nats-py has no error type for that."""
    return "authorization" in str(error).lower()


def unreachable(address: NatsAddress, error: BaseException) -> ConfigurationError:
    """Return the error for a failed connection, with the fix."""
    if refused(error):
        return ConfigurationError(
            f"NATS at {address} refuses the connection ({error})",
            "Check the user and password, or the token, in DAYDREAM_NATS_URL",
        )
    return ConfigurationError(
        f"NATS can't be reached at {address} ({type(error).__name__})",
        "Start it, or check DAYDREAM_NATS_URL",
    )
