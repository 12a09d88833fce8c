"""How much a hypothesis is worth reading: what the critic's arithmetic says, and nothing else."""

from __future__ import annotations

import math

from daydream_contracts.events import Aggregation, Judgement, VerdictReached
from daydream_contracts.rpc import JudgeOdds

BELOW_WORTH = -11.0  # puts scores, 1 to 10, below every worth: hypotheses without one come last


def worth_of(verdict: VerdictReached) -> float | None:
    """Return the probability that the hypothesis is a hit.

    It is the logistic function of the log-odds after comparisons, or of those before them. None
    while the judges have no history, so that their scores have no calibrated meaning.
    """
    aggregation = verdict.aggregation
    if aggregation is None:
        return None
    log_odds = aggregation.log_odds if aggregation.rating is None else aggregation.rating
    return None if log_odds is None else probability(log_odds)


def probability(log_odds: float) -> float:
    """Return the probability of these log-odds."""
    return 1 / (1 + math.exp(-max(-700.0, min(700.0, log_odds))))


def worth_order(verdict: VerdictReached) -> float:
    """Return the place in the order of worth: higher is better, those without a worth by score."""
    worth = worth_of(verdict)
    return BELOW_WORTH + (verdict.score or 0.0) if worth is None else worth


def judges_of(verdict: VerdictReached) -> tuple[JudgeOdds, ...]:
    """Return each judge's mean score, and what its vote adds to the log-odds of a hit."""
    answers: dict[str, list[Judgement]] = {}
    for judgement in verdict.judgements:
        answers.setdefault(judgement.judge, []).append(judgement)
    odds = _odds(verdict.aggregation)
    return tuple(
        JudgeOdds(
            judge=judge,
            model=judgements[-1].model,
            score=_mean_score(judgements),
            log_odds=odds.get(judge),
        )
        for judge, judgements in answers.items()
    )


def _odds(aggregation: Aggregation | None) -> dict[str, float]:
    votes = aggregation.votes if aggregation else ()
    return {vote.judge: vote.weight * (vote.value - vote.base) / vote.scale for vote in votes}


def _mean_score(judgements: list[Judgement]) -> float | None:
    scores = [
        judgement.scores.mean if judgement.expected is None else judgement.expected
        for judgement in judgements
        if judgement.scores is not None
    ]
    return sum(scores) / len(scores) if scores else None
