"""When nothing is on its way."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from daydream_console.overview import Overview, StageState
from daydream_contracts.topology import CONSUMERS


def seen(**busy: tuple[int, int]) -> Overview:
    """An overview in which the stages with these subjects' second word have messages pending and in hand."""
    stages = []
    for consumer in CONSUMERS:
        pending, in_progress = busy.get(consumer.route.subject.split(".")[1], (0, 0))
        stages.append(
            StageState(
                service=consumer.service,
                subject=consumer.route.subject,
                pending=pending,
                in_progress=in_progress,
                redelivered=0,
            )
        )
    return Overview(
        at=datetime.now(UTC),
        memory=None,
        sampler=None,
        budget=None,
        stages=tuple(stages),
        dead_letters=3,
    )


def test_a_pipeline_without_messages_is_idle_whatever_lies_in_the_dead_letters() -> None:
    assert seen().pipeline_idle


@pytest.mark.parametrize("stage", ["pair", "hypothesis", "candidate", "verdict"])
@pytest.mark.parametrize("messages", [(1, 0), (0, 1), (5, 5)])
def test_a_message_that_waits_or_is_worked_on_keeps_it_busy(
    stage: str, messages: tuple[int, int]
) -> None:
    assert not seen(**{stage: messages}).pipeline_idle


def test_documents_do_not_count_for_dreaming_goes_on_beside_them() -> None:
    assert seen(document=(7, 1)).pipeline_idle


@pytest.mark.parametrize(
    ("pending", "in_progress", "idle"), [(0, 0, True), (1, 0, False), (0, 1, False)]
)
def test_a_stage_is_idle_when_nothing_waits_and_nothing_is_in_hand(
    pending: int, in_progress: int, idle: bool
) -> None:
    assert (
        StageState(
            service="s", subject="x", pending=pending, in_progress=in_progress, redelivered=9
        ).idle
        is idle
    )
