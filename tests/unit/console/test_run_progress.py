"""What a run prints while it waits for a model."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from rich.progress import Progress

from daydream_console.cli.output import err
from daydream_console.cli.run_progress import REPORT_EVERY, RunWatch
from daydream_console.overview import Overview
from daydream_contracts.rpc import CalibrationProgress, GatewayState, ModelState
from support import loop_states

START = datetime(2026, 11, 30, tzinfo=UTC)
BALANCE = "Insufficient Balance"


@pytest.fixture
def lines(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The lines that are printed: the console writes to the real terminal."""
    lines: list[str] = []
    monkeypatch.setattr(err, "print", lambda line: lines.append(str(line)))
    return lines


def watch() -> RunWatch:
    progress = Progress()
    return RunWatch(progress, progress.add_task("dreaming"), goal=2, start=0)


def after(seconds: float, *, waiting_for: str = "", stopped: bool = False) -> Overview:
    model = ModelState(
        model="quirky",
        provider="default",
        base_url="http://127.0.0.1/v1",
        waiting_for=waiting_for,
        stopped=waiting_for if stopped else "",
    )
    gateway = GatewayState(instance="here", models=(model,))
    return Overview(
        at=START + timedelta(seconds=seconds),
        memory=None,
        sampler=None,
        budget=None,
        gateway=gateway,
        stages=(),
        dead_letters=0,
    )


def test_a_stopped_model_is_told_at_once_in_the_words_of_its_provider_and_only_once(
    lines: list[str],
) -> None:
    run = watch()
    for seconds in range(3):
        run.show_waiting(after(seconds, waiting_for=BALANCE, stopped=True))
    assert len(lines) == 1
    assert "quirky" in lines[0]
    assert BALANCE in lines[0]
    assert "is stopped" in lines[0]


def test_a_busy_model_is_told_when_it_lasts(lines: list[str]) -> None:
    run = watch()
    run.show_waiting(after(0, waiting_for="Overloaded"))
    run.show_waiting(after(2))
    run.show_waiting(after(4, waiting_for="Overloaded"))
    run.show_waiting(after(8, waiting_for="Overloaded"))
    assert lines == []
    run.show_waiting(after(10, waiting_for="Overloaded"))
    assert ["Overloaded" in line for line in lines] == [True]


def waiting(seconds: float, **budget_fields: int) -> Overview:
    """Return a state in which a pair waits and the sampler is refused."""
    now = START + timedelta(seconds=seconds)
    return loop_states.loop_state(
        loop_states.stage("synthesizer", "daydream.pair.sampled", in_progress=1),
        at=now,
        sampler=loop_states.sampler("refused", "The cap leaves too little.", looked_at=now),
        budget=loop_states.budget(**budget_fields),
    )


def test_a_run_ends_when_all_that_is_in_progress_needs_more_than_the_cap_leaves() -> None:
    run = watch()
    seconds = [0, 30, 41, 42, 44]
    ends = [run.end_of(waiting(second, attempts_authorized=0)) for second in seconds]
    assert [end is not None for end in ends] == [False, False, False, True, True]
    assert ends[-1] is not None
    assert ends[-1].cap_reached


def test_a_run_does_not_end_while_a_call_is_in_progress() -> None:
    run = watch()
    for second in range(0, 600, 20):
        assert run.end_of(waiting(second, attempts_authorized=int(second % 40 == 0))) is None


def test_what_is_reserved_for_a_calibration_is_no_daydream_in_progress() -> None:
    run = watch()
    state = loop_states.loop_state(
        sampler=loop_states.sampler(drawn=2, looked_at=START),
        budget=loop_states.budget(reservations_open=3, daydreams_open=1),
        at=START,
    )
    run.end_of(state)
    assert [task.completed for task in run.progress.tasks] == [1]


def test_a_run_shows_how_far_the_calibration_is_until_it_has_ended(lines: list[str]) -> None:
    run = watch()
    for second, (state, answers) in enumerate((("running", 3), ("running", 40), ("done", 80))):
        run.calibration = CalibrationProgress(state=state, answers=answers, answers_wanted=80)
        at = START + (1 + second) * 2 * REPORT_EVERY
        run.last_report = START
        run.end_of(
            loop_states.loop_state(
                at=at, sampler=loop_states.sampler("drawing", ""), budget=loop_states.budget()
            )
        )
    assert ["calibrating" in line for line in lines] == [True, True, False]
    assert "calibrating judges, 3 of 80" in lines[0]
    assert "40 of 80" in lines[1]
