"""The critic's report on itself: judge quality, canaries, reviews of promotions, and cost."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from daydream_contracts.rpc import (
    Calibrated,
    CalibrationProgress,
    Certainty,
    CriticState,
    JudgeSkill,
    JudgeState,
    PlaceScore,
    Share,
)
from daydream_critic.calibration.skill import Skill
from daydream_critic.history.calibrated_history import CalibratedHistory
from daydream_critic.history.critic_history import CriticHistory
from daydream_critic.history.place_bias import place_bias
from daydream_critic.pipeline.judges.interface import JudgeIdentity
from daydream_critic.settings import CriticSettings
from daydream_critic.stats.certified_threshold import CertifiedThreshold, interval
from daydream_models.stage_plans import FULL

CONFIDENCE = 0.95
BINS = 5  # of the calibration curve, with the same number of labels each
UNREADABLE_SHARE_MAX = 1 / 3  # then 30 canaries of each kind are too few to measure a judge
UNREADABLE_ANSWERS_MIN = 8  # the first batch of a calibration
RECENT_CANARIES = 30  # of a kind, which are compared with all before them


def _no_progress() -> CalibrationProgress:
    return CalibrationProgress()


@dataclass(frozen=True)
class CriticReport:
    """Reports on what is known when asked. `calibrated_history` and `progress` return it."""

    calibrated_history: Callable[[], CalibratedHistory]
    judges: Sequence[JudgeIdentity]
    settings: CriticSettings
    progress: Callable[[], CalibrationProgress] = _no_progress

    def state(self) -> CriticState:
        """Return the report."""
        state = state_of(self.calibrated_history(), self.judges, self.settings)
        return state.model_copy(update={"judge_calibration": self.progress()})


def state_of(
    calibrated_history: CalibratedHistory, judges: Sequence[JudgeIdentity], settings: CriticSettings
) -> CriticState:
    """Return the report on what is known now."""
    history = calibrated_history.history
    keys = [judge.history_key(FULL) for judge in judges]
    model = calibrated_history.aggregation_model(keys)
    certified = history.certified_threshold(settings.target_precision)
    quota_threshold = history.quota_threshold(settings.promote_quota).value(model)
    nanousd_per_verdict = history.cost_nanousd // max(1, history.judged)
    return CriticState(
        judges=tuple(
            _judge_state(calibrated_history, judge, float(separation))
            for judge, separation in zip(judges, model.separations, strict=True)
        ),
        effective_judges=float(len(keys) ** 2 / model.correlations.sum()),
        rule=_rule(settings, certified),
        promotion_threshold=quota_threshold if certified is None else certified.threshold,
        bridges=share_of(*history.canary_rate(bridges=True)),
        decoys=share_of(*history.canary_rate(bridges=False)),
        oracle_bridges=share_of(*history.oracle_pass_rate(bridges=True)),
        oracle_decoys=share_of(*history.oracle_pass_rate(bridges=False)),
        warnings=warnings_of(calibrated_history, judges),
        drift=drift_of(history),
        judged=history.judged,
        nanousd_per_verdict=nanousd_per_verdict,
        stopped=history.stopped,
        saved_nanousd={
            reason: count * nanousd_per_verdict for reason, count in history.stopped.items()
        },
        examined=history.examined,
        calibration=_calibration(history),
        certain=None if certified is None else _certainty(certified),
        target_precision=settings.target_precision,
    )


def share_of(hits: int, count: int) -> Share:
    """Return a share with its exact 95 % interval, which is 0 to 1 for no observations."""
    low, high = interval(hits, count, CONFIDENCE) if count else (0.0, 1.0)
    return Share(hits=hits, count=count, low=low, high=high)


def drift_of(history: CriticHistory) -> tuple[str, ...]:
    """Return one sentence per kind of canary whose recent promotion rate has changed.

    A rate has changed if the intervals of the recent canaries and of all before them do not
    overlap.
    """
    sentences = (
        _drift(history, bridges=True, name="bridges", meaning="hit rate"),
        _drift(history, bridges=False, name="decoys", meaning="false-alarm rate"),
    )
    return tuple(sentence for sentence in sentences if sentence)


def _drift(history: CriticHistory, *, bridges: bool, name: str, meaning: str) -> str | None:
    recent = share_of(*history.canary_rate(bridges=bridges, last=RECENT_CANARIES))
    before = share_of(*history.canary_rate(bridges=bridges, before=RECENT_CANARIES))
    if recent.count < RECENT_CANARIES or before.count < RECENT_CANARIES:
        return None
    rose, fell = recent.low > before.high, recent.high < before.low
    if not rose and not fell:
        return None
    return (
        f"the {meaning} {'rose' if rose else 'fell'}: {recent.hits} of the last {recent.count}"
        f" canary {name} passed; before, {before.hits} of {before.count} did"
    )


def _rule(settings: CriticSettings, certified: CertifiedThreshold | None) -> str:
    if settings.promote_by == "score":
        return "score"
    return "quota" if certified is None else "precision"


def warnings_of(
    calibrated_history: CalibratedHistory, judges: Sequence[JudgeIdentity]
) -> tuple[str, ...]:
    """Return what people must know of the judges: whose answers can't be read, who has no skill,
    and a false consensus.
    """
    keys = [judge.history_key(FULL) for judge in judges]
    names = [judge.name for judge in judges]
    sentences = [
        _unreadable_sentence(name, *calibrated_history.unreadable(key))
        for key, name in zip(keys, names, strict=True)
        if _is_unreadable(*calibrated_history.unreadable(key))
    ]
    sentences += [
        skill.sentence(name)
        for key, name in zip(keys, names, strict=True)
        if (skill := calibrated_history.skill(key)) is not None and not skill.is_shown
    ]
    contradiction = calibrated_history.contradiction(keys, names)
    return (*sentences, *([contradiction] if contradiction else []))


def _is_unreadable(unreadable: int, answers: int) -> bool:
    return answers >= UNREADABLE_ANSWERS_MIN and unreadable > UNREADABLE_SHARE_MAX * answers


def _unreadable_sentence(judge: str, unreadable: int, answers: int) -> str:
    return (
        f"{judge} can't be read: {unreadable} of its {answers} answers about canaries hold no"
        " scores. What can't be read has no vote. Give the judge another model or prompt"
    )


def _certainty(certified: CertifiedThreshold) -> Certainty:
    """Return the threshold with its own interval, which allows for the search."""
    accepted = Share(
        hits=round(certified.share * certified.examples),
        count=certified.examples,
        low=certified.low,
        high=certified.high,
    )
    return Certainty(threshold=certified.threshold, accepted=accepted)


def _judge_state(
    calibrated_history: CalibratedHistory, judge: JudgeIdentity, separation: float
) -> JudgeState:
    history, key = calibrated_history.history, judge.history_key(FULL)
    stats = history.judge_stats(key)
    places = history.places.get(key, {})
    return JudgeState(
        name=judge.name,
        family=judge.family,
        answers=stats.answers,
        scores={f"{score:g}": count for score, count in sorted(stats.scores.items())},
        nanousd_per_answer=stats.cost_nanousd // max(1, stats.answers),
        separation=separation,
        measured=calibrated_history.is_separated([key]),
        skill=_skill(calibrated_history.skill(key)),
        comparisons=sum(row.judge == judge.name for row in history.comparisons),
        position_bias=history.position_bias(judge.name),
        places=tuple(
            PlaceScore(place=place, answers=row.count, mean=row.mean, error=row.error)
            for place, row in sorted(places.items())
        ),
        place_bias=place_bias(places),
    )


def _skill(skill: Skill | None) -> JudgeSkill | None:
    if skill is None:
        return None
    return JudgeSkill(
        share=skill.share,
        low=skill.low,
        high=skill.high,
        bridges=skill.bridges,
        decoys=skill.decoys,
        shown=skill.is_shown,
    )


def _calibration(history: CriticHistory) -> tuple[Calibrated, ...]:
    labels = sorted(history.labels, key=lambda label: label.log_odds)
    if len(labels) < 2 * BINS:
        return ()
    bins = [
        [labels[index] for index in indices]
        for indices in np.array_split(np.arange(len(labels)), BINS)
    ]
    return tuple(
        Calibrated(
            log_odds_low=labels_in_bin[0].log_odds,
            log_odds_high=labels_in_bin[-1].log_odds,
            accepted=share_of(sum(label.accepted for label in labels_in_bin), len(labels_in_bin)),
        )
        for labels_in_bin in bins
    )
