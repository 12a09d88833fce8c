"""The key of a provider is in the gateway alone: a running system is searched for it."""

from __future__ import annotations

import signal
from pathlib import Path

import httpx
import pytest

from daydream_runtime.nats_users import USERS_FILE
from support.gateway import ProviderProcess, provider_process
from support.programs import Daydream, until

CANARY = "sk-canary-5c1d0e8f7a6b4392"
TOKEN = "console-canary-91b2c3d4e5f60718"
REDACTED = "[redacted]"


def environment(pid: int) -> dict[str, str]:
    """Return the environment of a process."""
    content = Path(f"/proc/{pid}/environ").read_bytes().decode()
    return dict(line.split("=", 1) for line in content.split("\0") if "=" in line)


def metrics(name: str, variables: dict[str, str]) -> str:
    """Return what a service shows on its HTTP side."""
    port = variables[f"DAYDREAM_{name.upper()}_HTTP_PORT"]
    return httpx.get(
        f"http://127.0.0.1:{port}/metrics", trust_env=False, follow_redirects=True
    ).text


def check_processes(daydream: Daydream) -> None:
    """Assert that one process has the key in its environment, and no service shows it."""
    environments = {name: environment(pid) for name, pid in daydream.processes().items()}
    having = {name for name, variables in environments.items() if CANARY in str(variables)}
    assert having == {"gateway"}
    shown = {
        name: metrics(name, variables) for name, variables in environments.items() if name != "nats"
    }
    assert "daydream" in shown["gateway"]
    assert [name for name, text in shown.items() if CANARY in text] == []


def files_with(folder: Path, text: str) -> list[Path]:
    """Return the files below a folder that hold a text: logs, streams, the memory."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    assert len(files) > 20, "logs, streams and the memory are searched"
    return [path for path in files if text.encode() in path.read_bytes()]


def secrets_of(daydream: Daydream) -> dict[str, tuple[str, tuple[str, ...]]]:
    """Return the other secrets of the system: its text, and the files that may hold it."""
    keys = sorted((daydream.data / "nats" / "keys").glob("*.nk"))
    assert len(keys) > 6, "each service has its own NATS user"
    token = daydream.data / "nats" / "token"
    return {
        "console token": (TOKEN, ()),
        "folder token": (token.read_text(), (str(token),)),
        **{f"seed of {key.stem}": (key.read_text().strip(), (str(key),)) for key in keys},
    }


def check_other_secrets(daydream: Daydream, printed: str) -> None:
    """Assert that no other secret is printed, logged or stored outside of its file."""
    for name, (secret, homes) in secrets_of(daydream).items():
        assert len(secret) >= 16, name
        assert secret not in printed, name
        places = {str(path) for path in files_with(daydream.data, secret)}
        assert places <= set(homes), name


def check_environments(environments: dict[str, dict[str, str]], daydream: Daydream) -> None:
    """Assert that each other secret is in the environment of its owner alone, or of none."""
    for name, (secret, _) in secrets_of(daydream).items():
        having = {who for who, own in environments.items() if secret in str(own)}
        assert having == ({"console"} if name == "console token" else set()), name


def check_private(folder: Path) -> None:
    """Assert that only the owner can read, write or list what is stored.

    The list of users has public keys only, for a server that may run as another user.
    """
    open_to_others = [
        path
        for path in (folder, *folder.rglob("*"))
        if path.name != USERS_FILE and path.stat().st_mode & 0o077
    ]
    assert open_to_others == []


def stopped_by_its_key(provider: ProviderProcess, daydream: Daydream) -> str:
    """Run until the provider refuses the key and quotes it; return what was printed."""
    running = daydream.start("run", "-n", "400", "--cap", "1")
    until(lambda: provider.billed()["answered"] >= 6, "some answers", 120)
    provider.tell(behaviour="bad-key")
    until(lambda: provider.billed()["refused"] >= 1, "a refused key", 30)
    check_processes(daydream)
    check_environments(
        {name: environment(pid) for name, pid in daydream.processes().items()}, daydream
    )
    status = daydream("status", "--json").stdout
    doctor = daydream("doctor")
    running.send_signal(signal.SIGINT)
    printed = status + doctor.stdout + doctor.stderr
    return printed + "".join(running.communicate(timeout=60))


@pytest.mark.fault("F28", invariant="no secret is logged, stored, printed or given away")
def test_only_the_gateway_has_the_key_of_the_provider_and_nothing_shows_it(tmp_path: Path) -> None:
    with provider_process() as provider:
        daydream = Daydream(
            tmp_path / "user",
            None,
            DAYDREAM_MODEL_BASE_URL=provider.base_url(),
            DAYDREAM_MODEL_NAME="priced-1",
            DAYDREAM_MODEL_API_KEY=CANARY,
            DAYDREAM_CONSOLE_TOKEN=TOKEN,
        )
        printed = stopped_by_its_key(provider, daydream)
    assert f"Incorrect API key provided: {REDACTED}" in printed, "the reason is shown without it"
    assert CANARY not in printed
    assert files_with(daydream.data, CANARY) == []
    check_other_secrets(daydream, printed)
    check_private(daydream.data)
