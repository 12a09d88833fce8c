"""The free gates: each by an example that it stops and a near miss that it lets through."""

from __future__ import annotations

import pytest

from daydream_contracts.events import Decision, HypothesisProposed, NearestMatch, Synthesis
from daydream_contracts.rpc import NearestMatches, SimilarityScale
from daydream_critic.pipeline.gates import check_memory, check_text, copied, repetitive

PLAIN = (
    "Where many draw on a way that none of them can see as a whole, those who speed up slowly and slow down at once share it fairly. "
    "The same arithmetic should therefore govern branching trails, river locks and the queues before a customs office."
)


def with_texts(
    proposed: HypothesisProposed, synthesis: Synthesis, **texts: str
) -> HypothesisProposed:
    return proposed.model_copy(update={"synthesis": synthesis.model_copy(update=texts)})


def test_a_sound_hypothesis_passes(proposed: HypothesisProposed) -> None:
    assert check_text(proposed) is None


def test_an_abstention_is_no_fault_and_keeps_its_reason(abstained: HypothesisProposed) -> None:
    stopped = check_text(abstained)
    assert stopped is not None
    assert (stopped.decision, stopped.reason, stopped.explanation) == (
        Decision.ABSTAINED,
        "abstained",
        abstained.abstention,
    )


def test_an_answer_that_could_not_be_read_is_discarded(abstained: HypothesisProposed) -> None:
    stopped = check_text(abstained.model_copy(update={"unreadable": "hm"}))
    assert stopped is not None
    assert (stopped.decision, stopped.reason) == (Decision.DISCARDED, "unreadable")


@pytest.mark.parametrize("field", ["hypothesis", "implication"])
def test_a_text_of_five_words_can_not_be_judged_and_one_of_six_can(
    proposed: HypothesisProposed, synthesis: Synthesis, field: str
) -> None:
    stopped = check_text(with_texts(proposed, synthesis, **{field: "only five words stand here"}))
    assert stopped is not None
    assert (stopped.decision, stopped.reason) == (Decision.DISCARDED, "malformed")
    assert field in stopped.explanation
    assert (
        check_text(with_texts(proposed, synthesis, **{field: "but now six words stand here"}))
        is None
    )


def test_a_title_may_be_one_word_but_not_none(
    proposed: HypothesisProposed, synthesis: Synthesis
) -> None:
    assert check_text(with_texts(proposed, synthesis, title="Trails")) is None
    stopped = check_text(with_texts(proposed, synthesis, title=""))
    assert stopped is not None
    assert "title" in stopped.explanation


@pytest.mark.parametrize("field", ["hypothesis", "implication"])
def test_a_text_that_loops_is_discarded(
    proposed: HypothesisProposed, synthesis: Synthesis, field: str
) -> None:
    stopped = check_text(
        with_texts(proposed, synthesis, **{field: "the ants follow the trail and " * 12})
    )
    assert stopped is not None
    assert stopped.reason == "repetitive"
    assert field in stopped.explanation


def test_saying_one_of_the_two_facts_in_its_own_words_is_no_finding(
    proposed: HypothesisProposed, synthesis: Synthesis
) -> None:
    for fact in (proposed.pair.first, proposed.pair.second):
        stopped = check_text(with_texts(proposed, synthesis, hypothesis=fact.text))
        assert stopped is not None
        assert stopped.reason == "restatement"
        assert stopped.nearest is not None
        assert stopped.nearest.id == fact.fact_id


def test_quoting_half_of_a_fact_on_the_way_to_something_new_is_allowed(
    proposed: HypothesisProposed, synthesis: Synthesis
) -> None:
    half = " ".join(proposed.pair.first.text.split()[:9])
    assert (
        check_text(
            with_texts(
                proposed,
                synthesis,
                hypothesis=f"{half}, and a sender that loses packets for the same reason ought to forget its rate likewise.",
            )
        )
        is None
    )


@pytest.mark.parametrize(
    "text", ["no " * 60, "a b c d e f g h i j " * 20, "and so on and on " * 9, PLAIN * 6]
)
def test_loops_are_seen(text: str) -> None:
    assert repetitive(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "short",
        PLAIN,
        f"{PLAIN} {PLAIN[:90]}",
        "To be, or not to be, that is the question: whether 'tis nobler in the mind to suffer the slings and arrows of outrageous fortune.",
        "蚂蚁沿着信息素的小径行走,而数据包沿着网络的链路行走;两者都在没有全局视野的情况下分享稀缺的通道。",
    ],
)
def test_plain_texts_are_no_loops(text: str) -> None:
    assert not repetitive(text)


def test_case_and_punctuation_do_not_hide_a_copy() -> None:
    assert copied(
        "ANTS find food; then, lay a trail!", "Ants find food, then lay a trail that evaporates"
    )
    assert not copied(
        "Ants lay food on a trail and then find it",
        "Ants find food, then lay a trail that evaporates",
    )


def known(*own: float, nearest: float | None = None, median: float = 0.0) -> NearestMatches:
    return NearestMatches(
        own_facts=tuple(
            NearestMatch(what="fact", id=f"own {at}", text="t", similarity=cosine)
            for at, cosine in enumerate(own)
        ),
        nearest=None
        if nearest is None
        else NearestMatch(what="insight", id="near", text="t", similarity=nearest),
        unrelated_median=median,
        embedding_model="m",
    )


def stopped_by(neighbours: NearestMatches) -> str | None:
    stopped = check_memory(
        neighbours, duplicate_similarity=0.8, restatement_similarity=0.9, same_false_share=0.05
    )
    return stopped.reason if stopped else None


@pytest.mark.parametrize(
    ("neighbours", "reason"),
    [
        (known(), None),
        (known(0.1, 0.2, nearest=0.3), None),
        (known(nearest=0.8), "duplicate"),
        (known(nearest=0.79), None),
        (known(0.1, 0.9), "restatement"),
        (known(0.1, 0.89), None),
        (known(0.95, nearest=0.95), "restatement"),
        (known(nearest=0.8, median=0.5), None),  # 0.6 of the way from unrelated to the same
        (known(nearest=0.9, median=0.5), "duplicate"),
        (known(nearest=1.0, median=1.0), None),  # a memory in which all is the same tells nothing
    ],
)
def test_nearness_is_measured_from_unrelated_to_the_same_text(
    neighbours: NearestMatches, reason: str | None
) -> None:
    assert stopped_by(neighbours) == reason


def test_a_duplicate_names_what_was_known_already() -> None:
    stopped = check_memory(
        known(nearest=0.9),
        duplicate_similarity=0.8,
        restatement_similarity=0.9,
        same_false_share=0.05,
    )
    assert stopped is not None
    assert stopped.decision is Decision.DUPLICATE
    assert stopped.nearest is not None
    assert stopped.nearest.id == "near"
    assert "insight" in stopped.explanation


def test_a_restatement_names_the_nearer_of_the_two_facts() -> None:
    stopped = check_memory(
        known(0.93, 0.97),
        duplicate_similarity=0.8,
        restatement_similarity=0.9,
        same_false_share=0.05,
    )
    assert stopped is not None
    assert stopped.nearest is not None
    assert stopped.nearest.id == "own 1"


def reason_by(
    cosine: float, likeness: SimilarityScale | None, *, median: float = 0.0, own: bool = False
) -> str | None:
    """What stops a hypothesis with this cosine where nobody has set a nearness."""
    neighbours = (
        known(cosine, median=median) if own else known(nearest=cosine, median=median)
    ).model_copy(update={"likeness": likeness})
    stopped = check_memory(
        neighbours, duplicate_similarity=None, restatement_similarity=None, same_false_share=0.05
    )
    return stopped.reason if stopped else None


def test_what_counts_as_known_is_what_few_different_claims_reach_under_this_embedding_model() -> (
    None
):
    wide, squeezed = (
        SimilarityScale(mean=0.6, deviation=0.1, pairs=30),
        SimilarityScale(mean=0.92, deviation=0.02, pairs=30),
    )
    line = 0.6 + 1.645 * 0.1
    assert (reason_by(line - 0.01, wide), reason_by(line + 0.01, wide)) == (None, "duplicate")
    assert (reason_by(line - 0.01, wide, own=True), reason_by(line + 0.01, wide, own=True)) == (
        None,
        "restatement",
    )
    assert (reason_by(0.94, squeezed, median=0.8), reason_by(0.96, squeezed, median=0.8)) == (
        None,
        "duplicate",
    )
    assert reason_by(0.999, SimilarityScale(mean=0.95, deviation=0.2, pairs=30)) == "duplicate"


def test_until_the_embedding_model_is_measured_fixed_bounds_hold() -> None:
    assert [reason_by(cosine, None) for cosine in (0.84, 0.86)] == [None, "duplicate"]
    assert [reason_by(cosine, None, own=True) for cosine in (0.91, 0.93)] == [None, "restatement"]
