"""The table in words: the headline says what can be said, and the page stands alone."""

from __future__ import annotations

import asyncio
import json
import re
from typing import Literal

import pytest

from daydream_console.bench.arms import FULL_ARM
from daydream_console.bench.corpus import load_corpus
from daydream_console.bench.outcome import BenchOutcome, assess
from daydream_console.bench.record import BenchRecord
from daydream_console.bench.report_files import as_json, as_markdown
from daydream_console.bench.report_page import report_page
from daydream_console.bench.wording import COLUMNS, headline, notes
from daydream_contracts.rpc import CalibrationProgress
from support.known_rates import FakeMatchingJudge, KnownRates, record_with_known_rates

CORPUS = load_corpus()
STATES_OF_ARMS: dict[str, Literal["off", "done"]] = {"plain": "off", "daydream": "done"}


def bench(rates: KnownRates, **changes: object) -> tuple[BenchOutcome, BenchRecord]:
    record = record_with_known_rates(rates, CORPUS, 1).model_copy(update=changes)
    return asyncio.run(assess(record, CORPUS, FakeMatchingJudge(CORPUS), resamples=200)), record


@pytest.mark.parametrize(
    ("rates", "changes", "wording"),
    [
        (KnownRates(10, reach=0.05), {}, "daydream found"),
        (KnownRates(0.05, reach=0.6), {}, "daydream found fewer"),
        (KnownRates(1, reach=0.1), {}, "Not decided"),
        (KnownRates(1, reach=0), {}, "No arm found"),
        (KnownRates(10, reach=0.05), {"toy": True}, "toy model, which has no ideas"),
    ],
)
def test_the_headline_says_what_the_interval_allows(
    rates: KnownRates, changes: dict[str, object], wording: str
) -> None:
    assert wording in headline(*bench(rates, **changes))


def test_without_the_plain_arm_nothing_is_compared() -> None:
    outcome, record = bench(KnownRates(2, reach=0.1))
    alone = [run for run in record.runs if run.arm == FULL_ARM]
    changed = record.model_copy(update={"runs": tuple(alone)})
    outcome = asyncio.run(assess(changed, CORPUS, FakeMatchingJudge(CORPUS), resamples=200))
    assert outcome.ratio is None
    assert "run the arms plain and daydream" in headline(outcome, changed)


def test_the_notes_say_how_good_the_comparing_model_is_and_what_dollars_mean() -> None:
    text = "\n".join(notes(*bench(KnownRates(2, reach=0.2), notional=True)))
    assert "recognized 41 of 41, and rejected 41 of 41 others" in text
    assert "the model is free" in text
    assert "plain: the essay" in text


def test_markdown_and_json_have_every_arm_with_what_it_takes_to_run_it_again() -> None:
    outcome, record = bench(KnownRates(2, reach=0.2))
    text = as_markdown(outcome, record)
    rows = [line for line in text.splitlines() if line.startswith(("| plain", "| daydream |"))]
    assert len(rows) >= 2
    assert rows[0].count("|") == len(COLUMNS) + 1
    data = json.loads(json.dumps(as_json(outcome, record)))
    assert [arm["arm"] for arm in data["arms"]] == ["plain", "daydream"]
    assert data["arms"][1]["ratio"]["low"] <= data["arms"][1]["ratio"]["value"]
    assert {"daydream", "model", "price", "corpus"} <= set(data["reproduction"])
    assert "Infinity" not in json.dumps(data)
    assert data["runs"][0]["cap_nanousd"] == 10**9


def test_the_page_is_one_file_with_plots_and_escapes_what_comes_from_outside() -> None:
    outcome, record = bench(KnownRates(5, reach=0.05), model="<script>alert(1)</script>")
    page = report_page(outcome, record)
    assert page.count("<svg") == 3
    assert "<script" not in page
    assert not re.search(r"(src|href)=", page)
    assert not re.search(r"https?://(?!www\.w3\.org/2000/svg)", page)
    for position in re.findall(r'cx="([\d.]+)"', page):
        assert 150 <= float(position) <= 630


def test_the_page_of_a_benchmark_that_found_nothing_has_plots_too() -> None:
    outcome, record = bench(KnownRates(1, reach=0))
    assert "<svg" in report_page(outcome, record)
    assert "nan" not in report_page(outcome, record)


def calibrated(record: BenchRecord, states: dict[str, CalibrationProgress]) -> BenchRecord:
    runs = [run.model_copy(update={"calibration": states.get(run.arm)}) for run in record.runs]
    return record.model_copy(update={"runs": tuple(runs)})


def test_an_uncalibrated_daydream_arm_is_said_plainly() -> None:
    """Its cap was too small for the calibration, so the arm is not what is shipped."""
    refused = CalibrationProgress(state="refused", text="It would take more than 10% of the cap")
    outcome, record = bench(KnownRates(10, reach=0.05))
    changed = calibrated(record, {"daydream": refused})
    assert "ran without calibrated judges" in headline(outcome, changed)
    for text in (as_markdown(outcome, changed), report_page(outcome, changed)):
        assert "daydream: without calibrated judges in its run. It would take more" in text
        assert "not calibrated: too expensive for the cap" in text
    assert as_json(outcome, changed)["runs"][-1]["calibration"]["state"] == "refused"


def test_calibrated_arms_and_arms_that_switch_it_off_need_no_remark() -> None:
    outcome, record = bench(KnownRates(10, reach=0.05))
    states = {arm: CalibrationProgress(state=state) for arm, state in STATES_OF_ARMS.items()}
    text = as_markdown(outcome, calibrated(record, states))
    assert "without calibrated judges" not in text
    assert "| judges of daydream | calibrated |" in text
    assert "| judges of plain | calibration is switched off |" in text
