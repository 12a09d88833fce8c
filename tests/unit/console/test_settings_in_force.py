"""The settings that services would start with, with their origin and without secrets."""

from __future__ import annotations

import json
import os

import pytest

from daydream_console.settings_in_force import planned_settings
from daydream_contracts.errors import ConfigurationError
from daydream_runtime.settings_report import DEFAULT
from support.commands import run_command

KEY = "sk-never-to-be-shown"


def origins(service: str, **environment: str) -> dict[str, tuple[str, str]]:
    """Return (value, origin) of each setting whose origin is not the default."""
    (report,) = [report for report in planned_settings(environment) if report.service == service]
    return {
        setting.name: (setting.value, setting.origin)
        for setting in report.settings
        if setting.origin != DEFAULT
    }


def test_a_setting_names_the_variable_that_it_comes_from() -> None:
    assert origins("critic", DAYDREAM_CONCURRENCY="3", DAYDREAM_CRITIC_LOG_LEVEL="debug") == {
        "concurrency": ("3", "DAYDREAM_CONCURRENCY"),
        "log_level": ("debug", "DAYDREAM_CRITIC_LOG_LEVEL"),
    }


def test_the_variable_of_the_service_wins() -> None:
    both = origins("critic", DAYDREAM_CONCURRENCY="3", DAYDREAM_CRITIC_CONCURRENCY="5")
    assert both == {"concurrency": ("5", "DAYDREAM_CRITIC_CONCURRENCY")}


def test_no_secret_is_shown() -> None:
    environment = {
        "OPENAI_API_KEY": KEY,
        "DAYDREAM_CONSOLE_TOKEN": KEY,
        "DAYDREAM_CONSOLE_SMTP_PASSWORD": KEY,
        "DAYDREAM_NATS_URL": f"nats://{KEY}@127.0.0.1:4222",
        "DAYDREAM_GATEWAY_STAGE_KEYS_CRITIC": KEY,
    }
    reports = planned_settings(environment)
    assert "(set)" in str(reports)
    assert KEY not in str(reports)


def test_an_invalid_setting_is_named_and_the_environment_is_left_as_it_was() -> None:
    before = dict(os.environ)
    with pytest.raises(ConfigurationError, match="DAYDREAM_CRITIC_CONCURRENCY"):
        planned_settings({"DAYDREAM_CRITIC_CONCURRENCY": "many"})
    assert dict(os.environ) == before


def test_the_command_shows_what_differs_from_the_defaults(
    tmp_path: object, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DAYDREAM_CRITIC_CONCURRENCY", "7")
    arguments = ("config", "show", "--service", "critic", "--data", str(tmp_path))
    document = json.loads(run_command(capsys, *arguments, "--json").stdout)
    changed = [row for row in document["items"] if row["name"] == "concurrency"]
    assert [(row["value"], row["origin"]) for row in changed] == [
        ("7", "DAYDREAM_CRITIC_CONCURRENCY")
    ]
    assert "DAYDREAM_CRITIC_CONCURRENCY" in run_command(capsys, *arguments, "--origin").stdout
