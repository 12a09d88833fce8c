"""The judges as they are set, and of which family they are."""

from __future__ import annotations

from pathlib import Path

import pytest

from daydream_contracts.errors import ConfigurationError
from daydream_critic.families import family_of
from daydream_critic.pipeline.judges.config import JUDGES_MAX, read_panel
from daydream_models.settings import ModelSettings

OWN = ModelSettings(name="gpt-4.1-mini", temperature=0.3)


def panel(tmp_path: Path, text: str, **env: str):
    file = tmp_path / "panel.toml"
    file.write_text(text)
    return read_panel(str(file), OWN, env)


def test_without_a_file_the_services_own_model_is_the_judge() -> None:
    (judge,) = read_panel("", OWN)
    assert (judge.name, judge.model_family, judge.calls_max) == (
        "judge.v1@gpt-4.1-mini",
        "openai",
        1,
    )


def test_a_table_says_what_is_different_and_the_key_comes_from_the_environment(
    tmp_path: Path,
) -> None:
    text = """
    [[judge]]
    model = "claude-haiku-4-5"
    base_url = "https://api.anthropic.com/v1"
    api_key_env = "OTHER_KEY"
    rubric = "skeptic"
    calls_max = 3
    [[judge]]
    temperature = 0.0
    """
    other, own = panel(tmp_path, text, OTHER_KEY="secret")
    assert (other.name, other.model_family, other.calls_max) == (
        "judge-skeptic.v1@claude-haiku-4-5",
        "anthropic",
        3,
    )
    assert (other.model.api_key.get_secret_value(), other.model.temperature) == ("secret", 0.3)
    assert (own.name, own.model.temperature) == ("judge.v1@gpt-4.1-mini", 0.0)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "has no judge"),
        ("[[judge]]\n" * (JUDGES_MAX + 1), "more than 9"),
        ("[[judge]]\n[[judge]]\n", "same judge twice"),
        ("[[judge]]\nmodle = 'x'", "modle"),
        ("[[judge]]\napi_key = 'secret'", "api_key"),
        ("[[judge]]\napi_key_env = 'NOT_THERE'", "NOT_THERE"),
        ("[[judge]]\ncalls_max = 0", "calls_max"),
        ("[[judge]]\ntimeout_s = -1", "timeout_s"),
        ("[[judge", "can't read"),
    ],
)
def test_a_wrong_panel_is_refused_with_what_is_wrong_and_without_the_key(
    tmp_path: Path, text: str, said: str
) -> None:
    with pytest.raises(ConfigurationError) as wrong:
        panel(tmp_path, text)
    assert said in wrong.value.what
    assert "secret" not in f"{wrong.value.what} {wrong.value.fix}"


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="nowhere"):
        read_panel(str(tmp_path / "nowhere.toml"), OWN)


@pytest.mark.parametrize(
    ("model", "family"),
    [
        ("gpt-4.1-mini-2025-04-14", "openai"),
        ("openai/gpt-oss-120b", "openai"),
        ("o3-mini", "openai"),
        ("claude-haiku-4-5", "anthropic"),
        ("models/gemini-2.5-flash", "google"),
        ("meta-llama/Llama-3.3-70B-Instruct", "meta"),
        ("Qwen2.5-1.5B-Instruct-Q4", "alibaba"),
        ("smollm2-135m", "huggingface"),
        ("deepseek-r1-distill-llama-8b", "deepseek"),
        ("priced-1", "priced"),
        ("our-own", "our"),
        ("123", "123"),
    ],
)
def test_the_family_of_a_model_is_in_its_name(model: str, family: str) -> None:
    assert family_of(model) == family
