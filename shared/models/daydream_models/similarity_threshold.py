"""The similarity at which two texts say nearly the same, on the embedding model's own scale.

0 is the median cosine of unrelated facts, 1 is the same text. A fixed cosine would mean something
else for every model. The threshold comes from the model's similarity baseline: what it does to
different statements about one subject. The same claim in other words is no more similar than that,
so only almost verbatim repetition is above it.
"""

from __future__ import annotations

from statistics import NormalDist

from daydream_contracts.rpc import NearestMatches

SAME_FALSE_SHARE = 0.05  # of different statements about one subject that are taken for the same
DUPLICATE_SIMILARITY = 0.85  # while the embedding model is not measured
SIMILARITY_MAX = 0.98  # the same text with one more comma is known, whatever the baseline says


def similarity_threshold(matches: NearestMatches, false_share: float, unmeasured: float) -> float:
    """Return the similarity that `false_share` of different statements about one subject reach.

    Return `unmeasured` while the embedding model has no baseline.
    """
    if matches.similarity_baseline is None:
        return unmeasured
    deviate = NormalDist().inv_cdf(1 - false_share)
    cosine = matches.similarity_baseline.mean + deviate * matches.similarity_baseline.deviation
    return min(SIMILARITY_MAX, on_scale(cosine, matches.unrelated_median))


def on_scale(cosine: float, unrelated_median: float) -> float:
    """Return a cosine on the scale of 0 for unrelated facts to 1 for the same text."""
    return (cosine - unrelated_median) / max(1e-6, 1 - unrelated_median)
