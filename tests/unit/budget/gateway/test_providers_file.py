"""The providers file names a provider for each model; keys come from the environment."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import SecretStr

from daydream_budget.gateway.providers.config import ProviderConfig
from daydream_budget.gateway.providers.providers_file import Providers
from daydream_contracts.errors import ConfigurationError

TABLES = """
[[provider]]
name = "mistral"
base_url = "https://api.mistral.ai/v1"
api_key_env = "MISTRAL_API_KEY"
models = ["mistral-*"]
requests_per_minute = 60

[[provider]]
name = "router"
base_url = "https://openrouter.ai/api/v1"
models = ["*/*", "mistral-large"]
"""
DEFAULT = ProviderConfig(api_key=SecretStr("sk-default"))


def read(folder: Path, text: str, **env: str) -> Providers:
    file = folder / "providers.toml"
    file.write_text(text)
    return Providers.read(DEFAULT, str(file), env)


def test_a_model_goes_to_the_table_that_names_it_else_to_a_pattern_else_to_the_default(
    tmp_path: Path,
) -> None:
    providers = read(tmp_path, TABLES, MISTRAL_API_KEY="secret-1")
    names = [
        providers.for_model(model).name
        for model in ("mistral-small", "mistral-large", "meta/llama:free", "gpt-5-mini")
    ]
    assert names == ["mistral", "router", "router", "default"]
    assert providers.for_model("mistral-small").api_key.get_secret_value() == "secret-1"
    assert [each.name for each in providers] == ["mistral", "router", "default"]


def test_only_openrouters_free_models_are_free_by_their_name(tmp_path: Path) -> None:
    providers = read(tmp_path, TABLES, MISTRAL_API_KEY="secret-1")
    assert providers.for_model("meta/llama:free").is_free("meta/llama:free")
    assert not providers.for_model("meta/llama").is_free("meta/llama")
    assert not DEFAULT.is_free("gpt:free")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[[provider]", "can't read"),
        ("x = 1", "has no provider"),
        ('[[provider]]\nmodels = ["m"]\napi_key = "sk-1"', "unknown key: api_key"),
        ('[[provider]]\nmodels = ["m"]\nrpm = 3', "It takes answers, api_key_env, "),
        ('[[provider]]\nname = "p"', "has no models"),
        ('[[provider]]\nmodels = ["m"]\napi_key_env = "NONE"', "NONE, which is not set"),
        ('[[provider]]\nmodels = ["m"]\nbase_url = "h"', "Write it as in"),
        ('[[provider]]\nmodels = ["m"]\ntimeout_s = 0', "timeout_s"),
        ('[[provider]]\nmodels = ["m"]\nname = "default"', "its own name"),
    ],
)
def test_a_wrong_file_is_refused_with_its_reason(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(ConfigurationError, match=words) as refused:
        read(tmp_path, text)
    assert "sk-1" not in str(refused.value)


def test_a_config_never_prints_its_key() -> None:
    assert "sk-default" not in repr(DEFAULT)
    assert "sk-default" not in DEFAULT.model_dump_json()


def test_azure_gets_its_own_header() -> None:
    azure = DEFAULT.model_copy(update={"base_url": "https://lab.openai.azure.com/openai/v1"})
    azure = ProviderConfig.model_validate(azure.model_dump())
    assert azure.authorization() == {"api-key": "sk-default"}
    assert DEFAULT.authorization() == {"authorization": "Bearer sk-default"}
    assert ProviderConfig().authorization() == {}
