"""Two writers with examples, a judge and an oracle in the whole loop; verdicts are inspected."""

from __future__ import annotations

from pathlib import Path

import pytest

from support.programs import Daydream, Endpoint, until


@pytest.mark.slow
def test_what_the_judges_would_promote_is_examined_before_it_is_an_insight(
    tmp_path: Path, endpoint: Endpoint
) -> None:
    (tmp_path / "writers.toml").write_text(
        '[[writer]]\nmodel = "priced-1"\n[[writer]]\nmodel = "priced-2"\n'
    )
    daydream = Daydream(
        tmp_path / "user",
        endpoint,
        DAYDREAM_SAMPLER_STAGES="synthesizer,critic,oracle",
        DAYDREAM_SAMPLER_CANARY_SHARE="0.2",
        DAYDREAM_CRITIC_PROMOTE_SCORE="6",
        DAYDREAM_SYNTHESIZER_MODELS_FILE=str(tmp_path / "writers.toml"),
        DAYDREAM_SYNTHESIZER_EXAMPLES="1",
    )
    daydream.json("run", "-n", "16", "--cap", "2")
    run = daydream.json("run", "-n", "10", "--cap", "2")  # its writers have examples from the start
    assert (run["ended"], run["dead_letters"]) == ("the goal is reached", 0)
    assert run["budget"]["settled_nanousd"] == endpoint.witness()["cost_nanousd"], (
        "the ledger and the endpoint count the same money"
    )
    assert run["budget"]["reservations_open"] == 0
    assert {stage["stage"] for stage in run["budget"]["spend"]} == {
        "synthesizer",
        "critic",
        "oracle",
    }
    with daydream.up() as running:
        verdicts = running.verdicts()
        assert len(verdicts) == len(
            {verdict["hypothesis"]["hypothesis_id"] for verdict in verdicts}
        ), "one verdict per hypothesis"
        examined = [verdict for verdict in verdicts if verdict["examination"]]
        assert {verdict["decision"] for verdict in examined} == {"promoted", "refuted"}
        assert all(
            verdict["decision"] != "promoted" for verdict in verdicts if not verdict["examination"]
        )
        assert all(
            verdict["final"] and verdict["judgements"] and verdict["role"] == "oracle"
            for verdict in examined
        )
        for verdict in examined:
            assert [attempt["holds"] for attempt in verdict["examination"]["attempts"]][-1] == (
                verdict["decision"] == "promoted"
            )
        assert {verdict["reason"] for verdict in examined if verdict["decision"] == "refuted"} <= {
            "prior-art",
            "one-fact",
            "refuted",
        }
        after = [verdict for verdict in examined if verdict["hypothesis"]["examples"]]
        assert {
            example["interesting"]
            for verdict in after
            for example in verdict["hypothesis"]["examples"]
        } == {True, False}
        inspected = running.json("inspect", after[0]["verdict_id"])
        assert all(call["exact"] for call in inspected["calls"])
        assert {call["prompt"]["name"] for call in inspected["calls"]} == {
            "synthesize-with-examples.v1",
            "judge.v1",
            "alone.v1",
            "refute.v1",
        }
        assert (
            "could not refute it"
            in running(
                "inspect",
                next(
                    verdict["verdict_id"]
                    for verdict in examined
                    if verdict["decision"] == "promoted"
                ),
            ).stdout
        )
        writers = running.json("report", "synthesizer")["writers"]
        assert {writer["model"] for writer in writers} == {"priced-1", "priced-2"}
        assert all(writer["hypotheses"] for writer in writers)
        assert sum(writer["hypotheses"] for writer in writers) == len(verdicts)
        report = running.json("report", "critic")
        assert sum(report["examined"].values()) == len(examined)
        insights = running.json("status")["memory"]["insights"]
        refuted = next(
            verdict["verdict_id"] for verdict in examined if verdict["decision"] == "refuted"
        )
        assert running("review", refuted, "--accept", "--who", "ada").returncode == 0
        until(
            lambda: running.json("status")["memory"]["insights"] == insights + 1,
            "the review overrides the oracle",
            20,
        )
        sent = running.json("rejudge", "--since", "2020-01-01", "--limit", "5", "--yes")["sent"]
        assert sent == 5
        until(
            lambda: sum(verdict["round"] == 2 for verdict in running.verdicts()) == 5,
            "the second verdicts",
            40,
        )
