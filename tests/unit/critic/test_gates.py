"""The gates: each with an example that it stops and a near miss that it lets through."""

from __future__ import annotations

import asyncio

import pytest

from daydream_contracts.events import Decision, HypothesisProposed, NearestMatch, Synthesis
from daydream_contracts.rpc import NearestMatches, SimilarityScale
from daydream_critic.pipeline.evaluation import Evaluation
from daydream_critic.pipeline.gates.registry import open_gates
from daydream_critic.pipeline.gates.text_gates import is_copied, is_repetitive
from daydream_critic.pipeline.outcome import Outcome
from daydream_critic.settings import CriticSettings
from support.critic import with_pair
from support.message_builders import hypothesis

PLAIN = (
    "Where many draw on a way that none of them can see as a whole, those who speed up slowly and"
    " slow down at once share it fairly. The same arithmetic should therefore govern branching"
    " trails, river locks and the queues before a customs office."
)


def check_text(proposed: HypothesisProposed) -> Outcome | None:
    gates = open_gates(CriticSettings())
    return asyncio.run(gates.check_text(Evaluation(proposed))).outcome


def with_texts(proposed: HypothesisProposed, **texts: str) -> HypothesisProposed:
    assert proposed.synthesis is not None
    synthesis: Synthesis = proposed.synthesis.model_copy(update=texts)
    return proposed.model_copy(update={"synthesis": synthesis})


def test_a_sound_hypothesis_passes(proposed: HypothesisProposed) -> None:
    assert check_text(proposed) is None


def test_an_abstention_keeps_its_reason(abstained: HypothesisProposed) -> None:
    outcome = check_text(abstained)
    assert outcome is not None
    assert (outcome.decision, outcome.reason) == (Decision.ABSTAINED, "abstained")
    assert outcome.explanation == abstained.abstention


def test_what_a_content_filter_refused_is_discarded_in_the_words_of_the_provider(
    abstained: HypothesisProposed,
) -> None:
    outcome = check_text(abstained.model_copy(update={"filtered": "against the policy"}))
    assert outcome is not None
    assert (outcome.decision, outcome.reason) == (Decision.DISCARDED, "filtered")
    assert "against the policy" in outcome.explanation


def test_an_unreadable_answer_is_discarded(abstained: HypothesisProposed) -> None:
    outcome = check_text(abstained.model_copy(update={"unreadable": "hm"}))
    assert outcome is not None
    assert (outcome.decision, outcome.reason) == (Decision.DISCARDED, "unreadable")


@pytest.mark.parametrize("field", ["hypothesis", "implication"])
def test_a_text_of_five_words_is_too_short_and_one_of_six_is_not(
    proposed: HypothesisProposed, field: str
) -> None:
    outcome = check_text(with_texts(proposed, **{field: "only five words stand here"}))
    assert outcome is not None
    assert (outcome.decision, outcome.reason) == (Decision.DISCARDED, "malformed")
    assert field in outcome.explanation
    assert check_text(with_texts(proposed, **{field: "but now six words stand here"})) is None


def test_a_title_may_be_one_word_but_not_none(proposed: HypothesisProposed) -> None:
    assert check_text(with_texts(proposed, title="Trails")) is None
    outcome = check_text(with_texts(proposed, title=""))
    assert outcome is not None
    assert "title" in outcome.explanation


@pytest.mark.parametrize("field", ["hypothesis", "implication"])
def test_a_text_that_loops_is_discarded(proposed: HypothesisProposed, field: str) -> None:
    loop = "the ants follow the trail and " * 12
    outcome = check_text(with_texts(proposed, **{field: loop}))
    assert outcome is not None
    assert outcome.reason == "repetitive"
    assert field in outcome.explanation


def test_repeating_one_of_the_two_facts_in_the_same_words_is_copied(
    proposed: HypothesisProposed,
) -> None:
    for fact in (proposed.pair.first, proposed.pair.second):
        outcome = check_text(with_texts(proposed, hypothesis=fact.text))
        assert outcome is not None
        assert outcome.reason == "copied"
        assert outcome.nearest is not None
        assert outcome.nearest.id == fact.fact_id


def test_quoting_half_of_a_fact_within_something_new_is_allowed(
    proposed: HypothesisProposed,
) -> None:
    half = " ".join(proposed.pair.first.text.split()[:9])
    addition = (
        "and a sender that loses packets for the same reason ought to forget its rate likewise."
    )
    assert check_text(with_texts(proposed, hypothesis=f"{half}, {addition}")) is None


@pytest.mark.parametrize(
    "text", ["no " * 60, "a b c d e f g h i j " * 20, "and so on and on " * 9, PLAIN * 6]
)
def test_loops_are_repetitive(text: str) -> None:
    assert is_repetitive(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "short",
        PLAIN,
        f"{PLAIN} {PLAIN[:90]}",
        "To be, or not to be, that is the question: whether 'tis nobler in the mind to suffer the"
        " slings and arrows of outrageous fortune.",
        "蚂蚁沿着信息素的小径行走,而数据包沿着网络的链路行走;两者都在没有全局视野的情况下分享稀缺的通道。",
    ],
)
def test_plain_texts_are_not_repetitive(text: str) -> None:
    assert not is_repetitive(text)


def test_case_and_punctuation_do_not_hide_a_copy() -> None:
    fact = "Ants find food, then lay a trail that evaporates"
    assert is_copied("ANTS find food; then, lay a trail!", fact)
    assert not is_copied("Ants lay food on a trail and then find it", fact)


def matches(
    *own: float,
    nearest: float | None = None,
    median: float = 0.0,
    baseline: SimilarityScale | None = None,
) -> NearestMatches:
    own_facts = tuple(
        NearestMatch(kind="fact", id=f"own {number}", text="t", similarity=cosine)
        for number, cosine in enumerate(own)
    )
    other = nearest is not None and NearestMatch(
        kind="insight", id="near", text="t", similarity=nearest
    )
    return NearestMatches(
        own_facts=own_facts,
        nearest=other or None,
        unrelated_median=median,
        embedding_model="m",
        similarity_baseline=baseline,
    )


FIXED = CriticSettings(duplicate_similarity=0.8, restatement_similarity=0.9)


def check_memory(
    similar: NearestMatches,
    proposed: HypothesisProposed | None = None,
    settings: CriticSettings = FIXED,
) -> Outcome | None:
    gates = open_gates(settings)
    evaluation = Evaluation(proposed or hypothesis(), matches=similar)
    return asyncio.run(gates.check_memory(evaluation)).outcome


@pytest.mark.parametrize(
    ("similar", "reason"),
    [
        (matches(), None),
        (matches(0.1, 0.2, nearest=0.3), None),
        (matches(nearest=0.8), "duplicate"),
        (matches(nearest=0.79), None),
        (matches(0.1, 0.9), "restatement"),
        (matches(0.1, 0.89), None),
        (matches(0.95, nearest=0.95), "restatement"),
        (matches(nearest=0.8, median=0.5), None),  # 0.6 of the way from unrelated to the same
        (matches(nearest=0.9, median=0.5), "duplicate"),
        (matches(nearest=1.0, median=1.0), None),  # a memory of equal texts tells nothing
    ],
)
def test_similarity_is_measured_from_unrelated_facts_to_the_same_text(
    similar: NearestMatches, reason: str | None
) -> None:
    outcome = check_memory(similar)
    assert (outcome and outcome.reason) == reason


def test_a_duplicate_names_what_is_known() -> None:
    outcome = check_memory(matches(nearest=0.9))
    assert outcome is not None
    assert outcome.decision is Decision.DUPLICATE
    assert outcome.nearest is not None
    assert outcome.nearest.id == "near"
    assert "insight" in outcome.explanation


def test_a_restatement_names_the_more_similar_of_the_two_facts() -> None:
    outcome = check_memory(matches(0.93, 0.97))
    assert outcome is not None
    assert outcome.nearest is not None
    assert outcome.nearest.id == "own 1"


def reason_by_baseline(
    cosine: float, baseline: SimilarityScale | None, *, median: float = 0.0, own: bool = False
) -> str | None:
    """Return what stops a hypothesis with this cosine if no similarity is set."""
    if own:
        similar = matches(cosine, median=median, baseline=baseline)
    else:
        similar = matches(nearest=cosine, median=median, baseline=baseline)
    outcome = check_memory(similar, settings=CriticSettings(same_false_share=0.05))
    return outcome.reason if outcome else None


def test_what_counts_as_known_follows_from_the_baseline_of_the_embedding_model() -> None:
    wide = SimilarityScale(mean=0.6, deviation=0.1, pairs=30)
    threshold = 0.6 + 1.645 * 0.1
    assert reason_by_baseline(threshold - 0.01, wide) is None
    assert reason_by_baseline(threshold + 0.01, wide) == "duplicate"
    assert reason_by_baseline(threshold - 0.01, wide, own=True) is None
    assert reason_by_baseline(threshold + 0.01, wide, own=True) == "restatement"
    squeezed = SimilarityScale(mean=0.92, deviation=0.02, pairs=30)
    assert reason_by_baseline(0.94, squeezed, median=0.8) is None
    assert reason_by_baseline(0.96, squeezed, median=0.8) == "duplicate"


def test_the_same_text_is_a_duplicate_whatever_the_baseline_says() -> None:
    baseline = SimilarityScale(mean=0.95, deviation=0.2, pairs=30)
    assert reason_by_baseline(0.999, baseline) == "duplicate"


def test_until_the_embedding_model_is_measured_fixed_thresholds_hold() -> None:
    assert [reason_by_baseline(cosine, None) for cosine in (0.84, 0.86)] == [None, "duplicate"]
    assert [reason_by_baseline(cosine, None, own=True) for cosine in (0.91, 0.93)] == [
        None,
        "restatement",
    ]


def test_canaries_and_new_rounds_are_not_compared_with_memory() -> None:
    canary = with_pair(hypothesis(), canary="bridge")
    again = hypothesis().model_copy(update={"round": 2})
    for proposed in (canary, again):
        assert check_memory(matches(nearest=1.0), proposed) is None
