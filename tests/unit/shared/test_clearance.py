"""Who may see what."""

from __future__ import annotations

import pytest

from daydream_critic.settings import Settings as CriticSettings
from daydream_memory.settings import Settings as MemorySettings
from daydream_shared.clearance import Clearances, walled, walled_pairs
from daydream_shared.failures import WrongSetting


def test_a_model_sees_what_needs_no_more_than_it_has() -> None:
    levels = Clearances.read(" internal,secret ")
    assert [[levels.may_see(model, fact) for fact in ("", "internal", "secret", "?")] for model in ("", "internal", "secret", "?")] == [
        [True, False, False, False], [True, True, False, False], [True, True, True, False], [False, False, False, False],
    ]  # fmt: skip
    assert levels.highest(["", "secret", "internal"]) == "secret"
    assert levels.highest([]) == levels.lowest([]) == ""
    assert levels.lowest(["secret", "internal"]) == "internal"
    assert levels.lowest(["secret", "?"]) == ""
    assert Clearances().may_see("", "")
    with pytest.raises(WrongSetting, match="twice"):
        Clearances.read("a,b,a")


def test_walls_stand_between_two_teams_and_not_around_what_is_everybodys() -> None:
    assert walled("a", "b")
    assert not walled("a", "a")
    assert not walled("", "b")
    assert walled_pairs({"a": 2, "b": 3, "c": 1, "": 9}) == 2 * 3 + 2 * 1 + 3 * 1
    assert walled_pairs({}) == 0


def test_a_model_with_a_clearance_that_nobody_knows_does_not_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DAYDREAM_CLEARANCES", "internal,secret")
    monkeypatch.setenv("DAYDREAM_CRITIC_MODEL_CLEARANCE", "secret")
    assert CriticSettings.read().model.clearance == "secret"
    monkeypatch.setenv("DAYDREAM_MODEL_CLEARANCE", "secert")
    assert CriticSettings.read().model.clearance == "secret", "the service's own wins"
    monkeypatch.delenv("DAYDREAM_CRITIC_MODEL_CLEARANCE")
    with pytest.raises(WrongSetting, match="secert"):
        CriticSettings.read()
    monkeypatch.setenv("DAYDREAM_MEMORY_EMBEDDING_CLEARANCE", "secert")
    with pytest.raises(WrongSetting, match="secert"):
        MemorySettings.read()
