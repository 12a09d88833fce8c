"""The plan of the critic's stage: the maximum cost of one hypothesis here."""

from __future__ import annotations

from collections.abc import Sequence

from daydream_critic.pipeline.judges.interface import Judge
from daydream_critic.settings import CriticSettings
from daydream_models.request_spec import RequestSpec
from daydream_models.stage_plans import FULL, StagePlan


def plan_of(judges: Sequence[Judge], comparison: RequestSpec, references_max: int) -> StagePlan:
    """Return the plan of all judges, and of the comparisons of the last one that is a model.

    It is the first judge's plan with those of the others. Judges without a cost have none.
    """
    plans = [judge.plan(first=index == 0) for index, judge in enumerate(judges)]
    paid = [plan for plan in plans if plan is not None]
    models = [judge.model for judge in judges if judge.model is not None]
    if not paid or not models:
        return StagePlan(
            stage=CriticSettings.service, model="", fixed_nanousd=0, nanousd_per_fact_byte=0
        )
    comparing_nanousd = models[-1].plan({FULL: comparison}).fixed_nanousd
    last_nanousd = paid[-1].fixed_nanousd + 2 * references_max * comparing_nanousd
    paid[-1] = paid[-1].model_copy(update={"fixed_nanousd": last_nanousd})
    return paid[0].model_copy(update={"others": tuple(paid[1:])})
