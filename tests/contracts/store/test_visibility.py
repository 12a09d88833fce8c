"""Retracted and reinstated facts in every store."""

from __future__ import annotations

from datetime import timedelta

import pytest

from daydream_contracts.events import Decision
from daydream_memory.store import Store, VisibilityChange
from support.reopenable import Reopenable
from support.store_cases import (
    NOW,
    add_active_facts,
    add_family,
    insight,
    texts_near,
    verdict,
)


@pytest.mark.fault("F24", invariant="a hidden fact is hidden with what descends from it")
async def test_retracting_and_reinstating_a_fact_includes_its_descendants(
    store: Store, opened: Reopenable
) -> None:
    await add_family(store)
    for _ in range(2):
        changed = await store.visibility.retract(["id one"], NOW)
        assert [fact.fact_id for fact in changed.hidden] == [
            "id one",
            "insight high",
            "insight low",
        ]
    again = await opened.reopen()
    assert await texts_near(again, "one") == {"two", "three"}
    assert (await again.maintenance.counts()).insights == 0
    for _ in range(2):
        changed = await again.visibility.reinstate(["id one"], NOW)
        assert [fact.fact_id for fact in changed.active] == [
            "id one",
            "insight high",
            "insight low",
        ]
    assert (await again.maintenance.counts()).hidden == 0


async def test_a_fact_retracted_for_two_causes_is_reinstated_with_the_last(
    store: Store,
) -> None:
    await add_family(store)
    await store.visibility.retract(["insight low"], NOW)
    await store.visibility.retract(["id one"], NOW)
    assert [
        fact.fact_id for fact in (await store.visibility.reinstate(["id one"], NOW)).hidden
    ] == [
        "insight high",
        "insight low",
    ]
    assert [
        fact.fact_id for fact in (await store.visibility.reinstate(["insight low"], NOW)).active
    ] == [
        "insight high",
        "insight low",
    ]


@pytest.mark.fault(
    "F9 F24", invariant="decisions that arrive out of order have the effect of the latest"
)
async def test_the_latest_decision_on_a_fact_counts_however_late_an_earlier_one_arrives(
    store: Store,
) -> None:
    await add_active_facts(store, "one", "two")
    hour = timedelta(hours=1)
    await store.visibility.reinstate(["id one"], NOW + hour)
    assert await store.visibility.retract(["id one"], NOW) == VisibilityChange()
    assert await texts_near(store, "one") == {"one", "two"}
    await store.visibility.retract(["id one"], NOW + 2 * hour)
    await store.visibility.reinstate(["id one"], NOW + hour)
    assert await texts_near(store, "one") == {"two"}


async def test_a_later_insight_inherits_the_retraction_of_its_parents(
    store: Store,
) -> None:
    await add_active_facts(store, "one", "two")
    await store.visibility.retract(["id one"], NOW)
    new = insight("late", "id one", "id two")
    await store.verdicts.add(verdict("late", Decision.PROMOTED), new[1], new)
    (visibility,) = await store.visibility.resolve(["insight late"])
    assert (visibility.hidden, visibility.retracted_by, visibility.descendants) == (
        True,
        ("id one",),
        0,
    )
    assert (await store.visibility.resolve(["id one", "nobody"]))[0].descendants == 1


async def test_a_merged_fact_is_hidden_alone_and_what_descends_from_it_stays(
    store: Store, opened: Reopenable
) -> None:
    await add_family(store)
    for _ in range(2):
        changed = await store.visibility.merge(["id one"], NOW)
        assert [fact.fact_id for fact in changed.hidden] == ["id one"]
    late = insight("late", "id one", "id two")
    await store.verdicts.add(verdict("late", Decision.PROMOTED), late[1], late)
    again = await opened.reopen()
    merged, child, late_child = await again.visibility.resolve(
        ["id one", "insight low", "insight late"]
    )
    assert (merged.hidden, merged.merged, merged.retracted_by) == (True, True, ())
    assert (child.hidden, late_child.hidden) == (False, False)
    for _ in range(2):
        changed = await again.visibility.separate(["id one"], NOW)
        assert [fact.fact_id for fact in changed.active] == ["id one"]
    assert (await again.maintenance.counts()).hidden == 0


async def test_a_retracted_fact_stays_hidden_when_its_merge_is_undone(store: Store) -> None:
    await add_active_facts(store, "one", "two")
    await store.visibility.retract(["id one"], NOW)
    await store.visibility.merge(["id one"], NOW - timedelta(hours=1))
    await store.visibility.separate(["id one"], NOW)
    (visibility,) = await store.visibility.resolve(["id one"])
    assert (visibility.hidden, visibility.merged) == (True, False)
