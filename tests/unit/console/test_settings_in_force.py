"""The settings in force, with their origin and without secrets."""

from __future__ import annotations

import os
from dataclasses import asdict

import pytest

from daydream_console.local.settings_in_force import DEFAULT, MASK, environments, settings_of
from daydream_contracts.errors import ConfigurationError

KEY = "sk-never-to-be-shown"


def origins(service: str, **environment: str) -> dict[str, tuple[str, str]]:
    """Return (value, origin) of each setting whose origin is not the default."""
    return {
        setting.name: (setting.value, setting.origin)
        for setting in settings_of(service, environment)
        if setting.origin != DEFAULT
    }


def test_a_setting_names_the_variable_that_it_comes_from() -> None:
    assert origins("critic", DAYDREAM_CONCURRENCY="3", DAYDREAM_CRITIC_LOG_LEVEL="debug") == {
        "DAYDREAM_CONCURRENCY": ("3", "DAYDREAM_CONCURRENCY"),
        "DAYDREAM_CRITIC_LOG_LEVEL": ("debug", "DAYDREAM_CRITIC_LOG_LEVEL"),
    }


def test_the_variable_of_the_service_wins() -> None:
    both = origins("critic", DAYDREAM_CONCURRENCY="3", DAYDREAM_CRITIC_CONCURRENCY="5")
    assert both == {"DAYDREAM_CRITIC_CONCURRENCY": ("5", "DAYDREAM_CRITIC_CONCURRENCY")}


def test_no_secret_is_shown() -> None:
    environment = {
        "OPENAI_API_KEY": KEY,
        "DAYDREAM_CONSOLE_TOKEN": KEY,
        "DAYDREAM_NATS_URL": f"nats://{KEY}@127.0.0.1:4222",
        "DAYDREAM_GATEWAY_STAGE_KEYS_CRITIC": KEY,
    }
    for service in ("gateway", "console"):
        settings = settings_of(service, environment)
        assert KEY not in str([asdict(setting) for setting in settings])
        assert any(setting.value == MASK for setting in settings)


def test_an_invalid_setting_is_named_and_the_environment_is_left_as_it_was() -> None:
    before = dict(os.environ)
    with pytest.raises(ConfigurationError, match="DAYDREAM_CRITIC_CONCURRENCY"):
        settings_of("critic", {"DAYDREAM_CRITIC_CONCURRENCY": "many"})
    assert dict(os.environ) == before


def test_a_running_process_says_what_it_was_started_with() -> None:
    running = environments({"critic": os.getpid()})
    assert running["critic"]["PATH"] == os.environ["PATH"]
    assert set(running) >= {"critic", "gateway", "console"}
