"""Who is asked about a hypothesis, how often, and what comes out. The judges are real; what their models answer is scripted."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from daydream_contracts.events import (
    Decision,
    HypothesisProposed,
    ModelCall,
    PromptRef,
    ReviewRecorded,
    VerdictReached,
)
from daydream_contracts.rpc import NearestMatches, VerdictPage
from daydream_contracts.topology import MEMORY_INSIGHTS
from daydream_critic.app import compare_form, forms
from daydream_critic.history.projection import ROWS_MAX, WARM, CriticHistory
from daydream_critic.history.records import (
    SCORES_MAX,
    CanaryResult,
    ComparisonRow,
    JudgeStats,
    ReferenceHypothesis,
    key_of,
)
from daydream_critic.judge_config import JudgeConfig
from daydream_critic.pipeline.comparison import CompareAnswer, PairwiseComparer
from daydream_critic.pipeline.critic import Critic
from daydream_critic.pipeline.judge import Judge
from daydream_critic.pipeline.judge_panel import KNOWN_FOR, JudgePanel
from daydream_critic.settings import CriticSettings
from daydream_models.model_request import ModelReply, ModelRequest
from daydream_models.settings import ModelSettings
from support.samples import AT, SYNTHESIS, hypothesis

USD = 10**9


@dataclass
class Speaker:
    """A model that gives these scores in turn; None is an answer that can't be read."""

    scores: list[int | None]
    name: str = "gpt-4.1"
    cost_nanousd: int = 1000
    asked: list[ModelRequest] = field(default_factory=list)
    better: Callable[[str], str] = lambda _: "first"

    async def request(self, question: ModelRequest, kind: type[Any]) -> ModelReply[Any]:
        self.asked.append(question)
        if kind is CompareAnswer:
            call = ModelCall(
                call_id="c",
                model=self.name,
                prompt=PromptRef(name="c", digest="c"),
                input_tokens=1,
                output_tokens=1,
                cost_nanousd=10,
            )
            return ModelReply(
                kind(justification="because", better=self.better(question.messages[1]["content"])),
                "",
                (call,),
            )
        score = self.scores.pop(0)
        call = ModelCall(
            call_id=str(len(self.asked)),
            model=self.name,
            prompt=PromptRef(name="p", digest="d"),
            input_tokens=1,
            output_tokens=1,
            cost_nanousd=self.cost_nanousd,
        )
        value = (
            None
            if score is None
            else kind(justification="because", novelty=score, coherence=score, usefulness=score)
        )
        return ModelReply(value, "no scores here", (call,))


def judge(speaker: Speaker, *, rubric: str = "essay", calls_max: int = 1) -> Judge:
    juror = JudgeConfig(model=ModelSettings(name=speaker.name), rubric=rubric)
    return Judge(
        juror.name, forms(CriticSettings(), juror), juror.model_family, calls_max, model=speaker
    )  # type: ignore[arg-type]


def written_by(model: str) -> HypothesisProposed:
    proposed = hypothesis()
    call = ModelCall(
        call_id="w",
        model=model,
        prompt=PromptRef(name="p", digest="d"),
        input_tokens=1,
        output_tokens=1,
        cost_nanousd=5,
    )
    return proposed.model_copy(update={"calls": (call,)})


def experienced(judges: list[Judge], seed: int = 0, count: int = 200) -> CriticHistory:
    """Judges that agree about many hypotheses, mostly on sixes and sevens."""
    rng = np.random.default_rng(seed)
    found = CriticHistory()
    for _ in range(count):
        quality = rng.standard_normal()
        row = {
            one.key("full"): float(
                np.clip(round(6.5 + 0.8 * quality + 0.5 * rng.standard_normal()), 1, 10)
            )
            for one in judges
        }
        for key, score in row.items():
            found.judges.setdefault(key, JudgeStats()).add(score, 1000)
        found.rows.append(row)
        found.ended.append(-3.0 + quality)
    return found


def heard(
    judges: list[Judge],
    experience: CriticHistory,
    proposed: HypothesisProposed,
    *,
    known: Sequence[VerdictReached] = (),
    **settings: Any,
) -> VerdictReached:
    async def memory(endpoint: Any, question: Any) -> NearestMatches | VerdictPage:
        if endpoint is MEMORY_INSIGHTS:
            return VerdictPage(
                verdicts=tuple(one for one in known if one.verdict_id in question.verdict_ids),
                total=len(known),
            )
        return NearestMatches(own_facts=(), nearest=None, unrelated_median=0.1, embedding_model="m")

    of = CriticSettings(**settings)
    pairs = PairwiseComparer(compare_form(), memory, of.compare_max)  # type: ignore[arg-type]
    jury = JudgePanel(
        judges, SimpleNamespace(fold=experience), of, pairs if of.compare_max else None
    )  # type: ignore[arg-type]
    return asyncio.run(Critic(jury, memory, of).judge(proposed))  # type: ignore[arg-type]


def test_without_a_history_scores_are_taken_as_they_are() -> None:
    verdict = heard(
        [judge(Speaker([8])), judge(Speaker([7], "claude-haiku"))],
        CriticHistory(),
        written_by("qwen3"),
    )
    assert (verdict.decision, verdict.reason, verdict.score) == (Decision.PROMOTED, "score", 7.5)
    assert [one.judge for one in verdict.judgements] == [
        "judge.v1@gpt-4.1",
        "judge.v1@claude-haiku",
    ]
    assert verdict.cost_nanousd == 5 + 2000
    assert verdict.spread == pytest.approx(0.5**0.5)
    low = heard(
        [judge(Speaker([8])), judge(Speaker([3], "claude-haiku"))],
        CriticHistory(),
        written_by("qwen3"),
        promote_score=5,
    )
    assert (low.decision, low.reason) == (Decision.DISCARDED, "score")


def test_the_writers_family_does_not_judge() -> None:
    kin, stranger = Speaker([9], "gpt-4.1"), Speaker([3], "claude-haiku")
    verdict = heard([judge(kin), judge(stranger)], CriticHistory(), written_by("gpt-5-mini"))
    assert kin.asked == []
    assert [one.self_judged for one in verdict.judgements] == [False]


def test_where_there_is_only_the_writers_family_it_judges_and_says_so() -> None:
    verdict = heard(
        [judge(Speaker([9], "gpt-4.1")), judge(Speaker([9], "o3"))],
        CriticHistory(),
        written_by("gpt-5-mini"),
    )
    assert [one.self_judged for one in verdict.judgements] == [True, True]


def test_a_judge_that_gives_everything_a_seven_still_orders_by_its_rare_eight() -> None:
    speaker = Speaker([8])
    one = judge(speaker)
    experience = CriticHistory(ended=[-3.0] * 200)
    experience.judges[one.key("full")] = JudgeStats(
        scores={7.0: 195, 6.0: 3, 8.0: 2}, answers=200, cost_nanousd=200_000
    )
    verdict = heard([one], experience, written_by("qwen3"))
    assert (verdict.decision, verdict.reason) == (Decision.PROMOTED, "quota")
    speaker.scores = [7]
    assert heard([one], experience, written_by("qwen3")).decision is Decision.DISCARDED, (
        "though 7 is what absolute scores ask for"
    )


def test_the_weighing_in_the_verdict_is_the_whole_arithmetic() -> None:
    judges = [judge(Speaker([8])), judge(Speaker([8], "claude-haiku"))]
    experience = experienced(judges)
    aggregation = heard(judges, experience, written_by("qwen3")).aggregation
    assert aggregation is not None
    panel = experience.panel([one.key("full") for one in judges])
    values = np.array([vote.value for vote in aggregation.votes])
    assert aggregation.log_odds == pytest.approx(panel.log_odds(values, (1, 1), aggregation.prior))
    assert [vote.weight for vote in aggregation.votes] == pytest.approx(
        panel.evidence((1, 1)).weights.tolist()
    )


def test_a_second_opinion_is_asked_for_near_the_line_only_and_is_another_question() -> None:
    def calls(score: int) -> list[ModelRequest]:
        speaker = Speaker([score] * 5)
        judges = [judge(speaker, calls_max=3)]
        experience = experienced(judges)
        target = experience.line(0.05)
        values = sorted(
            experience.ranks(judges[0].key("full")).of_score(float(one)) for one in (6, 7, 8)
        )
        assert values[0] < values[1] < values[2]
        verdict = heard(judges, experience, written_by("qwen3"), usd_per_hit_max=1.0)
        assert len(verdict.judgements) == len(speaker.asked)
        assert [one.call for one in verdict.judgements] == list(range(len(speaker.asked)))
        assert target.count == 200
        return speaker.asked

    assert len(calls(4)) == 1, "a clear case"
    several = calls(8)
    assert len(several) > 1
    assert len({question.key for question in several}) == len(several)
    assert several[0].temperature < several[1].temperature


def test_near_a_cap_nobody_is_asked_twice_and_nearer_still_only_the_first_judge_is_asked() -> None:
    for size, asked in (("short", [1, 1]), ("minimal", [1, 0])):
        speakers = [Speaker([8] * 4), Speaker([8] * 4, "claude-haiku")]
        proposed = written_by("qwen3")
        proposed = proposed.model_copy(
            update={"pair": proposed.pair.model_copy(update={"plan": size})}
        )
        heard([judge(one, calls_max=3) for one in speakers], CriticHistory(), proposed)
        assert [len(one.asked) for one in speakers] == asked


def test_an_answer_that_cannot_be_read_is_no_vote_and_none_at_all_is_said() -> None:
    verdict = heard(
        [judge(Speaker([None])), judge(Speaker([9], "claude-haiku"))],
        CriticHistory(),
        written_by("qwen3"),
    )
    assert (verdict.decision, verdict.score) == (Decision.PROMOTED, 9.0)
    silent = heard([judge(Speaker([None]))], CriticHistory(), written_by("qwen3"))
    assert (silent.decision, silent.reason) == (Decision.DISCARDED, "judge-unreadable")
    assert silent.cost_nanousd == 5 + 1000, "it was paid for all the same"


def test_a_second_opinion_that_cannot_be_read_ends_the_asking() -> None:
    speaker = Speaker([8, None, 8, 8])
    judges = [judge(speaker, calls_max=4)]
    verdict = heard(judges, experienced(judges), written_by("qwen3"), usd_per_hit_max=100)
    assert len(verdict.judgements) == 2
    assert verdict.aggregation is not None
    assert verdict.aggregation.votes[0].calls == 1


def test_what_was_judged_is_learned_once_and_within_bounds() -> None:
    judges = [judge(Speaker([8])), judge(Speaker([6], "claude-haiku"))]
    verdict = heard(judges, CriticHistory(), written_by("qwen3"))
    experience = CriticHistory()
    for sequence in (1, 1, 2):
        experience.add(sequence, verdict)
    key = key_of(verdict.judgements[0])
    assert key == judges[0].key("full")
    assert experience.judges[key].scores == {8.0: 2}
    assert experience.usd(key) == pytest.approx(1e-6)
    assert len(experience.rows) == 2
    assert not experience.warm([key])
    for sequence in range(3, 3 + SCORES_MAX + ROWS_MAX):
        experience.add(sequence, verdict)
    assert experience.warm([key])
    assert WARM < experience.judges[key].count <= SCORES_MAX
    assert len(experience.rows) == ROWS_MAX
    assert CriticHistory.model_validate_json(experience.model_dump_json()) == experience


def others(experience: CriticHistory, count: int = 4, **more: Any) -> list[VerdictReached]:
    """Hypotheses at the line, in memory and in the experience."""
    line = experience.line(0.05).value(experience.panel(list(experience.judges)))
    found = []
    for at in range(count):
        synthesis = SYNTHESIS.model_copy(
            update={
                "hypothesis": f"Neighbour number {at} says something of its own about the world."
            }
        )
        verdict = VerdictReached(
            verdict_id=f"v{at}",
            hypothesis=hypothesis(100 + at, synthesis),
            role="critic",
            round=1,
            decision=Decision.DISCARDED,
            reason="quota",
            explanation="",
            final=True,
            cost_nanousd=0,
            reached_at=AT,
        )
        found.append(verdict)
        experience.seen.append(
            ReferenceHypothesis(
                verdict_id=f"v{at}",
                hypothesis_id=verdict.hypothesis.hypothesis_id,
                log_odds=line + 0.01 * at,
                **more,
            )
        )
    return found


def own_first(content: str) -> bool:
    return content.index(SYNTHESIS.hypothesis) < content.index("Neighbour number")


def near_the_line(better: Callable[[str], str], **more: Any) -> tuple[VerdictReached, Speaker]:
    speaker = Speaker([8], better=better)
    judges = [judge(speaker)]
    experience = experienced(judges)
    experience.ended = [
        -4.7 + 0.02 * at for at in range(100)
    ]  # the score of 8 lies between the best half of the quota and twice as much
    known = others(experience, **more)
    return heard(judges, experience, written_by("qwen3"), known=known), speaker


@pytest.mark.parametrize("wins", [True, False])
def test_what_lies_near_the_line_is_compared_in_both_orders_and_decided_by_that(wins: bool) -> None:
    verdict, speaker = near_the_line(
        lambda content: "first" if own_first(content) == wins else "second"
    )
    assert verdict.aggregation is not None
    assert verdict.aggregation.rating is not None
    assert [one.won for one in verdict.comparisons] == [wins] * len(verdict.comparisons)
    assert [one.shown_first for one in verdict.comparisons[:2]] == [True, False]
    assert (verdict.decision is Decision.PROMOTED) == wins
    assert (verdict.aggregation.rating > verdict.aggregation.threshold) == wins
    assert verdict.cost_nanousd == 5 + 1000 + 10 * len(verdict.comparisons)
    assert len({question.key for question in speaker.asked}) == len(speaker.asked)


def test_a_judge_that_always_takes_the_first_says_nothing() -> None:
    verdict, _ = near_the_line(lambda _: "first")
    assert verdict.aggregation is not None
    assert verdict.aggregation.rating == pytest.approx(verdict.aggregation.log_odds, abs=0.25)
    assert {one.won for one in verdict.comparisons} == {True, False}


@pytest.mark.parametrize("more", [{"team": "red"}, {"clearances": ("secret",)}])
def test_a_neighbour_behind_a_wall_is_not_shown(more: dict[str, Any]) -> None:
    verdict, speaker = near_the_line(lambda _: "first", **more)
    assert len(speaker.asked) == 1
    assert verdict.comparisons == ()
    assert verdict.aggregation is not None
    assert verdict.aggregation.rating is None


def test_a_favour_for_a_position_is_learned_from_all_comparisons() -> None:
    experience = CriticHistory()
    for at in range(40):
        experience.compared += [
            ComparisonRow(judge="j", first=f"a{at}", second=f"b{at}", first_won=True),
            ComparisonRow(judge="j", first=f"b{at}", second=f"a{at}", first_won=True),
        ]
    assert experience.position("j") > 2
    assert experience.position("another") == 0.0


def review(verdict_id: str, *, accepted: bool) -> ReviewRecorded:
    return ReviewRecorded(verdict_id=verdict_id, accepted=accepted, who="ada", recorded_at=AT)


def test_the_line_goes_where_peoples_reviews_show_that_enough_is_accepted() -> None:
    speaker = Speaker([8, 8])
    judges = [judge(speaker)]
    experience = experienced(judges)
    experience.promoted = {f"v{at}": -4 + 0.1 * at for at in range(60)}
    for at in range(60):
        experience.review(at + 1, review(f"v{at}", accepted=at >= 10))
    certified = experience.certified(0.9)
    assert certified is not None
    assert certified.threshold < -2.8
    assert certified.low > 0.7
    verdict = heard(judges, experience, written_by("qwen3"), target_precision=0.9)
    assert verdict.aggregation is not None
    assert (verdict.aggregation.rule, verdict.aggregation.threshold) == (
        "precision",
        certified.threshold,
    )
    assert (verdict.decision, verdict.reason) == (Decision.PROMOTED, "precision")
    assert "90%" in verdict.explanation
    assert (
        heard(judges, experience, written_by("qwen3"), target_precision=0.99).reason == "quota"
    ), "reviews can't show that"


def test_the_last_word_of_people_holds_and_a_word_on_the_unknown_is_no_label() -> None:
    experience = CriticHistory(promoted={"v1": 0.5})
    experience.review(1, review("v1", accepted=True))
    experience.review(2, review("v9", accepted=True))
    experience.review(3, review("v1", accepted=False))
    assert [(one.verdict_id, one.accepted) for one in experience.labels] == [("v1", False)]
    assert experience.reviewed == 3


def planted(judges: list[Judge], seed: int = 0, count: int = 40) -> list[CanaryResult]:
    """Bridges and decoys that all judges scored; the second judge tells them apart, the first hardly."""
    rng = np.random.default_rng(seed)
    found = []
    for at in range(count):
        bridge = at % 2 == 0
        scores = [float(round(6 + shift * bridge + rng.standard_normal())) for shift in (0.3, 3.0)]
        found.append(
            CanaryResult(
                bridge=bridge,
                promoted=bridge,
                scores={
                    one.key("full"): [score] for one, score in zip(judges, scores, strict=False)
                },
            )
        )
    return found


def test_once_planted_hypotheses_have_shown_who_is_good_nobody_is_asked_in_vain() -> None:
    def asked(cost: int) -> list[int]:
        speakers = [
            Speaker([7] * 9, cost_nanousd=1000),
            Speaker([4] * 9, "claude-haiku", cost_nanousd=cost),
        ]
        judges = [judge(one) for one in speakers]
        experience = experienced(judges)
        experience.judges[judges[1].key("full")].cost_nanousd = cost * 200
        experience.canaries = planted(judges)
        assert experience.measured([one.key("full") for one in judges])
        heard(judges, experience, written_by("qwen3"), usd_per_hit_max=0.001, compare_max=0)
        return [len(one.asked) for one in speakers]

    assert asked(1000) == [0, 1], "the better one at the same price, and what it says is clear"
    assert asked(10**9) == [1, 0], "a dollar a call is more than that is worth"


def test_what_is_known_of_the_judges_holds_for_some_hypotheses() -> None:
    speakers = [Speaker([7] * 9), Speaker([4] * 9, "claude-haiku")]
    judges = [judge(one) for one in speakers]
    experience = experienced(judges)
    experience.canaries = planted(judges)
    jury = JudgePanel(
        judges, SimpleNamespace(fold=experience), CriticSettings(usd_per_hit_max=0.001)
    )  # type: ignore[arg-type]

    def asked() -> list[str]:
        hearing, _ = asyncio.run(jury.hear(written_by("qwen3"), SYNTHESIS))
        return [one.judge for one in hearing.judgements]

    better = asked()
    assert better == [judges[1].name]
    experience.judges[judges[1].key("full")].cost_nanousd = 200 * USD
    experience.judged += KNOWN_FOR - 1
    assert asked() == better
    experience.judged += 1
    assert asked() == [judges[0].name]


def test_a_planted_hypothesis_is_judged_by_all_whatever_it_is_worth_and_teaches_nothing_but_who_is_good() -> (
    None
):
    speakers = [Speaker([7]), Speaker([9], "claude-haiku")]
    judges = [judge(one) for one in speakers]
    experience = experienced(judges)
    experience.canaries = planted(judges)
    proposed = written_by("qwen3")
    proposed = proposed.model_copy(
        update={"pair": proposed.pair.model_copy(update={"canary": "bridge"})}
    )
    verdict = heard(judges, experience, proposed, usd_per_hit_max=1e-9, compare_max=0)
    assert [len(one.asked) for one in speakers] == [1, 1]
    before = experience.model_dump(exclude={"canaries", "planted", "sequence"})
    experience.add(1, verdict)
    assert experience.model_dump(exclude={"canaries", "planted", "sequence"}) == before
    assert experience.canaries[-1].bridge
    assert experience.canaries[-1].scores == {
        judges[0].key("full"): [7.0],
        judges[1].key("full"): [9.0],
    }
    assert experience.rate(bridges=True) == (20 + (verdict.decision is Decision.PROMOTED), 21)
    assert experience.rate(bridges=False) == (0, 20)


def test_what_is_judged_anew_is_another_round_by_the_named_judges_and_moves_no_line() -> None:
    speakers = [Speaker([7]), Speaker([9], "claude-haiku")]
    judges = [judge(one) for one in speakers]
    experience = experienced(judges)
    proposed = written_by("qwen3").model_copy(update={"round": 2, "judges": (judges[1].name,)})
    verdict = heard(judges, experience, proposed, compare_max=0)
    first = heard([judge(Speaker([7]))], CriticHistory(), written_by("qwen3"))
    assert [len(one.asked) for one in speakers] == [0, 1]
    assert (verdict.round, verdict.final) == (2, True)
    assert verdict.verdict_id != first.verdict_id
    assert verdict.cost_nanousd == 1000, "the synthesis was in the first verdict's cost"
    before = list(experience.ended)
    experience.add(1, verdict)
    assert experience.ended == before
    assert experience.judges[judges[1].key("full")].count == 201
