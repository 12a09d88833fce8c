"""The panel file."""

from __future__ import annotations

from pathlib import Path

import pytest

from daydream_contracts.errors import ConfigurationError
from daydream_critic.pipeline.judges.config import JUDGES_MAX, JudgeConfig, read_panel
from daydream_models.settings import ModelSettings

DEFAULT = ModelSettings(name="gpt-4.1-mini", temperature=0.3)


def read(tmp_path: Path, text: str) -> tuple[JudgeConfig, ...]:
    file = tmp_path / "panel.toml"
    file.write_text(text)
    return read_panel(str(file), DEFAULT)


def test_without_a_file_the_services_own_model_is_the_judge() -> None:
    (config,) = read_panel("", DEFAULT)
    assert (config.name, config.model_family, config.calls_max) == (
        "judge.v1@gpt-4.1-mini",
        "openai",
        1,
    )


def test_a_table_changes_the_default(tmp_path: Path) -> None:
    text = """
    [[judge]]
    model = "claude-haiku-4-5"
    rubric = "skeptic"
    calls_max = 3
    [[judge]]
    temperature = 0.0
    """
    other, own = read(tmp_path, text)
    assert (other.name, other.model_family, other.calls_max) == (
        "judge-skeptic.v1@claude-haiku-4-5",
        "anthropic",
        3,
    )
    assert other.model.temperature == 0.3
    assert (own.name, own.model.temperature) == ("judge.v1@gpt-4.1-mini", 0.0)


def test_a_judge_of_another_kind_has_the_name_of_its_kind_and_no_family(tmp_path: Path) -> None:
    _, judge = read(tmp_path, '[[judge]]\n[[judge]]\nkind = "length"\n')
    assert (judge.name, judge.model_family, judge.is_model) == ("length", "", False)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "has no judge"),
        ("[[judge]]\n" * (JUDGES_MAX + 1), "more than 9"),
        ("[[judge]]\n[[judge]]\n", "same judge twice"),
        ("[[judge]]\nmodle = 'x'", "modle"),
        ("[[judge]]\napi_key = 'secret'", "api_key"),
        ("[[judge]]\nbase_url = 'http://x/v1'", "base_url"),
        ("[[judge]]\ncalls_max = 0", "calls_max"),
        ("[[judge]]\ntemperature = -1", "temperature"),
        ("[[judge", "can't read"),
    ],
)
def test_a_wrong_panel_is_refused_with_the_reason_and_without_the_key(
    tmp_path: Path, text: str, message: str
) -> None:
    with pytest.raises(ConfigurationError) as refused:
        read(tmp_path, text)
    assert message in refused.value.problem
    assert "secret" not in f"{refused.value.problem} {refused.value.fix}"


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="nowhere"):
        read_panel(str(tmp_path / "nowhere.toml"), DEFAULT)
