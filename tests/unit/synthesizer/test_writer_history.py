"""Which writer writes next: by insights per dollar, with a floor."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import pytest

from daydream_contracts.events import Aggregation, Decision, Rule, VerdictReached
from daydream_synthesizer.writer_history import (
    HYPOTHESES_MAX,
    WriterHistory,
    WriterStats,
    choose,
    shares,
)
from support.writer_fakes import verdict

NANOUSD = 1_000_000_000


def history(*records: tuple[str, int, int, float]) -> WriterHistory:
    """Return a history of (writer, hypotheses, promoted, dollars)."""
    return WriterHistory(
        writers={
            name: WriterStats(hypotheses=count, promoted=promoted, cost_nanousd=int(usd * NANOUSD))
            for name, count, promoted, usd in records
        }
    )


def count_choices(
    names: Sequence[str], known: WriterHistory, floor: float = 0.0, draws: int = 1000
) -> Counter[str]:
    return Counter(choose(names, known, floor=floor, seed=str(draw)) for draw in range(draws))


def canary_verdict(number: int) -> VerdictReached:
    plain = verdict(number)
    pair = plain.hypothesis.pair.model_copy(update={"canary": "decoy"})
    proposed = plain.hypothesis.model_copy(update={"pair": pair})
    return plain.model_copy(update={"hypothesis": proposed})


def test_without_a_history_all_write_about_equally_often() -> None:
    choices = count_choices(["a", "b", "c"], WriterHistory())
    assert all(250 < choices[name] < 420 for name in ("a", "b", "c"))


def test_more_insights_per_dollar_mean_more_hypotheses() -> None:
    same_rate_half_the_price = history(("costly", 400, 12, 4.0), ("cheap", 400, 12, 2.0))
    assert count_choices(["costly", "cheap"], same_rate_half_the_price)["cheap"] > 900
    costly_but_far_better = history(("costly", 400, 40, 4.0), ("cheap", 400, 4, 1.0))
    assert count_choices(["costly", "cheap"], costly_but_far_better)["costly"] > 900


def test_the_floor_goes_to_all_evenly() -> None:
    certain = history(("good", 5000, 500, 5.0), ("bad", 5000, 0, 5.0))
    assert count_choices(["good", "bad"], certain)["bad"] == 0
    assert 60 < count_choices(["good", "bad"], certain, floor=0.2)["bad"] < 140
    assert shares(["good", "bad"], certain, floor=0.2)["bad"] == pytest.approx(0.1, abs=0.05)


def test_a_new_writer_gets_its_chance() -> None:
    assert count_choices(["old", "new"], history(("old", 200, 4, 2.0)))["new"] > 200


def test_free_writers_differ_by_their_insights() -> None:
    free = history(("good", 300, 30, 0), ("bad", 300, 0, 0))
    assert count_choices(["good", "bad"], free)["good"] > 900


def test_the_same_history_gives_the_same_writer() -> None:
    known = history(("a", 10, 1, 0.1), ("b", 10, 1, 0.1))
    choices = {choose(["a", "b"], known, floor=0.1, seed="s") for _ in range(6)}
    assert len(choices) == 1


def test_only_final_first_round_verdicts_with_a_writer_count_and_each_once() -> None:
    known = WriterHistory()
    verdicts = (
        verdict(1, Decision.PROMOTED, cost=7),
        verdict(2, cost=5),
        verdict(3, Decision.DEFERRED, final=False),
        verdict(4, round=2),
        canary_verdict(5),
        verdict(6, writer=""),
    )
    for sequence, reached in enumerate(verdicts, 1):
        known.add(sequence, reached)
        known.add(sequence, reached)
    assert known.writers == {"gpt-5-mini": WriterStats(hypotheses=2, promoted=1, cost_nanousd=12)}
    assert known.sequence == len(verdicts)


def test_above_the_maximum_half_of_a_record_is_forgotten() -> None:
    full = WriterStats(hypotheses=HYPOTHESES_MAX, promoted=100, cost_nanousd=10**9)
    known = WriterHistory(writers={"gpt-5-mini": full})
    known.add(100, verdict(7, cost=2))
    assert known.of("gpt-5-mini") == WriterStats(
        hypotheses=HYPOTHESES_MAX // 2, promoted=50, cost_nanousd=(10**9 + 2) // 2
    )


def under_rule(number: int, rule: Rule, *, promoted: bool, plan: str = "full") -> VerdictReached:
    plain = verdict(number, Decision.PROMOTED if promoted else Decision.DISCARDED)
    pair = plain.hypothesis.pair.model_copy(update={"plan": plan})
    proposed = plain.hypothesis.model_copy(update={"pair": pair})
    return plain.model_copy(update={"hypothesis": proposed, "aggregation": Aggregation(rule=rule)})


def test_records_begin_again_with_another_rule_for_the_choice_too() -> None:
    known = WriterHistory()
    rows = [under_rule(number, "score", promoted=True) for number in range(5)]
    rows += [under_rule(5, "quota", promoted=False), under_rule(6, "quota", promoted=True)]
    rows += [under_rule(7, "score", promoted=True, plan="short")]
    for sequence, row in enumerate(rows, 1):
        known.add(sequence, row)
    now = known.of("gpt-5-mini")
    assert (known.rule, now.hypotheses, now.promoted) == ("quota", 3, 2)
    assert known.of("unknown") == WriterStats()


def test_insights_under_an_earlier_rule_give_no_advantage() -> None:
    known = WriterHistory()
    rows = [under_rule(number, "score", promoted=True) for number in range(200)]
    rows += [under_rule(200, "quota", promoted=False)]
    for sequence, row in enumerate(rows, 1):
        known.add(sequence, row)
    assert 300 < count_choices(["gpt-5-mini", "new"], known)["new"] < 700
