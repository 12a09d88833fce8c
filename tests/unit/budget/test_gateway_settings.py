"""What the gateway reads from an environment that all services share."""

from __future__ import annotations

import pytest

from daydream_budget.gateway.settings import GatewaySettings, StageKeys
from daydream_models.settings import ModelSettings

TEXTS = {"temperature": "0.5", "reasoning_effort": "low", "clearance": ""}


def test_how_a_stage_asks_its_model_does_not_stop_the_gateway(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ModelSettings.model_fields:
        monkeypatch.setenv(f"DAYDREAM_MODEL_{name.upper()}", TEXTS.get(name, "true"))
    assert GatewaySettings.read().model.name == "default"


def test_the_stages_model_gives_the_provider_no_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DAYDREAM_MODEL_NAME", "gpt-5-mini")
    monkeypatch.setenv("DAYDREAM_MODEL_PRICE_LIST", "openai")
    provider = GatewaySettings.read().model
    assert (provider.name, provider.price_list) == ("default", "openai")


@pytest.mark.parametrize("stage", StageKeys.model_fields)
def test_each_stage_has_a_variable_of_its_own(monkeypatch: pytest.MonkeyPatch, stage: str) -> None:
    monkeypatch.setenv(f"DAYDREAM_GATEWAY_STAGE_KEYS_{stage.upper()}", "a-key")
    assert GatewaySettings.read().stage_keys.secrets() == {stage: "a-key"}
