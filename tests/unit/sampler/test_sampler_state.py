"""What the sampler says about itself."""

from __future__ import annotations

import pytest

from daydream_contracts.rpc import MemoryState
from daydream_sampler.sampler_state import one_document_text
from support.loop_states import example


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
