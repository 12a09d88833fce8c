"""When the pipeline is idle."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from daydream_console.overview import Overview
from daydream_console.stages import StageState
from daydream_contracts.topology import CONSUMERS


def overview_with(**busy: tuple[int, int]) -> Overview:
    """Return an overview in which these stages have (pending, in progress) messages."""
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


def test_a_pipeline_without_messages_is_idle_even_with_dead_letters() -> None:
    assert overview_with().pipeline_idle


@pytest.mark.parametrize("stage", ["pair", "hypothesis", "candidate", "verdict"])
@pytest.mark.parametrize("messages", [(1, 0), (0, 1), (5, 5)])
def test_a_pending_message_or_one_in_progress_keeps_it_busy(
    stage: str, messages: tuple[int, int]
) -> None:
    assert not overview_with(**{stage: messages}).pipeline_idle


def test_documents_do_not_keep_the_pipeline_busy() -> None:
    assert overview_with(document=(7, 1)).pipeline_idle


@pytest.mark.parametrize(
    ("pending", "in_progress", "idle"), [(0, 0, True), (1, 0, False), (0, 1, False)]
)
def test_a_stage_is_idle_when_nothing_is_pending_or_in_progress(
    pending: int, in_progress: int, idle: bool
) -> None:
    assert (
        StageState(
            service="s", subject="x", pending=pending, in_progress=in_progress, redelivered=9
        ).idle
        is idle
    )
