"""From a record to the table: what counts as good, and which intervals hold a known ratio."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from daydream_console.bench.arms import FULL_ARM, PLAIN_ARM
from daydream_console.bench.controls import controls_of
from daydream_console.bench.corpus import load_corpus
from daydream_console.bench.outcome import BenchOutcome, assess, covers
from daydream_console.bench.questions import BenchQuestion, recorded
from daydream_console.bench.record import (
    BenchRecord,
    RecordedDaydream,
    read_record,
    write_record,
)
from daydream_contracts.errors import ConfigurationError
from support.planted_bench import FakeMatchingJudge, PlantedWorld, daydream_on, planted_record

CORPUS = load_corpus()
BRIDGE, OTHER = CORPUS.bridges[0], CORPUS.bridges[1]
RESAMPLES = 200  # few, so that the tests are quick
PERFECT = FakeMatchingJudge(CORPUS)


def record_of(
    plain: list[RecordedDaydream], full: list[RecordedDaydream], runs: int = 1
) -> BenchRecord:
    """Return a record whose arms did exactly this in each run, for a dollar less five percent."""
    empty = planted_record(PlantedWorld(1, reach=0, runs=runs), CORPUS, 0)
    daydreams = {PLAIN_ARM: tuple(plain), FULL_ARM: tuple(full)}
    changed = [
        run.model_copy(update={"daydreams": daydreams[run.arm], "spent_nanousd": 10**9})
        for run in empty.runs
    ]
    return empty.model_copy(update={"runs": tuple(changed)})


def result(record: BenchRecord, judge: FakeMatchingJudge = PERFECT) -> BenchOutcome:
    return asyncio.run(assess(record, CORPUS, judge, resamples=RESAMPLES))


def full_arm(outcome: BenchOutcome) -> tuple[int, int, float]:
    arm = outcome.of(FULL_ARM)
    assert arm is not None
    return arm.promoted, arm.stated, round(arm.good, 1)


def test_only_promoted_hypotheses_that_state_the_link_are_good() -> None:
    daydreams = [
        daydream_on(BRIDGE, right=True),
        daydream_on(OTHER, right=False),
        daydream_on(CORPUS.bridges[2], right=True, decision="discarded"),
        daydream_on(CORPUS.decoys[0], right=False),
    ]
    outcome = result(record_of([], daydreams))
    promoted, stated, good = full_arm(outcome)
    assert (promoted, stated) == (3, 2)
    assert 0.9 <= good <= 1.1
    arm = outcome.of(FULL_ARM)
    assert arm is not None
    assert (arm.decoys_drawn, arm.decoys_promoted) == (1, 1)
    assert arm.precision.value == pytest.approx(arm.good / 3)


def test_a_bridge_counts_once_per_run_however_often_it_is_found() -> None:
    again = [daydream_on(BRIDGE, right=True, serial=str(number)) for number in range(5)]
    assert full_arm(result(record_of([], again)))[2] == pytest.approx(1, abs=0.1)
    assert full_arm(result(record_of([], again, runs=3)))[2] == pytest.approx(3, abs=0.2)


def test_a_bridge_that_one_side_alone_yields_counts_for_no_arm() -> None:
    daydreams = [daydream_on(BRIDGE, right=True), daydream_on(OTHER, right=True)]
    for note in controls_of(BRIDGE):
        judge = FakeMatchingJudge(CORPUS, known_alone=frozenset({note.split("\n")[-1]}))
        outcome = result(record_of(daydreams[:1], daydreams), judge)
        assert outcome.excluded == (BRIDGE.name,)
        assert full_arm(outcome)[2] == pytest.approx(1, abs=0.1)
        plain = outcome.of(PLAIN_ARM)
        assert plain is not None
        assert plain.good == 0


def test_a_hypothesis_covers_what_its_facts_together_descend_from_and_not_each_alone() -> None:
    first, second, third = BRIDGE.first.note_id, BRIDGE.second.note_id, OTHER.first.note_id
    direct = daydream_on(BRIDGE, right=True)
    by_an_insight = direct.model_copy(
        update={"notes": (first, second, third), "parents": ((first, third), (second,))}
    )
    known_before = by_an_insight.model_copy(update={"parents": ((first, second), (third,))})
    assert covers(direct, BRIDGE)
    assert covers(by_an_insight, BRIDGE)
    assert not covers(known_before, BRIDGE)
    assert not covers(direct, OTHER)


def test_the_rates_are_corrected_for_a_judge_that_errs() -> None:
    wrong = [daydream_on(bridge, right=False) for bridge in CORPUS.bridges]
    sloppy = FakeMatchingJudge(CORPUS, sensitivity=0.9, specificity=0.7, seed=3)
    promoted, stated, good = full_arm(result(record_of([], wrong), sloppy))
    assert promoted == 60
    assert stated > 10, "it takes many for the link"
    assert good < 7, "and they are taken off again"


def test_a_judge_that_can_not_tell_is_not_corrected_by() -> None:
    coin = FakeMatchingJudge(CORPUS, sensitivity=0.5, specificity=0.5)
    outcome = result(record_of([], [daydream_on(BRIDGE, right=True)]), coin)
    assert outcome.errors is not None
    assert not outcome.errors.can_tell
    assert full_arm(outcome)[2] in (0, 1)


def test_without_a_hypothesis_about_a_bridge_nothing_is_asked() -> None:
    async def refuse(question: BenchQuestion) -> str:
        raise AssertionError(question)

    outcome = asyncio.run(
        assess(record_of([], [daydream_on(CORPUS.decoys[0], right=False)]), CORPUS, refuse)
    )
    assert (outcome.errors, outcome.excluded) == (None, ())
    arm = outcome.of(FULL_ARM)
    assert arm is not None
    assert (arm.good_per_usd.value, arm.usd_per_good) == (0, None)
    assert arm.good_per_usd.high > 0, "no hit is no certainty of zero"


@pytest.mark.parametrize(
    "world", [PlantedWorld(4), PlantedWorld(1, reach=0.1), PlantedWorld(4, runs=3)]
)
def test_the_table_returns_a_planted_ratio_within_its_interval(world: PlantedWorld) -> None:
    ratios = [
        result(
            planted_record(world, CORPUS, seed),
            FakeMatchingJudge(CORPUS, world.sensitivity, world.specificity, seed),
        ).ratio
        for seed in range(4)
    ]
    held = [ratio is not None and ratio.low <= world.ratio <= ratio.high for ratio in ratios]
    assert sum(held) >= 3


def test_a_record_comes_back_from_its_file_and_gives_the_same_table(tmp_path: Path) -> None:
    answers: dict[str, str] = {}

    async def remembered(question: BenchQuestion) -> str:
        answers[question.key(before.model)] = text = await PERFECT(question)
        return text

    before = record_of([daydream_on(OTHER, right=True)], [daydream_on(BRIDGE, right=True)])
    first = asyncio.run(assess(before, CORPUS, remembered))
    for name in ("record.json", "record.json.gz"):
        write_record(before.model_copy(update={"answers": answers}), tmp_path / name)
        read = read_record(tmp_path / name)
        replayed = asyncio.run(assess(read, CORPUS, recorded(read.answers, read.model)))
        assert replayed == first
    assert (tmp_path / "record.json.gz").stat().st_size < (tmp_path / "record.json").stat().st_size


def test_a_record_that_does_not_fit_is_refused(tmp_path: Path) -> None:
    record = record_of([], [daydream_on(BRIDGE, right=True)])
    with pytest.raises(ConfigurationError, match="no answer to a question"):
        asyncio.run(assess(record, CORPUS, recorded({}, record.model)))
    with pytest.raises(ConfigurationError, match="other notes"):
        result(record.model_copy(update={"corpus": "another"}))
    file = tmp_path / "no.json"
    file.write_text("{}")
    with pytest.raises(ConfigurationError, match="no record"):
        read_record(file)
    write_record(record.model_copy(update={"schema_version": 99}), file)
    with pytest.raises(ConfigurationError, match="schema 99"):
        read_record(file)
