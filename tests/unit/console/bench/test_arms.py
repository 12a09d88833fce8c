"""What each arm switches off, and that nothing else differs between arms."""

from __future__ import annotations

import pytest

from daydream_console.bench.arms import ARMS, caps_usd, read_arms, shipped_settings
from daydream_contracts.errors import ConfigurationError
from daydream_critic.settings import CriticSettings
from daydream_memory.settings import MemorySettings
from daydream_sampler.settings import SamplerSettings
from daydream_synthesizer.settings import SynthesizerSettings


@pytest.fixture(autouse=True)
def _clean(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DAYDREAM_SAMPLER_STAGES", "DAYDREAM_SAMPLER_CANARY_SHARE"):
        monkeypatch.delenv(name, raising=False)


def use(arm: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in ARMS[arm].settings.items():
        monkeypatch.setenv(name, value)


def test_the_plain_arm_is_the_essays_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    use("plain", monkeypatch)
    sampler, critic = SamplerSettings.read(), CriticSettings.read()
    assert (sampler.strategies, sampler.uniform_floor, sampler.canary_share) == ((), 1, 0)
    assert sampler.stages == ("synthesizer", "critic")
    assert (critic.gates, critic.promote_by, critic.promote_score) == ((), "score", 7)
    assert (critic.min_score, critic.compare_max) == (1, 0)
    assert critic.prompt_file == SynthesizerSettings.read().prompt_file == "essay.v1"
    assert not MemorySettings.read().quarantine, "insights are written back"


@pytest.mark.parametrize(
    ("arm", "changed"),
    [
        ("uniform", {"strategies", "uniform_floor"}),
        ("no-oracle", {"stages"}),
        ("uncalibrated", {"canary_share", "promote_by"}),
        ("no-write-back", {"quarantine"}),
        ("daydream", set()),
    ],
)
def test_every_other_arm_is_as_shipped_but_for_one_part(
    arm: str, changed: set[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = (SamplerSettings, CriticSettings, MemorySettings, SynthesizerSettings)
    before = {each: each.read().model_dump() for each in settings}
    use(arm, monkeypatch)
    after = {each: each.read().model_dump() for each in settings}
    assert {
        name
        for each in settings
        for name in before[each]
        if name != "instance" and before[each][name] != after[each][name]
    } == changed


def test_ablations_stand_for_four_arms_and_no_arm_runs_twice() -> None:
    names = [arm.name for arm in read_arms("plain, ablations,uniform ,daydream")]
    assert names == ["plain", "uniform", "uncalibrated", "no-oracle", "no-write-back", "daydream"]


@pytest.mark.parametrize("text", ["", " , ", "plain,fancy"])
def test_an_unknown_or_empty_list_is_refused(text: str) -> None:
    with pytest.raises(ConfigurationError, match="There is no arm"):
        read_arms(text)


def test_only_an_arm_with_an_oracle_runs_its_service() -> None:
    assert "oracle" not in ARMS["plain"].services
    assert "oracle" in ARMS["daydream"].services
    assert not any("console" in arm.services for arm in ARMS.values())


def test_settings_of_the_environment_are_reset_but_models_and_speed_stay() -> None:
    environment = {
        "DAYDREAM_CRITIC_GATES": "copied",
        "DAYDREAM_SAMPLER_UNIFORM_FLOOR": "1",
        "DAYDREAM_CRITIC_MODEL_NAME": "m",
        "DAYDREAM_CRITIC_CONCURRENCY": "9",
        "DAYDREAM_SAMPLER_PAIRS_AHEAD": "3",
        "DAYDREAM_MODEL_NAME": "m",
        "PATH": "/bin",
    }
    assert shipped_settings(environment) == {
        "DAYDREAM_CRITIC_GATES": "",
        "DAYDREAM_SAMPLER_UNIFORM_FLOOR": "",
    }


def test_the_cap_is_for_everything_and_each_run_gets_the_same_part() -> None:
    assert caps_usd(5, 0.15, read_arms("plain,daydream"), 2) == pytest.approx(5 * 0.85 / 4)
