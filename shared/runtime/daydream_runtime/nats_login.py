"""Say who connects to NATS, with which key, and how the connection is encrypted.

A connection outside this machine is encrypted, or refused, unless a setting allows plain text.
"""

from __future__ import annotations

import ipaddress
import os
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import SplitResult

from daydream_contracts.errors import ConfigurationError
from daydream_contracts.permissions import inbox_of
from daydream_contracts.tenant import DAYDREAM, user_name

ENCRYPTED = ("tls", "wss")
FILES = ("nkey_file", "credentials_file", "ca_file", "certificate_file", "certificate_key_file")


@dataclass(frozen=True)
class NatsLogin:
    """Hold a service's part of a connection: its name, its key files, and its trust."""

    service: str = "console"
    tenant: str = DAYDREAM
    nkey_file: Path | None = None
    credentials_file: Path | None = None
    ca_file: Path | None = None
    certificate_file: Path | None = None
    certificate_key_file: Path | None = None
    allow_plain: bool = False

    @property
    def user(self) -> str:
        """Return the name of the user, for messages: the server knows it by its key."""
        return user_name(self.tenant, self.service)

    @property
    def inbox(self) -> str:
        """Return the prefix of the subjects of replies."""
        return inbox_of(self.user)

    def of(self, service: str) -> NatsLogin:
        """Return the login of another service whose keys are in the same folder."""
        nkey_file = self.nkey_file and self.nkey_file.with_name(f"{service}.nk")
        return NatsLogin(**{**vars(self), "service": service, "nkey_file": nkey_file})

    def variables(self) -> dict[str, str]:
        """Return this login as the settings of its service."""
        prefix = f"DAYDREAM_{self.service.upper()}_NATS_"
        files = {name: getattr(self, name) for name in FILES}
        return {f"{prefix}{name.upper()}": str(file) for name, file in files.items() if file}

    def options(self, urls: list[SplitResult]) -> dict[str, Any]:
        """Return the arguments for nats-py's `connect`.

        Raise ConfigurationError if a file can't be read, or a connection would be neither local nor
        encrypted.
        """
        for name in FILES:
            _check_readable(name, getattr(self, name))
        is_encrypted = self.is_encrypted(urls)
        if not is_encrypted and not self.allow_plain:
            _check_local(urls)
        return {
            "inbox_prefix": self.inbox,
            "nkeys_seed": str(self.nkey_file) if self.nkey_file else None,
            "user_credentials": str(self.credentials_file) if self.credentials_file else None,
            "tls": self._tls() if is_encrypted else None,
        }

    def is_encrypted(self, urls: list[SplitResult]) -> bool:
        """Return True if each connection must be encrypted: by one URL, or by a CA file."""
        return bool(self.ca_file) or any(url.scheme in ENCRYPTED for url in urls)

    def _tls(self) -> ssl.SSLContext:
        """Return the trust in the server, and this client's certificate if it has one.

        Without a CA file those of this machine hold, or those of SSL_CERT_FILE.
        """
        try:
            context = ssl.create_default_context(
                ssl.Purpose.SERVER_AUTH, cafile=str(self.ca_file) if self.ca_file else None
            )
            if self.certificate_file:
                context.load_cert_chain(self.certificate_file, self.certificate_key_file)
        except ssl.SSLError as error:
            raise ConfigurationError(
                f"A certificate for NATS can't be used ({error.reason or error})",
                "Check DAYDREAM_NATS_CA_FILE, DAYDREAM_NATS_CERTIFICATE_FILE and "
                "DAYDREAM_NATS_CERTIFICATE_KEY_FILE",
            ) from None
        return context


def login_from(environment: Mapping[str, str], service: str) -> NatsLogin:
    """Return the login that the settings of a service give. Commands use it: they start fast."""

    def setting(name: str) -> str:
        own = environment.get(f"DAYDREAM_{service.upper()}_{name}")
        return own or environment.get(f"DAYDREAM_{name}") or ""

    files = {name: Path(text) for name in FILES if (text := setting(f"NATS_{name.upper()}"))}
    return NatsLogin(
        service=service,
        tenant=setting("TENANT") or DAYDREAM,
        allow_plain=setting("NATS_ALLOW_PLAIN").lower() in ("1", "true", "yes", "on"),
        **files,
    )


def _check_readable(name: str, file: Path | None) -> None:
    if file is not None and not os.access(file, os.R_OK):
        raise ConfigurationError(
            f"DAYDREAM_NATS_{name.upper()}: {file} can't be read",
            "Write the path of a file that this user can read",
        )


def _check_local(urls: list[SplitResult]) -> None:
    for url in urls:
        if not _is_local(url.hostname or ""):
            raise ConfigurationError(
                f"The connection to NATS at {url.hostname} is not encrypted",
                "Write tls:// in DAYDREAM_NATS_URL, or set DAYDREAM_NATS_CA_FILE; or set "
                "DAYDREAM_NATS_ALLOW_PLAIN=true if no one else can read that network",
            )


def _is_local(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
