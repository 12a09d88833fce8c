"""Several hypotheses of one pair are scored by one call, paid for once, each in a known place."""

from __future__ import annotations

import json
import random
from typing import Any

import pytest

from daydream_contracts.events import HypothesisProposed, PairHypotheses, Synthesis
from daydream_contracts.prompt_variables import shown_together
from daydream_contracts.rpc import Quote
from daydream_critic.history.critic_history import CriticHistory
from daydream_critic.history.place_bias import place_bias
from daydream_critic.history.records import PlaceStats
from daydream_critic.pipeline.judges.config import JudgeConfig
from daydream_critic.pipeline.judges.model_judge import ModelJudge
from daydream_critic.pipeline.judges.registry import judge_spec
from daydream_critic.settings import CriticSettings
from daydream_models.client import ModelClient
from daydream_models.settings import ModelSettings
from daydream_models.stage_plans import FULL
from support.message_builders import SYNTHESIS, hypothesis
from support.model_fakes import COST_NANOUSD, FakeGatewayClient

QUOTE = Quote(input_token_nanousd=151, output_token_nanousd=601)


def judge(gateway: FakeGatewayClient, per_call: int = 4) -> ModelJudge:
    settings = CriticSettings(hypotheses_per_call=per_call)
    model = ModelSettings(name="gpt-4.1")
    spec = judge_spec(settings, JudgeConfig(model=model))
    client = ModelClient(gateway, model, QUOTE, "critic")  # type: ignore[arg-type]
    return ModelJudge(spec.name, spec.requests, spec.family, model=client, hypotheses_max=per_call)


def samples(count: int) -> list[tuple[HypothesisProposed, Synthesis]]:
    syntheses = tuple(
        SYNTHESIS.model_copy(update={"hypothesis": f"Finding number {at}."}) for at in range(count)
    )
    return [
        (
            hypothesis().model_copy(
                update={
                    "hypothesis_id": f"h{at}",
                    "sample": at,
                    "synthesis": synthesis,
                    "together": PairHypotheses(syntheses=syntheses, place=at),
                }
            ),
            synthesis,
        )
        for at, synthesis in enumerate(syntheses)
    ]


def answer(*scores: int) -> str:
    rows = [
        {"justification": "why", "novelty": score, "coherence": score, "usefulness": score}
        for score in scores
    ]
    return json.dumps({"verdicts": rows})


async def test_each_hypothesis_of_a_pair_reads_its_own_scores_from_one_paid_call() -> None:
    gateway = FakeGatewayClient([answer(2, 4, 6)])
    opinions = [await judge(gateway).judge(*sample) for sample in samples(3)]
    assert len(gateway.bodies) == 1
    shown = gateway.bodies[0]["messages"][1]["content"]
    for (_, synthesis), opinion in zip(samples(3), opinions, strict=True):
        place = opinion.judgement.place
        assert place is not None
        assert synthesis.hypothesis in shown.split(f"Hypothesis {place + 1}:")[1][:200]
        assert opinion.judgement.scores is not None
        assert opinion.judgement.scores.novelty == 2 * (place + 1)
    assert {opinion.judgement.place for opinion in opinions} == {0, 1, 2}
    costs = [opinion.calls[0].cost_nanousd for opinion in opinions]
    assert sum(costs) == COST_NANOUSD, "each counts its part"
    assert max(costs) - min(costs) <= 1


async def test_no_call_has_more_hypotheses_than_the_setting_says() -> None:
    gateway = FakeGatewayClient([answer(5, 5), answer(5, 5), answer(5)])
    for sample in samples(5):
        await judge(gateway, per_call=2).judge(*sample)
    sizes = [body["messages"][1]["content"].count("Hypothesis ") for body in gateway.bodies]
    assert sizes == [2, 2, 1]


async def test_an_answer_that_leaves_one_out_is_unreadable_for_all() -> None:
    gateway = FakeGatewayClient([answer(5, 5)] * 2)
    opinion = await judge(gateway).judge(*samples(3)[0])
    assert opinion.judgement.scores is None


@pytest.mark.parametrize("changes", [{"round": 2}, {"judges": ("x",)}, {"together": None}])
async def test_what_is_judged_again_or_has_no_siblings_is_judged_alone(
    changes: dict[str, Any],
) -> None:
    gateway = FakeGatewayClient([answer(7)])
    proposed, synthesis = samples(3)[0]
    opinion = await judge(gateway).judge(proposed.model_copy(update=changes), synthesis)
    assert opinion.judgement.place is None
    assert opinion.judgement.scores is not None


def test_orders_differ_between_pairs_so_that_a_place_says_nothing_of_a_sample() -> None:
    together = samples(4)[0][0].together
    assert together is not None
    places = [shown_together(f"pair {at}", together, 4)[1] for at in range(400)]
    assert all(70 < places.count(place) < 130 for place in range(4))


def test_the_prompt_for_several_has_its_own_history() -> None:
    gateway = FakeGatewayClient([])
    assert judge(gateway, per_call=1).history_key(FULL) != judge(gateway).history_key(FULL)


def test_the_worth_of_a_place_is_a_mean_with_its_interval() -> None:
    stats = PlaceStats()
    for score in (5.0, 6.0, 7.0, 6.0):
        stats.add(score)
    assert stats.mean == 6.0
    assert stats.error == pytest.approx(1.96 * (0.5 / 3) ** 0.5)
    assert CriticHistory().places == {}


def places_of(*scores: tuple[int, float]) -> dict[int, PlaceStats]:
    places: dict[int, PlaceStats] = {}
    for place, score in scores:
        places.setdefault(place, PlaceStats()).add(score)
    return places


def test_a_bias_of_place_is_measured_with_an_interval_that_holds_it() -> None:
    """A judge that takes half a point off for each place further down."""
    chance = random.Random(1)
    rows = [(place, 7 - 0.5 * place) for place in range(4)] * 60
    bias = place_bias(places_of(*((place, score + chance.gauss(0, 1)) for place, score in rows)))
    assert bias is not None
    assert bias.low < -0.5 < bias.high < 0
    assert bias.high - bias.low < 0.4


def test_no_bias_of_place_is_claimed_from_one_place_or_two_scores() -> None:
    assert place_bias({}) is None
    assert place_bias(places_of((0, 5.0), (0, 6.0), (0, 7.0))) is None
    assert place_bias(places_of((0, 5.0), (1, 6.0))) is None
