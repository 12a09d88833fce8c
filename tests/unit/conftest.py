"""Messages for unit tests: the stored examples of the contract, which every test may change to its
needs.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from daydream_contracts.events import (
    HypothesisProposed,
    InsightPromoted,
    PairSampled,
    Synthesis,
    VerdictReached,
)

EXAMPLES = Path(__file__).parent.parent / "contracts" / "messages"


@pytest.fixture
def pair() -> PairSampled:
    return PairSampled.model_validate_json((EXAMPLES / "PairSampled.v1.json").read_text())


@pytest.fixture
def proposed() -> HypothesisProposed:
    """A hypothesis that passes every gate."""
    return HypothesisProposed.model_validate_json(
        (EXAMPLES / "HypothesisProposed.v1.json").read_text()
    )


@pytest.fixture
def synthesis(proposed: HypothesisProposed) -> Synthesis:
    assert proposed.synthesis is not None
    return proposed.synthesis


@pytest.fixture
def abstained() -> HypothesisProposed:
    return HypothesisProposed.model_validate_json(
        (EXAMPLES / "HypothesisProposed.v1.abstained.json").read_text()
    )


@pytest.fixture
def verdict() -> VerdictReached:
    """A promoted one."""
    return VerdictReached.model_validate_json((EXAMPLES / "VerdictReached.v1.json").read_text())


@pytest.fixture
def insight() -> InsightPromoted:
    return InsightPromoted.model_validate_json((EXAMPLES / "InsightPromoted.v1.json").read_text())
