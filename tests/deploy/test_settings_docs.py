"""The documented settings equal the settings classes."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from daydream_budget.gateway.settings import GatewaySettings
from daydream_console.local.stack import module_of
from deploy.environment import SERVICES
from deploy.settings_table import ROOT, env_example, markdown, sections


def test_env_example_and_the_table_equal_the_classes() -> None:
    fix = "make reference"
    assert (ROOT / ".env.example").read_text() == env_example(), fix
    assert (ROOT / "docs" / "settings.md").read_text() == markdown(), fix


def test_every_setting_is_described() -> None:
    assert all(description for _, rows in sections() for _, _, description in rows)


def test_no_setting_prints_a_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-very-secret")
    monkeypatch.setenv("DAYDREAM_GATEWAY_STAGE_KEYS_CRITIC", "sk-very-secret")
    settings = GatewaySettings.read()
    assert settings.model.api_key.get_secret_value() == "sk-very-secret"
    assert settings.stage_keys.secrets() == {"critic": "sk-very-secret"}
    assert "sk-very-secret" not in f"{settings!r}{settings}{settings.model_dump_json()}"


@pytest.mark.parametrize("service", SERVICES)
def test_importing_a_service_needs_no_environment_and_opens_nothing(service: str) -> None:
    package = module_of(service)
    code = f"import socket; socket.socket.connect = None; import {package}.app, {package}.__main__"
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={"PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def test_no_service_has_a_file_of_a_forbidden_name() -> None:
    names = {path.stem for path in ROOT.glob("s*/**/daydream_*/**/*.py")}
    assert not names & {"utils", "util", "common", "helpers", "kit", "manager", "misc"}
