"""What the critic says of itself: how good its judges are, what it does to what was planted, what people made of what it promoted, what it costs."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from daydream_contracts.rpc import Calibrated, Certainty, CriticState, JudgeState, Share
from daydream_critic.history.projection import CriticHistory
from daydream_critic.pipeline.judge import JudgeSpec
from daydream_critic.settings import CriticSettings
from daydream_critic.stats.certified_threshold import interval
from daydream_models.reservations import FULL

CONFIDENCE = 0.95
BINS = 5  # of the calibration curve, with as many labels each
RECENT = 30  # planted ones of a kind, held against all before them


def state_of(
    experience: CriticHistory, judges: Sequence[JudgeSpec], settings: CriticSettings
) -> CriticState:
    """From the experience as it is."""
    keys = [judge.key(FULL) for judge in judges]
    panel, line = experience.panel(keys), experience.line(settings.promote_quota)
    certified = experience.certified(settings.target_precision)
    each = experience.cost_nanousd // max(1, experience.judged)
    warm = experience.warm(keys)
    return CriticState(
        judges=tuple(
            _judge(experience, judge, key, float(panel.separations[at]))
            for at, (judge, key) in enumerate(zip(judges, keys, strict=True))
        ),
        effective_judges=float(len(keys) ** 2 / panel.correlations.sum()),
        rule="score" if not warm else "quota" if certified is None else "precision",
        promotion_threshold=line.value(panel) if certified is None else certified.threshold,
        bridges=share(*experience.rate(bridges=True)),
        decoys=share(*experience.rate(bridges=False)),
        oracle_bridges=share(*experience.passed(bridges=True)),
        oracle_decoys=share(*experience.passed(bridges=False)),
        drift=drift(experience),
        judged=experience.judged,
        nanousd_per_verdict=each,
        stopped=experience.stopped,
        saved_nanousd={reason: count * each for reason, count in experience.stopped.items()},
        examined=experience.examined,
        calibration=_calibration(experience),
        certain=certified
        and Certainty(
            threshold=certified.threshold,
            accepted=share(round(certified.share * certified.examples), certified.examples),
        ),
        target_precision=settings.target_precision,
    )


def share(hits: int, count: int) -> Share:
    """With its interval; of nothing anything may be true."""
    low, high = interval(hits, count, CONFIDENCE) if count else (0.0, 1.0)
    return Share(hits=hits, count=count, low=low, high=high)


def drift(experience: CriticHistory) -> tuple[str, ...]:
    """For each kind of planted hypotheses whose last ones fare otherwise than all before them: their intervals have nothing in common."""
    found = []
    for bridges, name, meaning in (
        (True, "bridges", "hit rate"),
        (False, "decoys", "false-alarm rate"),
    ):
        recent = share(*experience.rate(bridges=bridges, last=RECENT))
        before = share(*experience.rate(bridges=bridges, before=RECENT))
        if (
            recent.count == RECENT
            and before.count >= RECENT
            and (recent.low > before.high or recent.high < before.low)
        ):
            word = "rose" if recent.low > before.high else "fell"
            found.append(
                f"the {meaning} {word}: {recent.hits} of the last {recent.count} planted {name} pass, {before.hits} of {before.count} did before"
            )
    return tuple(found)


def _judge(experience: CriticHistory, judge: JudgeSpec, key: str, separation: float) -> JudgeState:
    record = experience.record(key)
    return JudgeState(
        name=judge.name,
        family=judge.family,
        answers=record.answers,
        scores={f"{score:g}": count for score, count in sorted(record.scores.items())},
        nanousd_per_answer=record.cost_nanousd // max(1, record.answers),
        separation=separation,
        measured=experience.separated([key]),
        comparisons=sum(one.judge == judge.name for one in experience.compared),
        position_bias=experience.position(judge.name),
    )


def _calibration(experience: CriticHistory) -> tuple[Calibrated, ...]:
    labels = sorted(experience.labels, key=lambda one: one.log_odds)
    if len(labels) < 2 * BINS:
        return ()
    parts = [
        labels[int(bounds[0]) : int(bounds[-1]) + 1]
        for bounds in np.array_split(np.arange(len(labels)), BINS)
    ]
    return tuple(
        Calibrated(
            log_odds_low=part[0].log_odds,
            log_odds_high=part[-1].log_odds,
            accepted=share(sum(one.accepted for one in part), len(part)),
        )
        for part in parts
    )
