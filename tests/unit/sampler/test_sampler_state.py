"""What the sampler says about itself."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from daydream_contracts.rpc import MemoryState, ScreenState
from daydream_sampler.draw_batch import DrawEnd, claim_batch, end_batch
from daydream_sampler.epoch import Epoch
from daydream_sampler.sampler_state import PhaseReport, one_document_text, state_of
from daydream_sampler.strategy_history import StrategyHistory
from support.loop_states import example

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("facts", "same_document_pairs", "pending", "says"),
    [
        (60, 1770, 0, True),
        (60, 1769, 0, False),
        (60, 1770, 3, False),  # they may be of another document
        (1, 0, 0, False),
        (0, 0, 0, False),
    ],
)
def test_facts_of_one_document_alone_are_named_with_the_fix(
    facts: int, same_document_pairs: int, pending: int, says: bool
) -> None:
    memory = example(
        MemoryState, facts=facts, same_document_pairs=same_document_pairs, facts_pending=pending
    )
    text = one_document_text(memory)
    assert (text is not None) == says
    if text:
        assert "DAYDREAM_SAMPLER_SAME_DOCUMENT=true" in text


def test_draws_in_progress_are_told_apart_from_drawn_pairs() -> None:
    epoch, draws = claim_batch(Epoch(key="k").extend(10), "a", NOW, {}, 3)
    ended = end_batch(epoch, [(draws[0].claim, DrawEnd.PUBLISHED)], NOW)
    report = PhaseReport("drawing")
    state = state_of(ended, report, NOW, StrategyHistory(), (), {}, ScreenState())
    assert (state.drawn, state.drawing) == (1, 2)
