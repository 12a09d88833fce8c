"""Gates that deduplicate: they compare a hypothesis with similar texts from memory.

Similarity is measured on the embedding model's own scale: 0 is the median cosine of unrelated
facts, 1 is the same text. A fixed cosine would mean something else for every model. What counts as
known comes from the model's similarity baseline: what it does to different statements about one
subject. The same claim in other words is no more similar than that. So these gates stop almost
verbatim repetition, and leave the rest to the judges and the oracle.
"""

from __future__ import annotations

from dataclasses import dataclass
from statistics import NormalDist

from daydream_contracts.events import Decision, NearestMatch
from daydream_contracts.rpc import NearestMatches
from daydream_critic.pipeline.evaluation import Evaluation
from daydream_critic.pipeline.outcome import Outcome

DUPLICATE_SIMILARITY = 0.85  # while the embedding model is not measured
RESTATEMENT_SIMILARITY = 0.92
SIMILARITY_MAX = 0.98  # the same text with one more comma is known, whatever the baseline says


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


def similarity_threshold(matches: NearestMatches, false_share: float, unmeasured: float) -> float:
    """Return the similarity that `false_share` of different statements about one subject reach.

    Return `unmeasured` while the embedding model has no baseline.
    """
    if matches.similarity_baseline is None:
        return unmeasured
    deviate = NormalDist().inv_cdf(1 - false_share)
    cosine = matches.similarity_baseline.mean + deviate * matches.similarity_baseline.deviation
    return min(SIMILARITY_MAX, _on_scale(cosine, matches.unrelated_median))


def _similarity(match: NearestMatch, matches: NearestMatches) -> float:
    return _on_scale(match.similarity, matches.unrelated_median)


def _on_scale(cosine: float, unrelated_median: float) -> float:
    return (cosine - unrelated_median) / max(1e-6, 1 - unrelated_median)
