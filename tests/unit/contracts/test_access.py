"""Who may see what."""

from __future__ import annotations

import pytest

from daydream_contracts.access import Clearances, are_isolated, isolated_pairs
from daydream_contracts.errors import ConfigurationError
from daydream_critic.settings import CriticSettings
from daydream_memory.settings import MemorySettings


def test_a_model_sees_what_needs_no_more_than_it_has() -> None:
    levels = Clearances(("internal", "secret"))
    assert [
        [levels.may_see(model, fact) for fact in ("", "internal", "secret", "?")]
        for model in ("", "internal", "secret", "?")
    ] == [
        [True, False, False, False],
        [True, True, False, False],
        [True, True, True, False],
        [False, False, False, False],
    ]
    assert levels.highest(["", "secret", "internal"]) == "secret"
    assert levels.highest([]) == levels.lowest([]) == ""
    assert levels.lowest(["secret", "internal"]) == "internal"
    assert levels.lowest(["secret", "?"]) == ""
    assert Clearances().may_see("", "")
    with pytest.raises(ConfigurationError, match="twice"):
        Clearances(("a", "b", "a"))


def test_walls_stand_between_two_teams_and_not_around_what_is_everybodys() -> None:
    assert are_isolated("a", "b")
    assert not are_isolated("a", "a")
    assert not are_isolated("", "b")
    assert isolated_pairs({"a": 2, "b": 3, "c": 1, "": 9}) == 2 * 3 + 2 * 1 + 3 * 1
    assert isolated_pairs({}) == 0


def test_a_model_with_a_clearance_that_nobody_knows_does_not_start(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("DAYDREAM_CLEARANCES", "internal,secret")
    monkeypatch.setenv("DAYDREAM_CRITIC_MODEL_CLEARANCE", "secret")
    assert CriticSettings.read().model.clearance == "secret"
    monkeypatch.setenv("DAYDREAM_MODEL_CLEARANCE", "secert")
    assert CriticSettings.read().model.clearance == "secret", "the service's own wins"
    monkeypatch.delenv("DAYDREAM_CRITIC_MODEL_CLEARANCE")
    with pytest.raises(ConfigurationError, match="secert"):
        CriticSettings.read()
    monkeypatch.setenv("DAYDREAM_MEMORY_EMBEDDING_CLEARANCE", "secert")
    with pytest.raises(ConfigurationError, match="secert"):
        MemorySettings.read()
