"""`daydream bench` as a user starts it: real services, and an endpoint of known rates."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from daydream_console.bench.corpus import FILES, load_corpus
from daydream_console.bench.outcome import covers
from daydream_console.bench.record import BenchRecord, read_record
from support.bench_endpoint import CORPUS_VARIABLE
from support.programs import Daydream, EndpointProgram, priced_endpoint

NANO = 1_000_000_000
BRIDGES, DECOYS, DAYDREAMS = 8, 3, 40


def small_corpus(folder: Path) -> Path:
    """Write the first bridges and decoys of the bundled corpus into their own corpus."""
    bundled = load_corpus()
    names = {bridge.name for bridge in bundled.bridges[:BRIDGES]}
    source = Path(__file__).parents[2] / "services/console/daydream_console/bench/corpus"
    folder.mkdir()
    texts = {name: (source / name).read_text("utf-8") for name in FILES}
    for name, key, count in (("bridges.toml", "bridge", BRIDGES), ("decoys.toml", "decoy", DECOYS)):
        tables = texts[name].split(f"[[{key}]]")[1 : count + 1]
        (folder / name).write_text("".join(f"[[{key}]]{table}" for table in tables))
    matches = [f"[[match]]{table}" for table in texts["matches.toml"].split("[[match]]")[1:]]
    kept = [text for text in matches if tomllib.loads(text)["match"][0]["bridge"] in names]
    (folder / "matches.toml").write_text("".join(kept))
    (folder / "plain.toml").write_text("")
    return folder


@pytest.fixture(scope="module")
def finished(
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[tuple[Daydream, EndpointProgram, list[str], dict[str, Any]]]:
    """Run a benchmark to its end, with all that it can write."""
    folder = tmp_path_factory.mktemp("bench")
    corpus = small_corpus(folder / "corpus")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(CORPUS_VARIABLE, str(corpus))
        with priced_endpoint(folder, module="support.bench_endpoint") as endpoint:
            daydream = Daydream(folder / "user", endpoint)
            options = [
                "bench",
                *("--corpus", str(corpus), "--plain-notes", "0", "--votes", "1"),
                *("--cap", "1", "--daydreams", str(DAYDREAMS)),
                *("--data", str(folder / "bench"), "--export", str(folder / "record.json.gz")),
                *("--report", str(folder / "report")),
            ]
            done = daydream(*options, "--json", timeout_s=280)
            assert done.returncode == 0, done.stdout + done.stderr
            yield daydream, endpoint, options, json.loads(done.stdout)


def record_of(options: list[str]) -> BenchRecord:
    return read_record(Path(options[options.index("--export") + 1]))


def test_the_table_counts_what_the_arms_really_promoted(
    finished: tuple[Daydream, EndpointProgram, list[str], dict[str, Any]],
) -> None:
    _, _, options, result = finished
    record = record_of(options)
    corpus = load_corpus(Path(options[2]))
    assert [run.arm for run in record.runs] == ["plain", "daydream"]
    for run, arm in zip(record.runs, result["arms"], strict=True):
        stated = {
            bridge.name
            for daydream in run.daydreams
            for bridge in corpus.bridges
            if daydream.promoted and covers(daydream, bridge) and bridge.link in daydream.text
        }
        assert arm["good"] == pytest.approx(len(stated), abs=0.3)
        assert arm["daydreams"] == len(run.daydreams) >= DAYDREAMS
        assert arm["good_per_usd"]["low"] <= len(stated) / arm["usd"] <= arm["good_per_usd"]["high"]
    plain, ours = result["arms"]
    assert ours["good"] > 0
    assert plain["promoted"] > DAYDREAMS / 3, "the essay's critic promotes much"


def test_each_arm_ran_as_it_is_called(
    finished: tuple[Daydream, EndpointProgram, list[str], dict[str, Any]],
) -> None:
    plain, ours = record_of(finished[2]).runs
    assert {daydream.strategy for daydream in plain.daydreams} == {"uniform"}
    assert set(plain.prompts) == {"writer essay.v1", "critic essay.v1"}
    assert {"writer synthesize.v1", "critic judge.v1"} <= set(ours.prompts)
    assert all(daydream.text for daydream in plain.daydreams), "prose never abstains"
    assert all(daydream.written[0] for daydream in (*plain.daydreams, *ours.daydreams))
    assert any(len(parent) > 1 for daydream in plain.daydreams for parent in daydream.parents), (
        "insights are written back, and drawn again"
    )


def test_the_ledgers_count_all_that_the_provider_billed(
    finished: tuple[Daydream, EndpointProgram, list[str], dict[str, Any]],
) -> None:
    _, endpoint, options, _ = finished
    record = record_of(options)
    spent = sum(run.spent_nanousd for run in record.runs) + record.measuring_nanousd
    billed = endpoint.witness()["cost_nanousd"]
    assert billed <= spent <= 1.05 * billed, "an attempt whose cost is unknown counts in full"
    assert all(run.spent_nanousd <= run.cap_nanousd for run in record.runs)
    assert record.measuring_nanousd > 0


def test_what_is_complete_is_not_paid_again_and_a_replay_asks_nothing(
    finished: tuple[Daydream, EndpointProgram, list[str], dict[str, Any]],
) -> None:
    daydream, endpoint, options, result = finished
    calls = endpoint.witness()["calls"]
    again = daydream.json(*options)
    replayed = daydream.json(
        "bench", "--corpus", options[2], "--replay", options[options.index("--export") + 1]
    )
    assert endpoint.witness()["calls"] == calls
    assert again["arms"] == replayed["arms"] == result["arms"]


def test_the_report_and_the_table_can_be_read_without_anything_else(
    finished: tuple[Daydream, EndpointProgram, list[str], dict[str, Any]],
) -> None:
    daydream, _, options, result = finished
    folder = Path(options[options.index("--report") + 1])
    page = (folder / "report.html").read_text()
    assert result["headline"] in page.replace("&#x27;", "'")
    assert "<svg" in page
    assert "| plain |" in (folder / "report.md").read_text()
    assert json.loads((folder / "report.json").read_text())["arms"] == result["arms"]
    shown = daydream(
        "bench", "--corpus", options[2], "--replay", options[options.index("--export") + 1]
    )
    assert shown.returncode == 0
    assert result["headline"] in shown.stdout
    assert "plain: the essay" in shown.stdout


def test_a_model_that_does_not_answer_in_time_ends_with_a_table_all_the_same(
    tmp_path: Path,
) -> None:
    """No daydream ends within the time of its run, and nothing waits for one."""
    with priced_endpoint(tmp_path, delay_s=60, module="support.bench_endpoint") as endpoint:
        daydream = Daydream(tmp_path / "user", endpoint)
        record = tmp_path / "record.json"
        options = ("--quick", "--arms", "plain", "--minutes", "0.05", "--export", str(record))
        done = daydream("bench", *options, timeout_s=150)
    assert done.returncode == 0, done.stdout + done.stderr
    (run,) = read_record(record).runs
    assert (run.ended, run.daydreams) == ("its 0.05 minutes are up", ())
    assert run.seconds < 60
    assert "ended before their cap" in done.stdout
    assert "0 of 4 daydreams, $0 of $4.25 spent, at most" in done.stderr
