"""What a connection needs: encryption outside this machine, readable files, a name."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

import pytest

from daydream_contracts.errors import ConfigurationError
from daydream_contracts.permissions import inbox_of
from daydream_runtime.nats_login import NatsLogin, login_from
from daydream_runtime.nats_url import NatsAddress
from daydream_runtime.settings import ServiceSettings


class CriticLike(ServiceSettings):
    service: ClassVar[str] = "critic"


@pytest.mark.parametrize("host", ["nats", "10.0.0.7", "localhost.example.org", "[2001:db8::1]"])
def test_a_plain_connection_to_another_machine_is_refused_with_the_fix(host: str) -> None:
    with pytest.raises(ConfigurationError, match="not encrypted") as refusal:
        NatsAddress.of(["nats://127.0.0.1", f"nats://{host}:4222"]).options()
    assert "tls://" in refusal.value.fix
    assert "DAYDREAM_NATS_ALLOW_PLAIN=true" in refusal.value.fix


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.9", "localhost", "[::1]"])
def test_a_plain_connection_on_this_machine_is_allowed(host: str) -> None:
    assert NatsAddress.of([f"nats://{host}:4222"]).options()["tls"] is None


def test_a_setting_allows_a_plain_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DAYDREAM_NATS_URL", "nats://nats:4222")
    monkeypatch.setenv("DAYDREAM_NATS_ALLOW_PLAIN", "true")
    assert CriticLike.read().nats_address.options()["tls"] is None


def test_one_encrypted_url_makes_all_connections_encrypted() -> None:
    address = NatsAddress.of(["tls://a:4222", "nats://b:4222"])
    assert address.is_encrypted
    assert address.options()["tls"] is not None


def test_a_file_that_is_missing_is_named_by_its_setting(tmp_path: Path) -> None:
    address = NatsAddress.of(["127.0.0.1"], NatsLogin(nkey_file=tmp_path / "none.nk"))
    with pytest.raises(ConfigurationError, match=r"DAYDREAM_NATS_NKEY_FILE: .*none\.nk"):
        address.options()


def test_a_file_that_is_no_certificate_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "ca.pem"
    file.write_text("no certificate")
    with pytest.raises(ConfigurationError, match="certificate for NATS"):
        NatsAddress.of(["127.0.0.1"], NatsLogin(ca_file=file)).options()


def test_commands_read_the_same_settings_as_services(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    own, shared = tmp_path / "own.nk", tmp_path / "ca.pem"
    environment = {
        "DAYDREAM_TENANT": "acme",
        "DAYDREAM_CRITIC_NATS_NKEY_FILE": str(own),
        "DAYDREAM_NATS_NKEY_FILE": "/elsewhere",
        "DAYDREAM_NATS_CA_FILE": str(shared),
        "DAYDREAM_NATS_ALLOW_PLAIN": "true",
    }
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert CriticLike.read().nats_address.login == login_from(environment, "critic")
    assert login_from(environment, "critic") == NatsLogin(
        "critic", "acme", own, ca_file=shared, allow_plain=True
    )


def test_each_user_has_an_inbox_of_its_own() -> None:
    assert NatsLogin("memory").inbox == inbox_of("memory")
    assert NatsLogin("memory", "acme").inbox == inbox_of("acme-memory")


def test_a_program_that_a_command_starts_connects_as_another_user(tmp_path: Path) -> None:
    login = NatsLogin("console", nkey_file=tmp_path / "console.nk")
    address = NatsAddress.of(["nats://lab:p%25ss@127.0.0.1:1"], login)
    assert address.variables("budget") == {
        "DAYDREAM_NATS_URL": "nats://lab:p%25ss@127.0.0.1:1",
        "DAYDREAM_BUDGET_NATS_NKEY_FILE": str(tmp_path / "budget.nk"),
    }
