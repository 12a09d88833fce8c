"""What a reader accepted before, as a small correction to the order by worth.

For each feature of an insight (kind of link, strategy, subject of its facts) the reader's rate of
acceptance is compared with the rate over all reviews. Rates of few reviews are shrunk to it.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field

from daydream_contracts.rpc import InsightSummary, SourceFact

PRIOR_REVIEWS = 4.0  # a feature counts half once it has that many reviews
LOG_ODDS_MAX = 1.5  # preferences move an insight, but do not replace its worth
NOTED_REVIEWS = 3
Feature = tuple[str, str]


@dataclass
class ReaderPreferences:
    """The reviews of one reader, by feature: [accepted, all]."""

    accepted: int = 0
    reviewed: int = 0
    features: dict[Feature, list[int]] = field(default_factory=lambda: defaultdict(lambda: [0, 0]))

    def log_odds(self, insight: InsightSummary) -> float:
        """Return what the reader's past reviews add to the log-odds of this insight."""
        total = sum(self._of(feature) for feature in features_of(insight))
        return max(-LOG_ODDS_MAX, min(LOG_ODDS_MAX, total))

    def note(self, insight: InsightSummary) -> str:
        """Return the strongest reason why the reader may like it, or an empty string."""
        features = [
            feature
            for feature in features_of(insight)
            if feature in self.features and self.features[feature][1] >= NOTED_REVIEWS
        ]
        best = max(features, key=self._of, default=None)
        if best is None or self._of(best) <= 0:
            return ""
        accepted, reviewed = self.features[best]
        return f"You accepted {accepted} of {reviewed} with {best[0]} {best[1]}."

    def _of(self, feature: Feature) -> float:
        accepted, reviewed = self.features.get(feature, (0, 0))
        overall = (self.accepted + 1) / (self.reviewed + 2)
        rate = (accepted + PRIOR_REVIEWS * overall) / (reviewed + PRIOR_REVIEWS)
        return math.log(rate / overall)


def preferences_of(reader: str, reviewed: Iterable[InsightSummary]) -> ReaderPreferences:
    """Return the preferences of a reader, from the insights whose last review is this reader's."""
    preferences = ReaderPreferences()
    for insight in reviewed:
        review = insight.review
        if review is None or review.accepted is None or review.who != reader:
            continue
        preferences.accepted += review.accepted
        preferences.reviewed += 1
        for feature in features_of(insight):
            preferences.features[feature][0] += review.accepted
            preferences.features[feature][1] += 1
    return preferences


def features_of(insight: InsightSummary) -> set[Feature]:
    """Return what an insight can be compared by."""
    features = {("strategy", insight.strategy)}
    if insight.kind:
        features.add(("link", insight.kind.value))
    features |= {("subject", subject) for fact in _facts(insight) if (subject := _subject(fact))}
    return features


def _facts(insight: InsightSummary) -> tuple[SourceFact, SourceFact]:
    return insight.first, insight.second


def _subject(fact: SourceFact) -> str:
    """Return the title of the document: the part before its first heading."""
    return fact.title.partition(" / ")[0]
