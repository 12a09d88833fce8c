"""Where NATS is, and who we are there: one setting says both.

`nats://host:4222`, `nats://user:password@host`, `nats://token@host`, several servers with commas between, `tls://…` where the connection must be encrypted
(by the authorities of this machine, or those of the file that SSL_CERT_FILE names). What has a meaning in a URL is written %2F and so on within a
password, as for NATS's own programs; nats-py does not take it back, so it is done here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote, urlsplit

from daydream_contracts.errors import ConfigurationError


@dataclass(frozen=True)
class NatsAddress:
    """Servers without secrets, and what is sent to each: user and password, or a token, or nothing."""

    servers: tuple[str, ...]
    user: str | None = None
    password: str | None = None
    token: str | None = None

    @classmethod
    def of(cls, setting: str) -> NatsAddress:
        """From the setting; servers with different secrets are refused, because only one can be sent."""
        urls = [
            urlsplit(one if "://" in one else f"nats://{one}")
            for part in setting.split(",")
            if (one := part.strip())
        ]
        secrets = {(url.username, url.password) for url in urls if url.username is not None}
        if len(secrets) > 1:
            raise ConfigurationError(
                "DAYDREAM_NATS_URL has servers with different users, passwords or tokens",
                "Give all of them the same, or only the first one",
            )
        servers = tuple(url._replace(netloc=url.netloc.rpartition("@")[2]).geturl() for url in urls)
        user, password = next(iter(secrets), (None, None))
        if password is None:
            return cls(servers, token=None if user is None else unquote(user))
        return cls(servers, user=unquote(user or ""), password=unquote(password))

    def __str__(self) -> str:
        return ",".join(self.servers)

    def options(self) -> dict[str, Any]:
        """For nats-py's `connect`."""
        return {
            "servers": list(self.servers),
            "user": self.user,
            "password": self.password,
            "token": self.token,
        }


def refused(error: BaseException) -> bool:
    """Whether the server did not take who we said we are. nats-py has no type of its own for that."""
    return "authorization" in str(error).lower()


def unreachable(address: NatsAddress, error: BaseException) -> ConfigurationError:
    """Why there is no connection, and what to do about it."""
    if refused(error):
        return ConfigurationError(
            f"NATS at {address} refuses the connection ({error})",
            "Check the user and password, or the token, in DAYDREAM_NATS_URL",
        )
    return ConfigurationError(
        f"NATS can't be reached at {address} ({type(error).__name__})",
        "Start it, or check DAYDREAM_NATS_URL",
    )
