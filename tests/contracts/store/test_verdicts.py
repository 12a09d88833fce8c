"""Verdicts and reviews in every store."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from daydream_contracts.events import (
    Decision,
    FactKind,
    OutcomeRecorded,
    ReviewEffect,
    ReviewRecorded,
    TrialResult,
)
from daydream_contracts.rpc import ListVerdicts
from daydream_memory.store import Store
from support.reopenable import Reopenable
from support.store_cases import (
    add_active_facts,
    embed,
    insight,
    verdict,
    verdict_on,
)


async def test_a_verdict_is_stored_unchanged_and_once(store: Store) -> None:
    reached = verdict("a")
    for _ in range(2):
        await store.verdicts.add(reached, embed("hypothesis a"), None)
    assert await store.verdicts.page(ListVerdicts(promoted_only=False, limit=10, offset=0)) == (
        [reached],
        1,
    )
    counts = await store.maintenance.counts()
    assert (counts.verdicts, counts.judged, counts.decisions) == (1, 1, {"discarded": 1})


async def test_a_verdict_without_a_hypothesis_is_stored(store: Store) -> None:
    abstained = verdict("a", Decision.ABSTAINED, judgements=())
    abstained = abstained.model_copy(
        update={
            "hypothesis": abstained.hypothesis.model_copy(
                update={"synthesis": None, "abstention": "no link"}
            )
        }
    )
    await store.verdicts.add(abstained, None, None)
    assert (await store.verdicts.page(ListVerdicts(promoted_only=False, limit=10, offset=0)))[
        0
    ] == [abstained]
    assert (await store.maintenance.counts()).judged == 0
    assert await store.verdicts.nearest_hypothesis(embed("anything"), "") is None


async def test_pages_of_verdicts_are_newest_first_and_have_the_total(store: Store) -> None:
    for name in "abcd":
        await store.verdicts.add(
            verdict(name, Decision.PROMOTED if name in "bd" else Decision.DISCARDED), None, None
        )
    page, total = await store.verdicts.page(ListVerdicts(promoted_only=False, limit=2, offset=1))
    assert ([listed.verdict_id for listed in page], total) == (["verdict c", "verdict b"], 4)
    page, total = await store.verdicts.page(ListVerdicts(promoted_only=True, limit=10, offset=0))
    assert ([listed.verdict_id for listed in page], total) == (["verdict d", "verdict b"], 2)


async def test_a_promoted_verdict_makes_its_insight_an_active_fact(store: Store) -> None:
    await add_active_facts(store, "one", "two")
    new, vector = insight("new", "id one", "id two")
    for _ in range(2):
        await store.verdicts.add(verdict("a", Decision.PROMOTED), vector, (new, vector))
    stored = await store.facts.fact_at(2)
    assert stored is not None
    assert (stored.fact.fact_id, stored.fact.kind, stored.fact.depth) == (
        "insight new",
        FactKind.INSIGHT,
        1,
    )
    counts = await store.maintenance.counts()
    assert (counts.facts, counts.insights, counts.facts_pending) == (3, 1, 0)


async def test_a_hypothesis_that_is_judged_again_is_pending_review_once(store: Store) -> None:
    again = {"verdict_id": "verdict a, round 2", "round": 2}
    await store.verdicts.add(verdict("a", Decision.PROMOTED), None, None)
    await store.verdicts.add(verdict("a", Decision.PROMOTED).model_copy(update=again), None, None)
    await store.verdicts.add(verdict("b"), None, None)
    await store.verdicts.add(
        verdict("b", Decision.PROMOTED).model_copy(
            update={**again, "verdict_id": "verdict b, round 2"}
        ),
        None,
        None,
    )
    page, total = await store.verdicts.page(ListVerdicts(quarantined_only=True))
    assert ({listed.verdict_id for listed in page}, total) == (
        {"verdict a", "verdict b, round 2"},
        2,
    )
    assert (await store.maintenance.counts()).quarantined == 2


async def test_an_accepted_hypothesis_counts_as_promoted_whatever_the_models_decided(
    store: Store,
) -> None:
    await store.verdicts.add(verdict("a", Decision.REFUTED), None, None)
    review = ReviewRecorded(
        verdict_id="verdict a",
        accepted=True,
        who="ada",
        recorded_at=datetime(2026, 1, 1, tzinfo=UTC),
    )
    await store.verdicts.add_review(review, insight("a"))
    counts = await store.maintenance.counts()
    assert (counts.decisions, counts.insights, counts.quarantined) == ({"promoted": 1}, 1, 0)
    (kept,), total = await store.verdicts.page(ListVerdicts(promoted_only=True))
    assert (kept.decision, total) == (Decision.REFUTED, 1)


async def test_an_undone_acceptance_leaves_the_verdict_as_the_models_decided(
    store: Store,
) -> None:
    def opinion(name: str, *, minute: int, **fields: Any) -> ReviewRecorded:
        at = datetime(2026, 1, 1, 0, minute, tzinfo=UTC)
        return ReviewRecorded(verdict_id=f"verdict {name}", who="ada", recorded_at=at, **fields)

    for name, decision in {"a": Decision.PROMOTED, "b": Decision.REFUTED}.items():
        await store.verdicts.add(verdict(name, decision), None, None)
        await store.verdicts.add_review(opinion(name, minute=1, accepted=True), insight(name))
        undo = opinion(name, minute=2, accepted=None, effect=ReviewEffect.WITHDRAWN)
        for _ in range(2):
            await store.verdicts.add_review(undo, None)
    counts = await store.maintenance.counts()
    assert (counts.decisions, counts.quarantined) == ({"promoted": 1, "refuted": 1}, 1)
    status = await store.verdicts.review_status(["verdict a", "verdict b"])
    assert ([review.accepted for review in status.reviews].count(None), status.pending) == (
        2,
        ("verdict a",),
    )


async def test_outcomes_are_stored_once_and_returned_oldest_first(
    store: Store, opened: Reopenable
) -> None:
    await store.verdicts.add(verdict("a"), None, None)
    outcomes = [
        OutcomeRecorded(
            verdict_id="verdict a",
            result=result,
            who="ada",
            recorded_at=datetime(2026, 1, day, tzinfo=UTC),
        )
        for day, result in enumerate((TrialResult.INCONCLUSIVE, TrialResult.CONFIRMED), 1)
    ]
    for outcome in (*outcomes, outcomes[0]):
        await store.verdicts.add_outcome(outcome)
    again = await opened.reopen()
    status = await again.verdicts.review_status(["verdict a", "verdict b"])
    assert sorted(status.outcomes, key=lambda outcome: outcome.recorded_at) == outcomes


async def test_a_verdict_and_its_insight_are_stored_both_or_not_at_all(
    store: Store, opened: Reopenable
) -> None:
    new, vector = insight("new")
    broken: Any = None
    with pytest.raises(Exception):  # noqa: B017, PT011
        await store.verdicts.add(verdict("a", Decision.PROMOTED), vector, (new, broken))
    counts = await store.maintenance.counts()
    assert (counts.verdicts, counts.facts, counts.facts_pending) == (0, 0, 0)
    assert await (await opened.reopen()).maintenance.counts() == counts


async def test_judged_pairs_are_listed_by_the_ordinals_of_their_facts(store: Store) -> None:
    await add_active_facts(store, "one", "two", "three")
    first, second, third = await store.facts.get(["id one", "id two", "id three"])
    unknown = first.model_copy(update={"fact_id": "nobody"})
    for name, pair in {"a": (first, second), "b": (unknown, second), "c": (third, first)}.items():
        await store.verdicts.add(verdict_on(name, *pair), embed(name), None)
    pairs, following = await store.verdicts.judged_pairs(0, 2)
    assert (pairs, following is None) == ([(0, 1)], False)
    assert await store.verdicts.judged_pairs(following or 0, 2) == ([(2, 0)], None)
