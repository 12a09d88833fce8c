"""Which insights a reader's digest holds, and in which order."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from daydream_console.digest.preferences import LOG_ODDS_MAX, ReaderPreferences, preferences_of
from daydream_console.digest.selection import IMPROBABLE, choose, improbable_candidates, ranked
from daydream_contracts.events import LinkKind
from support.digests import reviewed, summary

NO_PREFERENCES = ReaderPreferences()


def titles(order: object) -> list[str]:
    return [insight.title for insight in order]  # type: ignore[attr-defined]


def test_the_order_is_by_worth_and_what_is_not_calibrated_comes_last() -> None:
    insights = [
        summary(1, worth=None, score=9.9),
        summary(2, worth=0.2),
        summary(3, worth=0.8),
        summary(4, worth=None, score=9.0),
    ]
    assert titles(ranked(insights, NO_PREFERENCES)) == [
        "Insight 3",
        "Insight 2",
        "Insight 1",
        "Insight 4",
    ]


def test_what_this_reader_accepted_before_moves_forward() -> None:
    past = [reviewed(n, "ada", accepted=True, kind=LinkKind.METAPHOR) for n in range(6)]
    past += [reviewed(n, "ada", accepted=False, kind=LinkKind.ANALOGY) for n in range(6, 12)]
    analogy, metaphor = summary(20, worth=0.5), summary(21, worth=0.45, kind=LinkKind.METAPHOR)
    preferences = preferences_of("ada", past)
    assert titles(ranked([analogy, metaphor], preferences)) == ["Insight 21", "Insight 20"]
    assert preferences.note(metaphor) == "You accepted 6 of 6 with link metaphor."
    assert titles(ranked([analogy, metaphor], preferences_of("bob", past))) == [
        "Insight 20",
        "Insight 21",
    ]


def test_taste_does_not_replace_worth() -> None:
    past = [reviewed(n, "ada", accepted=True, kind=LinkKind.METAPHOR) for n in range(50)]
    past += [reviewed(n, "ada", accepted=False) for n in range(50, 100)]
    liked, good = summary(1, worth=0.1, kind=LinkKind.METAPHOR), summary(2, worth=0.9)
    assert titles(ranked([liked, good], preferences_of("ada", past)))[0] == "Insight 2"


@given(st.lists(st.tuples(st.sampled_from(list(LinkKind)), st.booleans()), max_size=40))
def test_taste_is_limited(past: list[tuple[LinkKind, bool]]) -> None:
    preferences = preferences_of(
        "ada",
        [reviewed(n, "ada", accepted=yes, kind=kind) for n, (kind, yes) in enumerate(past)],
    )
    assert abs(preferences.log_odds(summary(1))) <= LOG_ODDS_MAX


def test_one_place_is_for_the_improbable() -> None:
    order = [summary(number, worth=0.9 - number / 100) for number in range(30)]
    candidates = improbable_candidates(order, 5)
    similarity = {insight.verdict_id: 0.5 for insight in candidates}
    similarity["verdict-9"] = 0.01
    items = choose(order, 5, NO_PREFERENCES, similarity)
    assert [item.insight.title for item in items] == [
        *(f"Insight {number}" for number in range(4)),
        "Insight 9",
    ]
    assert [item.note for item in items] == ["", "", "", "", IMPROBABLE]


def test_without_a_choice_there_is_no_improbable_place() -> None:
    order = [summary(number) for number in range(5)]
    assert not improbable_candidates(order, 5)
    assert not improbable_candidates(order, 2)
    assert [item.note for item in choose(order, 5, NO_PREFERENCES, {})] == [""] * 5
    assert not choose([], 5, NO_PREFERENCES, {})
    assert not choose(order, 0, NO_PREFERENCES, {})
