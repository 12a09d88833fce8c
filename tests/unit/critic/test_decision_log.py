"""What goes to the oracle, and that the first decision holds when a message is delivered again."""

from __future__ import annotations

import pytest

from daydream_contracts.events import (
    CandidateNominated,
    Decision,
    HypothesisProposed,
    NearestMatch,
    VerdictReached,
)
from daydream_critic.history.critic_history import CriticHistory
from support.critic import (
    FakeCreatedKeys,
    FakeJudgeModel,
    FakeNearestMemory,
    judge_hypothesis,
    make_critic,
    model_judge,
    with_pair,
)
from support.message_builders import AT, hypothesis

STAGES = ("synthesizer", "critic", "oracle")


def outcome_of(
    score: int,
    proposed: HypothesisProposed,
    bucket: FakeCreatedKeys,
    nearest: NearestMatch | None = None,
) -> VerdictReached | CandidateNominated:
    """Return what a critic publishes whose only judge gives this score."""
    judges = [model_judge(FakeJudgeModel([score]))]
    critic = make_critic(
        judges, CriticHistory(), FakeNearestMemory(nearest=nearest), bucket, promote_by="score"
    )
    return judge_hypothesis(critic, proposed)


def test_what_would_be_promoted_goes_to_the_oracle_if_the_reservation_pays_for_it() -> None:
    proposed = hypothesis()
    paid = with_pair(proposed, stages=STAGES)
    direct = outcome_of(8, proposed, FakeCreatedKeys())
    nominated = outcome_of(8, paid, FakeCreatedKeys())
    assert isinstance(direct, VerdictReached)
    assert (direct.decision, direct.final) == (Decision.PROMOTED, True)
    assert isinstance(nominated, CandidateNominated)
    assert (nominated.verdict.decision, nominated.verdict.final) == (Decision.DEFERRED, False)
    as_if_direct = {
        "decision": Decision.PROMOTED,
        "final": True,
        "hypothesis": proposed,
        "reached_at": AT,
    }
    assert nominated.verdict.model_copy(update=as_if_direct) == direct.model_copy(
        update={"reached_at": AT}
    )
    assert nominated.payer == paid.payer


def test_a_discarded_hypothesis_does_not_go_to_the_oracle() -> None:
    discarded = outcome_of(3, with_pair(hypothesis(), stages=STAGES), FakeCreatedKeys())
    assert isinstance(discarded, VerdictReached)
    assert (discarded.decision, discarded.final) == (Decision.DISCARDED, True)


@pytest.mark.parametrize(("before", "after"), [(8, 3), (3, 8)])
def test_a_second_delivery_comes_to_the_first_decision_whatever_has_changed(
    before: int, after: int
) -> None:
    """Otherwise a hypothesis could get one verdict from the critic and another from the oracle."""
    bucket, proposed = FakeCreatedKeys(), with_pair(hypothesis(), stages=STAGES)
    first = outcome_of(before, proposed, bucket)
    again = outcome_of(after, proposed, bucket)
    assert type(first) is type(again)
    verdicts = [
        outcome.verdict if isinstance(outcome, CandidateNominated) else outcome
        for outcome in (first, again)
    ]
    assert verdicts[0].explanation == verdicts[1].explanation
    assert verdicts[0].decision == verdicts[1].decision


@pytest.mark.parametrize("known_first", [True, False])
def test_texts_that_become_known_between_two_deliveries_change_nothing(known_first: bool) -> None:
    bucket, proposed = FakeCreatedKeys(), with_pair(hypothesis(), stages=STAGES)
    twin = NearestMatch(kind="hypothesis", id="twin", text="the same", similarity=1.0)
    first = outcome_of(8, proposed, bucket, twin if known_first else None)
    again = outcome_of(8, proposed, bucket, None if known_first else twin)
    nominated = [isinstance(outcome, CandidateNominated) for outcome in (first, again)]
    assert nominated == [not known_first] * 2
    if isinstance(again, VerdictReached):
        assert (again.decision, again.judgements) == (Decision.DUPLICATE, ())
