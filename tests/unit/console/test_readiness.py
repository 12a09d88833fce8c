"""How long the start of a program may take."""

from __future__ import annotations

from pathlib import Path

import pytest

from daydream_console.local.checks import unknown_variables
from daydream_console.local.readiness import TIMEOUT_VARIABLE, Readiness, start_timeout_s
from daydream_contracts.errors import ConfigurationError


class FakeClock:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.time_s = 0.0

    def __call__(self) -> float:
        return self.time_s


def readiness(clock: FakeClock, lines: list[str]) -> Readiness:
    return Readiness(
        "memory", "", Path("logs/memory.log"), timeout_s=60, report=lines.append, now=clock
    )


def test_a_start_that_makes_progress_may_take_longer_than_the_limit() -> None:
    clock = FakeClock()
    start = readiness(clock, [])
    for part in range(20):
        clock.time_s += 50
        start.note(f"reading vectors: {part} of 20", 0)


def test_a_start_whose_log_grows_makes_progress() -> None:
    clock = FakeClock()
    start = readiness(clock, [])
    for log_bytes in range(20):
        clock.time_s += 50
        start.note("its process to listen", log_bytes)


def test_a_start_without_progress_ends_with_what_it_waits_for() -> None:
    clock = FakeClock()
    start = readiness(clock, [])
    start.note("its consumers", 0)
    clock.time_s = 61
    with pytest.raises(ConfigurationError, match="It waits for: its consumers") as error:
        start.note("its consumers", 0)
    assert f"export {TIMEOUT_VARIABLE}=120" in error.value.fix
    assert "memory.log" in error.value.fix


def test_what_a_slow_start_waits_for_is_reported_now_and_then() -> None:
    clock, lines = FakeClock(), list[str]()
    start = readiness(clock, lines)
    for _ in range(45):
        clock.time_s += 1
        start.note("its consumers", 0)
    assert lines == ["waiting for memory: its consumers"] * 2


def test_the_name_of_the_limit_is_no_misspelt_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(TIMEOUT_VARIABLE, "20")
    assert not [message for message in unknown_variables() if TIMEOUT_VARIABLE in message]


def test_the_limit_is_a_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(TIMEOUT_VARIABLE, raising=False)
    assert start_timeout_s() == 300
    monkeypatch.setenv(TIMEOUT_VARIABLE, "20")
    assert start_timeout_s() == 20
    for wrong in ("soon", "-1", "0"):
        monkeypatch.setenv(TIMEOUT_VARIABLE, wrong)
        with pytest.raises(ConfigurationError, match=TIMEOUT_VARIABLE):
            start_timeout_s()
