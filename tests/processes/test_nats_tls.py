"""Encrypted connections: with certificates of both sides; refused where there is no trust."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from daydream_console.client import connected
from daydream_contracts.errors import ConfigurationError
from daydream_contracts.grants import PROVISION
from daydream_contracts.rpc import EmptyRequest
from daydream_contracts.topology import SAMPLER_STATE
from daydream_runtime.nats_login import NatsLogin
from daydream_runtime.nats_url import NatsAddress
from daydream_runtime.nats_users import USERS_FILE, write_users
from daydream_runtime.provision_command import provision_at
from support.certificates import Authority
from support.programs import NatsServer
from support.services import service


@dataclass(frozen=True)
class TlsFixture:
    """A server that asks its clients for a certificate and for a key."""

    url: str
    keys: Path
    authority: Authority

    def address_of(self, service: str, **changed: Any) -> NatsAddress:
        pair = self.authority.sign(service)
        login = NatsLogin(
            service,
            nkey_file=self.keys / f"{service}.nk",
            ca_file=self.authority.file,
            certificate_file=pair.certificate,
            certificate_key_file=pair.key,
        )
        return NatsAddress.of([self.url], replace(login, **changed))


@pytest.fixture(scope="module")
def encrypted(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TlsFixture]:
    folder = tmp_path_factory.mktemp("encrypted")
    authority = Authority(folder / "certificates")
    pair, keys = authority.sign("nats"), folder / "nats" / "keys"
    write_users(keys)
    server = NatsServer(
        folder / "nats",
        settings=f'tls {{ cert_file: "{pair.certificate}", key_file: "{pair.key}", '
        f'ca_file: "{authority.file}", verify: true }}\n'
        f'authorization {{ include "keys/{USERS_FILE}" }}',
    )
    server.start()
    yield TlsFixture(f"tls://localhost:{server.port}", keys, authority)
    server.kill()


async def test_a_service_works_with_its_key_and_its_certificate(
    encrypted: TlsFixture, tmp_path: Path
) -> None:
    await provision_at(encrypted.address_of(PROVISION), 1)
    variables: dict[str, Any] = encrypted.address_of("sampler").variables("sampler")
    with service("sampler", encrypted.url, tmp_path, **variables):
        async with connected(encrypted.address_of("console")) as client:
            state = await client.rpc.request(SAMPLER_STATE, EmptyRequest())
    assert state.drawn == 0


async def test_another_authority_is_not_trusted(encrypted: TlsFixture, tmp_path: Path) -> None:
    other = Authority(tmp_path, "other").file
    with pytest.raises(ConfigurationError, match="not trusted") as refusal:
        async with connected(encrypted.address_of("console", ca_file=other)):
            pass
    assert "DAYDREAM_NATS_CA_FILE" in refusal.value.fix


async def test_a_server_that_asks_for_a_certificate_refuses_a_client_without_one(
    encrypted: TlsFixture,
) -> None:
    address = encrypted.address_of("console", certificate_file=None, certificate_key_file=None)
    with pytest.raises(ConfigurationError):
        async with connected(address):
            pass


async def test_nothing_is_sent_to_a_server_that_does_not_encrypt(
    bare_server: NatsServer, tmp_path: Path
) -> None:
    """nats-py follows such a server, and would send the password in plain text."""
    url = bare_server.url.replace("nats://", "tls://lab:secret@")
    with pytest.raises(ConfigurationError, match="does not encrypt"):
        async with connected(url):
            pass
    login = NatsLogin(ca_file=Authority(tmp_path).file)
    with pytest.raises(ConfigurationError, match="does not encrypt"):
        async with connected(NatsAddress.of([bare_server.url], login)):
            pass


def test_a_service_says_that_its_connection_would_not_be_encrypted(tmp_path: Path) -> None:
    with service("sampler", "nats://192.0.2.1:4222", tmp_path, ready=False) as process:
        assert process.wait(60) == 2
    said = next(tmp_path.glob("sampler-*.log")).read_text().splitlines()[-1]
    assert "192.0.2.1 is not encrypted" in said
    assert "DAYDREAM_NATS_ALLOW_PLAIN" in said
