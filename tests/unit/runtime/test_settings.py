"""Settings: which variable wins, what a wrong one says, and that secrets stay secret."""

from __future__ import annotations

import os

import pytest

from daydream_budget.gateway.settings import GatewaySettings
from daydream_budget.settings import BudgetSettings
from daydream_contracts.errors import ConfigurationError
from daydream_critic.settings import CriticSettings
from daydream_runtime.settings import ServiceSettings
from daydream_sampler.settings import SamplerSettings

SECRET = "sk-very-secret-1234567890"


@pytest.fixture(autouse=True)
def clean(monkeypatch: pytest.MonkeyPatch) -> None:
    """No variable of the person who runs the tests."""
    for name in list(os.environ):
        if name.startswith(("DAYDREAM_", "OPENAI_")):
            monkeypatch.delenv(name)


def test_without_any_variable_there_are_defaults() -> None:
    settings = CriticSettings.read()
    assert str(settings.nats_address) == "nats://127.0.0.1:4222"
    assert settings.gateway.url == "http://127.0.0.1:8430/v1"
    assert settings.gateway.key.get_secret_value() == ""
    assert GatewaySettings.read().model.base_url == "https://api.openai.com/v1"


def test_a_variable_for_all_services_counts_for_each(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DAYDREAM_NATS_URL", "nats://elsewhere:4222")
    assert (
        str(CriticSettings.read().nats_address)
        == str(SamplerSettings.read().nats_address)
        == "nats://elsewhere:4222"
    )


def test_a_list_is_separated_by_commas_and_empty_items_are_dropped(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("DAYDREAM_CLEARANCES", " internal,, secret ,")
    monkeypatch.setenv("DAYDREAM_NATS_URL", "nats://token@a:4222, nats://b:4222")
    settings = CriticSettings.read()
    assert settings.clearances == ("internal", "secret")
    assert settings.nats_address.servers == ("nats://a:4222", "nats://b:4222")
    assert CriticSettings(clearances=["a"]).clearances == ("a",)


def test_an_empty_list_is_the_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DAYDREAM_CLEARANCES", "")
    assert CriticSettings.read().clearances == ()


def test_a_services_own_variable_wins(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DAYDREAM_LOG_LEVEL", "error")
    monkeypatch.setenv("DAYDREAM_CRITIC_LOG_LEVEL", "debug")
    assert CriticSettings.read().log_level == "debug"
    assert SamplerSettings.read().log_level == "error"


def test_one_field_of_the_model_can_be_set_for_a_service_and_the_others_for_all(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("DAYDREAM_MODEL_NAME", "cheap")
    monkeypatch.setenv("DAYDREAM_MODEL_REASONING_EFFORT", "low")
    monkeypatch.setenv("DAYDREAM_CRITIC_MODEL_NAME", "dear")
    model = CriticSettings.read().model
    assert (model.name, model.reasoning_effort) == ("dear", "low")


def test_fields_with_underscores_in_the_model_are_reached(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DAYDREAM_MODEL_TIMEOUT_S", "7.5")
    monkeypatch.setenv("DAYDREAM_MODEL_API_KEY", SECRET)
    model = GatewaySettings.read().model
    assert model.timeout_s == 7.5
    assert model.api_key.get_secret_value() == SECRET


def test_openais_variables_are_the_last_resort(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "from-openai")
    monkeypatch.setenv("OPENAI_BASE_URL", "http://from-openai/v1")
    assert GatewaySettings.read().model.api_key.get_secret_value() == "from-openai"
    monkeypatch.setenv("DAYDREAM_MODEL_API_KEY", "our-own")
    model = GatewaySettings.read().model
    assert model.api_key.get_secret_value() == "our-own"
    assert model.base_url == "http://from-openai/v1"


@pytest.mark.parametrize("kind", [SamplerSettings, CriticSettings, BudgetSettings])
def test_a_providers_key_means_nothing_to_any_other_service(
    monkeypatch: pytest.MonkeyPatch, kind: type[ServiceSettings]
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", SECRET)
    monkeypatch.setenv("DAYDREAM_MODEL_API_KEY", SECRET)
    assert "api_key" not in str(kind.read().model_dump())


def test_an_empty_variable_is_no_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DAYDREAM_HTTP_PORT", "")
    monkeypatch.setenv("DAYDREAM_SAMPLER_PAIRS_MAX", "")
    settings = SamplerSettings.read()
    assert (settings.http_port, settings.pairs_max) == (0, None)


@pytest.mark.parametrize(
    "variable", ["DAYDREAM_MODEL_API_KEY", "DAYDREAM_GATEWAY_MODEL_API_KEY", "OPENAI_API_KEY"]
)
def test_a_key_is_never_printed(monkeypatch: pytest.MonkeyPatch, variable: str) -> None:
    monkeypatch.setenv(variable, SECRET)
    settings = GatewaySettings.read()
    assert settings.model.api_key.get_secret_value() == SECRET
    for shown in (
        repr(settings),
        str(settings),
        settings.model_dump_json(),
        str(settings.model_dump()),
        repr(settings.model),
    ):
        assert SECRET not in shown


def test_the_secret_in_the_address_of_nats_is_never_printed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("DAYDREAM_NATS_URL", f"nats://{SECRET}@127.0.0.1:4222")
    settings = CriticSettings.read()
    for shown in (repr(settings), str(settings), settings.model_dump_json()):
        assert SECRET not in shown


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("DAYDREAM_CONCURRENCY", "many"),
        ("DAYDREAM_CONCURRENCY", "0"),
        ("DAYDREAM_LOG_LEVEL", "loud"),
        ("DAYDREAM_MODEL_TEMPERATURE", "-1"),
        ("DAYDREAM_MODEL_REASONING_EFFORT", "endless"),
        ("DAYDREAM_PROMOTE_SCORE", "11"),
    ],
)
def test_a_wrong_value_names_its_variable_and_says_what_to_do(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str
) -> None:
    monkeypatch.setenv(variable, value)
    with pytest.raises(ConfigurationError) as wrong:
        CriticSettings.read()
    assert variable in wrong.value.problem
    assert variable in wrong.value.fix


def test_a_wrong_value_under_a_services_own_variable_is_reported_too(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("DAYDREAM_CRITIC_CONCURRENCY", "0")
    with pytest.raises(ConfigurationError, match="DAYDREAM_CRITIC_CONCURRENCY"):
        CriticSettings.read()


def test_a_key_does_not_leak_into_the_message_about_another_wrong_value(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", SECRET)
    monkeypatch.setenv("DAYDREAM_MODEL_TIMEOUT_S", "0")
    with pytest.raises(ConfigurationError) as wrong:
        GatewaySettings.read()
    assert SECRET not in str(wrong.value)
    assert wrong.value.__cause__ is None


@pytest.mark.parametrize("zone", ["Europe/Zurich", "UTC", "America/St_Johns"])
def test_time_zones_that_exist_are_taken(monkeypatch: pytest.MonkeyPatch, zone: str) -> None:
    monkeypatch.setenv("DAYDREAM_BUDGET_TIME_ZONE", zone)
    assert BudgetSettings.read().time_zone == zone


@pytest.mark.parametrize("zone", ["Mars/Olympus", "../etc/passwd", "/etc/localtime"])
def test_time_zones_that_do_not_exist_are_refused(
    monkeypatch: pytest.MonkeyPatch, zone: str
) -> None:
    monkeypatch.setenv("DAYDREAM_BUDGET_TIME_ZONE", zone)
    with pytest.raises(ConfigurationError, match=r"DAYDREAM_BUDGET_TIME_ZONE.*unknown time zone"):
        BudgetSettings.read()


def test_every_field_is_described() -> None:
    for kind in (BudgetSettings, CriticSettings, SamplerSettings):
        assert all(field.description for field in kind.model_fields.values())
    assert all(
        field.description for field in type(CriticSettings.read().model).model_fields.values()
    )
