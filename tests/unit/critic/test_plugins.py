"""Gates and judges of other packages, which offer them by entry points."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import EntryPoint
from typing import Any

import pytest

from daydream_contracts.errors import ConfigurationError
from daydream_contracts.events import Decision, HypothesisProposed, Scores, Synthesis
from daydream_critic.history.calibrated_history import CalibratedHistory
from daydream_critic.history.critic_history import CriticHistory
from daydream_critic.history.records import history_key_of
from daydream_critic.pipeline.comparison import compare_request
from daydream_critic.pipeline.evaluation import Evaluation
from daydream_critic.pipeline.gates.registry import GROUP as GATES
from daydream_critic.pipeline.gates.registry import open_gates
from daydream_critic.pipeline.judges.code_judge import Assessment, CodeJudge
from daydream_critic.pipeline.judges.config import JudgeConfig
from daydream_critic.pipeline.judges.registry import GROUP as JUDGES
from daydream_critic.pipeline.judges.registry import code_judge, identify_judges
from daydream_critic.pipeline.outcome import Outcome
from daydream_critic.settings import GATES as DEFAULT_GATES
from daydream_critic.settings import CriticSettings
from daydream_critic.stage_plan import plan_of
from daydream_models.settings import ModelSettings
from daydream_runtime import plugins
from support.critic import FULL, FakeJudgeModel, history_of, model_judge, verdict_of, written_by

Offer = Callable[[str, str, Any], None]


@pytest.fixture
def offer(monkeypatch: pytest.MonkeyPatch) -> Offer:
    """Offer an object under an entry point. Patched, because installing a package takes seconds."""
    points: dict[tuple[str, str], Any] = {}

    def entry_points(group: str) -> list[EntryPoint]:
        return [EntryPoint(name, "x:y", group) for of, name in points if of == group]

    monkeypatch.setattr(plugins, "entry_points", entry_points)
    monkeypatch.setattr(EntryPoint, "load", lambda point: points[point.group, point.name])

    def add(group: str, name: str, thing: Any) -> None:
        points[group, name] = thing

    return add


@dataclass(frozen=True)
class FakeRiverGate:
    """Stops everything about rivers."""

    settings: CriticSettings
    needs_memory = False

    def check(self, evaluation: Evaluation) -> Outcome | None:
        if "river" not in evaluation.synthesis.hypothesis:
            return None
        return Outcome(Decision.DISCARDED, "river", "it is about a river")


class LengthJudge(CodeJudge):
    """Likes long hypotheses."""

    version = "2"

    async def assess(self, proposed: HypothesisProposed, synthesis: Synthesis) -> Assessment:
        score = min(10, 1 + len(synthesis.hypothesis) // 10)
        scores = Scores(novelty=score, coherence=score, usefulness=score)
        return Assessment(scores, f"{len(synthesis.hypothesis)} characters")


def test_a_gate_of_another_package_stops_hypotheses_where_the_settings_name_it(
    offer: Offer,
) -> None:
    offer(GATES, "no-rivers", FakeRiverGate)
    judges = [model_judge(FakeJudgeModel([9, 9]))]
    gates = (*DEFAULT_GATES, "no-rivers")
    verdict = verdict_of(judges, CriticHistory(), written_by("qwen3"), gates=gates)
    assert (verdict.decision, verdict.reason, verdict.judgements) == (
        Decision.DISCARDED,
        "river",
        (),
    )
    without = verdict_of(judges, CriticHistory(), written_by("qwen3"))
    assert without.decision is Decision.PROMOTED


def test_an_unknown_gate_is_refused_with_the_known_ones(offer: Offer) -> None:
    offer(GATES, "no-rivers", FakeRiverGate)
    with pytest.raises(ConfigurationError) as refused:
        open_gates(CriticSettings(gates=("malformed", "nonsense")))
    assert "'nonsense'" in refused.value.problem
    for name in (*DEFAULT_GATES, "no-rivers"):
        assert name in refused.value.problem


def length_config() -> JudgeConfig:
    return JudgeConfig(model=ModelSettings(name="unused"), kind="length")


def test_a_judge_without_a_model_judges_alone_and_costs_nothing(offer: Offer) -> None:
    offer(JUDGES, "length", LengthJudge)
    judge = code_judge(length_config())
    verdict = verdict_of([judge], CriticHistory(), written_by("qwen3"))
    assert verdict.decision is Decision.PROMOTED
    assert [judgement.judge for judgement in verdict.judgements] == ["length"]
    assert "characters" in verdict.judgements[0].justification
    assert (verdict.cost_nanousd, verdict.calls) == (5, ()), "only the synthesis was paid for"


def test_the_history_of_a_judge_without_a_model_starts_again_with_a_new_version(
    offer: Offer,
) -> None:
    offer(JUDGES, "length", LengthJudge)
    judge = code_judge(length_config())
    verdict = verdict_of([judge], CriticHistory(), written_by("qwen3"))
    history = CriticHistory()
    history.add(1, verdict)
    key = judge.history_key(FULL)
    assert key == history_key_of(verdict.judgements[0]) == "length:2"
    assert history.judges[key].count == 1
    assert CalibratedHistory(history).usd_per_answer(key) == 0.0


def test_a_judge_without_a_model_is_weighed_by_its_history_next_to_models(offer: Offer) -> None:
    offer(JUDGES, "length", LengthJudge)
    judges = [model_judge(FakeJudgeModel([8])), code_judge(length_config())]
    verdict = verdict_of(judges, history_of(judges), written_by("qwen3"))
    assert verdict.aggregation is not None
    assert verdict.aggregation.rule == "quota"
    assert {vote.judge for vote in verdict.aggregation.votes} == {"judge.v1@gpt-4.1", "length"}


def test_the_plan_pays_for_models_and_not_for_judges_without_one(offer: Offer) -> None:
    offer(JUDGES, "length", LengthJudge)
    length, paid = code_judge(length_config()), model_judge(FakeJudgeModel([]))
    alone = plan_of([length], compare_request(), 2)
    assert (alone.stage, alone.fixed_nanousd, alone.nanousd_per_fact_byte) == ("critic", 0, 0)
    both = plan_of([paid, length], compare_request(), 2)
    assert (both.fixed_nanousd, both.others) == (100 + 2 * 2 * 100, ())


def test_an_unknown_kind_of_judge_is_refused_with_the_known_ones(offer: Offer) -> None:
    offer(JUDGES, "length", LengthJudge)
    config = JudgeConfig(model=ModelSettings(name="m"), kind="width")
    with pytest.raises(ConfigurationError) as refused:
        identify_judges(CriticSettings(), [config])
    assert "'width'" in refused.value.problem
    assert "length" in refused.value.problem
