"""Choose what a digest holds: by worth and preferences, with one place for the improbable."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from daydream_console.digest.content import DigestItem
from daydream_console.digest.preferences import ReaderPreferences
from daydream_contracts.rpc import InsightSummary

TOP_FOR_IMPROBABLE = 3  # a shorter digest has no place for it
CANDIDATES = 20  # among which the improbable one is chosen
WORTH_MIN, WORTH_MAX = 0.001, 0.999
IMPROBABLE = "The improbable one: of the next best, its two facts are the furthest apart."


def value_of(insight: InsightSummary, preferences: ReaderPreferences) -> float:
    """Return the place in the order: higher is better.

    Log-odds of worth, and of the reader's preferences. Those whose worth is not calibrated come
    after nearly all others, by score.
    """
    if insight.worth is None:
        return (insight.score or 0.0) / 10 - 10.0 + preferences.log_odds(insight)
    worth = min(WORTH_MAX, max(WORTH_MIN, insight.worth))
    return math.log(worth / (1 - worth)) + preferences.log_odds(insight)


def ranked(
    insights: Sequence[InsightSummary], preferences: ReaderPreferences
) -> list[InsightSummary]:
    """Return the insights in the reader's order."""
    return sorted(insights, key=lambda insight: -value_of(insight, preferences))


def improbable_candidates(order: Sequence[InsightSummary], top: int) -> Sequence[InsightSummary]:
    """Return those that may take the improbable place. Empty: there is no such place."""
    if top < TOP_FOR_IMPROBABLE or len(order) <= top:
        return ()
    return order[top - 1 : top - 1 + CANDIDATES]


def choose(
    order: Sequence[InsightSummary],
    top: int,
    preferences: ReaderPreferences,
    similarity: Mapping[str, float],
) -> tuple[DigestItem, ...]:
    """Return the items. `similarity` is that of the two facts, by verdict, of the candidates."""
    candidates = [
        insight for insight in improbable_candidates(order, top) if insight.verdict_id in similarity
    ]
    if not candidates:
        return tuple(DigestItem(insight, preferences.note(insight)) for insight in order[:top])
    improbable = min(candidates, key=lambda insight: similarity[insight.verdict_id])
    best = order[: top - 1]
    return (
        *(DigestItem(insight, preferences.note(insight)) for insight in best),
        DigestItem(improbable, IMPROBABLE),
    )
