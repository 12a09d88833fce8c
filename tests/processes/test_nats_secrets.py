"""A NATS that asks for a password and for an encrypted connection, as one does that others can
reach.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from daydream_console.client import connected
from daydream_contracts.errors import ConfigurationError
from daydream_runtime.nats_url import NatsAddress
from daydream_runtime.provision_command import provision_at
from support.certificates import Authority
from support.programs import NatsServer, clean_environment
from support.services import service

PASSWORD, WRITTEN = "p%ss/w@rd", "p%25ss%2Fw%40rd"


@pytest.fixture
def guarded(tmp_path: Path) -> Iterator[tuple[str, Path]]:
    """Where it is, without who may come in; and the authority by which it is known."""
    authority = Authority(tmp_path)
    pair = authority.sign("nats")
    server = NatsServer(
        tmp_path / "nats",
        settings=(
            f'authorization {{ user: lab, password: "{PASSWORD}" }}\ntls '
            f'{{ cert_file: "{pair.certificate}", key_file: "{pair.key}" }}'
        ),
    )
    server.start()
    try:
        yield f"localhost:{server.port}", authority.file
    finally:
        server.kill()


async def test_with_the_password_and_its_authority_everything_connects(
    guarded: tuple[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    where, cert = guarded
    url = f"tls://lab:{WRITTEN}@{where}"
    monkeypatch.setenv("SSL_CERT_FILE", str(cert))
    await provision_at(NatsAddress.of([url]), 1)
    with service("sampler", url, tmp_path, SSL_CERT_FILE=str(cert)):
        async with connected(url) as client:
            assert (await client.js.account_info()).streams > 0


def test_a_service_says_in_one_line_that_its_password_is_wrong(
    guarded: tuple[str, Path], tmp_path: Path
) -> None:
    where, cert = guarded
    with service(
        "sampler", f"tls://lab:wrong@{where}", tmp_path, ready=False, SSL_CERT_FILE=str(cert)
    ) as process:
        assert process.wait(60) == 2
    last_line = next(tmp_path.glob("sampler-*.log")).read_text().splitlines()[-1]
    assert "refuses the connection" in last_line
    assert "DAYDREAM_NATS_URL" in last_line


async def test_a_command_says_so_too_and_at_once(
    guarded: tuple[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    where, cert = guarded
    monkeypatch.setenv("SSL_CERT_FILE", str(cert))
    with pytest.raises(ConfigurationError, match="refuses the connection") as refusal:
        async with connected(f"tls://lab:wrong@{where}"):
            pass
    assert "wrong" not in str(refusal.value)


def test_an_audit_that_runs_alone_says_so_too(guarded: tuple[str, Path], tmp_path: Path) -> None:
    where, cert = guarded
    environment = clean_environment(
        tmp_path, DAYDREAM_NATS_URL=f"tls://lab:wrong@{where}", SSL_CERT_FILE=str(cert)
    )
    done = subprocess.run(
        [sys.executable, "-m", "daydream_budget", "audit"],
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 2
    assert "refuses the connection" in done.stderr
