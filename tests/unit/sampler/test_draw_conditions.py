"""How many pairs are drawn at a time, and when a full pipeline is looked at again."""

from __future__ import annotations

import pytest

from daydream_sampler.draw_conditions import (
    BATCH_MAX,
    FULL_S,
    FULL_S_MAX,
    GATHER_S,
    Blocked,
    PipelineRoom,
)

NOW = 1000.0


@pytest.mark.parametrize(("ahead", "ahead_max", "count"), [(0, 16, 8), (0, 1, 1), (2, 4, 2)])
def test_half_of_an_empty_pipeline_is_filled_at_once(
    ahead: int, ahead_max: float, count: int
) -> None:
    assert PipelineRoom().look(ahead, ahead_max, NOW) == count <= BATCH_MAX


def test_a_little_room_is_waited_for_once_and_then_used() -> None:
    room = PipelineRoom()
    assert room.look(15, 16, NOW) == Blocked(None, GATHER_S)
    assert room.look(13, 16, NOW + GATHER_S) == 3
    assert room.look(15, 16, NOW + GATHER_S) == Blocked(None, GATHER_S), "it waits again"


def test_a_full_pipeline_is_looked_at_soon_and_then_less_often() -> None:
    room = PipelineRoom()
    pauses = []
    for _ in range(6):
        blocked = room.look(16, 16, NOW)
        assert isinstance(blocked, Blocked)
        assert blocked.report is not None
        assert blocked.report.phase == "pipeline-full"
        pauses.append(blocked.pause_s)
    assert (pauses[0], pauses[-1]) == (FULL_S, FULL_S_MAX)
    assert room.look(0, 16, NOW) == BATCH_MAX
    blocked = room.look(16, 16, NOW)
    assert isinstance(blocked, Blocked)
    assert blocked.pause_s == FULL_S
