"""Two writers with examples, a judge and an oracle in the whole loop; verdicts are inspected."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from support.programs import Daydream, priced_endpoint, until

pytestmark = pytest.mark.slow

WRITERS = '[[writer]]\nmodel = "priced-1"\n[[writer]]\nmodel = "priced-2"\n'


@dataclass(frozen=True)
class OracleRun:
    """A system after two runs, which still answers: what they printed, and all their verdicts."""

    running: Daydream
    printed: dict[str, Any]
    billed_nanousd: int
    verdicts: list[Any]

    @property
    def examined(self) -> list[Any]:
        """Return the verdicts that the oracle reached."""
        return [verdict for verdict in self.verdicts if verdict["examination"]]

    @property
    def with_examples(self) -> list[Any]:
        """Return those of them whose writer was shown examples."""
        return [verdict for verdict in self.examined if verdict["hypothesis"]["examples"]]

    def verdict_id(self, decision: str) -> str:
        """Return the id of the newest verdict of the oracle with this decision."""
        ids = (row["verdict_id"] for row in self.examined if row["decision"] == decision)
        return str(next(ids))


@pytest.fixture(scope="module")
def oracle_run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OracleRun]:
    """Run 16 daydreams, then 10 whose writers have examples from the start."""
    folder = tmp_path_factory.mktemp("oracle")
    (folder / "writers.toml").write_text(WRITERS)
    with priced_endpoint(folder) as endpoint:
        daydream = Daydream(
            folder / "user",
            endpoint,
            DAYDREAM_SAMPLER_STAGES="synthesizer,critic,oracle",
            DAYDREAM_SAMPLER_CANARY_SHARE="0.2",
            DAYDREAM_CRITIC_PROMOTE_SCORE="6",
            DAYDREAM_SYNTHESIZER_MODELS_FILE=str(folder / "writers.toml"),
            DAYDREAM_SYNTHESIZER_EXAMPLES="1",
        )
        daydream.json("run", "-n", "16", "--cap", "2")
        printed = daydream.json("run", "-n", "10", "--cap", "2")
        billed_nanousd = endpoint.witness()["cost_nanousd"]
        with daydream.up() as running:
            yield OracleRun(running, printed, billed_nanousd, running.verdicts())


def test_the_run_reaches_its_goal_and_spends_what_the_endpoint_bills(
    oracle_run: OracleRun,
) -> None:
    printed, budget = oracle_run.printed, oracle_run.printed["budget"]
    assert (printed["ended"], printed["dead_letters"]) == ("the goal is reached", 0)
    assert budget["settled_nanousd"] == oracle_run.billed_nanousd, (
        "the ledger and the endpoint count the same money"
    )
    assert budget["reservations_open"] == 0
    assert {stage["stage"] for stage in budget["spend"]} == {"synthesizer", "critic", "oracle"}


def test_what_the_judges_would_promote_is_examined_before_it_is_an_insight(
    oracle_run: OracleRun,
) -> None:
    verdicts, examined = oracle_run.verdicts, oracle_run.examined
    hypotheses = {verdict["hypothesis"]["hypothesis_id"] for verdict in verdicts}
    assert len(verdicts) == len(hypotheses), "one verdict per hypothesis"
    assert {verdict["decision"] for verdict in examined} == {"promoted", "refuted"}
    assert all(verdict["examination"] or verdict["decision"] != "promoted" for verdict in verdicts)
    assert all(
        verdict["final"] and verdict["judgements"] and verdict["role"] == "oracle"
        for verdict in examined
    )


def test_the_last_attempt_to_refute_decides(oracle_run: OracleRun) -> None:
    for verdict in oracle_run.examined:
        last = verdict["examination"]["attempts"][-1]
        assert last["holds"] == (verdict["decision"] == "promoted")
    refuted = [row for row in oracle_run.examined if row["decision"] == "refuted"]
    assert {row["reason"] for row in refuted} <= {"prior-art", "one-fact", "refuted"}


def test_writers_are_shown_interesting_and_uninteresting_examples(oracle_run: OracleRun) -> None:
    examples = [
        example
        for verdict in oracle_run.with_examples
        for example in verdict["hypothesis"]["examples"]
    ]
    assert {example["interesting"] for example in examples} == {True, False}


def test_each_call_of_the_oracle_is_shown_as_it_was_sent(oracle_run: OracleRun) -> None:
    running = oracle_run.running
    inspected = running.json("inspect", oracle_run.with_examples[0]["verdict_id"])
    assert all(call["exact"] for call in inspected["calls"])
    assert {call["prompt"]["name"] for call in inspected["calls"]} == {
        "synthesize-with-examples.v1",
        "judge.v1",
        "alone.v1",
        "refute.v1",
    }
    shown = running("inspect", oracle_run.verdict_id("promoted")).stdout
    assert "could not refute it" in shown


def test_the_reports_count_every_hypothesis_and_examination(oracle_run: OracleRun) -> None:
    running = oracle_run.running
    writers = running.json("report", "synthesizer")["writers"]
    assert {writer["model"] for writer in writers} == {"priced-1", "priced-2"}
    assert all(writer["hypotheses"] for writer in writers)
    assert sum(writer["hypotheses"] for writer in writers) == len(oracle_run.verdicts)
    report = running.json("report", "critic")
    assert sum(report["examined"].values()) == len(oracle_run.examined)


def test_a_review_overrides_the_oracle(oracle_run: OracleRun) -> None:
    running = oracle_run.running
    insights = running.json("status")["memory"]["insights"]
    refuted = oracle_run.verdict_id("refuted")
    assert running("review", refuted, "--accept", "--who", "ada").returncode == 0
    until(
        lambda: running.json("status")["memory"]["insights"] == insights + 1,
        "the review overrides the oracle",
        20,
    )


def test_hypotheses_are_judged_again(oracle_run: OracleRun) -> None:
    running = oracle_run.running
    sent = running.json("rejudge", "--since", "2020-01-01", "--limit", "5", "--yes")["sent"]
    assert sent == 5
    until(
        lambda: sum(verdict["round"] == 2 for verdict in running.verdicts()) == 5,
        "the second verdicts",
        40,
    )
