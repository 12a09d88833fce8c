"""Gates that deduplicate: they compare a hypothesis with similar texts from memory.

What counts as known is decided by `daydream_models.similarity_threshold`. These gates stop almost
verbatim repetition, and leave the rest to the judges and the oracle.
"""

from __future__ import annotations

from dataclasses import dataclass

from daydream_contracts.events import Decision, NearestMatch
from daydream_contracts.rpc import NearestMatches
from daydream_critic.pipeline.evaluation import Evaluation
from daydream_critic.pipeline.outcome import Outcome
from daydream_models.similarity_threshold import (
    DUPLICATE_SIMILARITY,
    on_scale,
    similarity_threshold,
)

RESTATEMENT_SIMILARITY = 0.92  # while the embedding model is not measured


@dataclass(frozen=True)
class RestatementGate:
    """Stops a hypothesis that says what one of its two facts says.

    `similarity` is the threshold. If it is None, it is the similarity that `same_false_share` of
    different statements about one subject reach.
    """

    similarity: float | None
    same_false_share: float
    needs_memory = True

    def check(self, evaluation: Evaluation) -> Outcome | None:
        """Discard as `restatement`, and name the more similar fact."""
        if (matches := evaluation.matches) is None:
            return None
        own = max(matches.own_facts, key=lambda match: match.similarity, default=None)
        threshold = self.similarity or similarity_threshold(
            matches, self.same_false_share, RESTATEMENT_SIMILARITY
        )
        if own is None or _similarity(own, matches) < threshold:
            return None
        explanation = "it repeats what one of its two facts says"
        return Outcome(Decision.DISCARDED, "restatement", explanation, own)


@dataclass(frozen=True)
class DuplicateGate:
    """Stops a hypothesis that says what is known already.

    The threshold is as in `RestatementGate`.
    """

    similarity: float | None
    same_false_share: float
    needs_memory = True

    def check(self, evaluation: Evaluation) -> Outcome | None:
        """End as `duplicate`, and name what is known."""
        if (matches := evaluation.matches) is None:
            return None
        nearest = matches.nearest
        threshold = self.similarity or similarity_threshold(
            matches, self.same_false_share, DUPLICATE_SIMILARITY
        )
        if nearest is None or _similarity(nearest, matches) < threshold:
            return None
        explanation = f"it repeats a known {nearest.kind}"
        return Outcome(Decision.DUPLICATE, "duplicate", explanation, nearest)


def _similarity(match: NearestMatch, matches: NearestMatches) -> float:
    return on_scale(match.similarity, matches.unrelated_median)
