"""Two writers who are shown examples, a judge and an oracle over the whole loop; everything about a verdict can be shown afterwards."""

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
    found = daydream.json(
        "run", "-n", "10", "--cap", "2"
    )  # its writers have examples from the start
    assert (found["ended"], found["dead_letters"]) == ("the goal is reached", 0)
    assert found["budget"]["settled_nanousd"] == endpoint.witness()["cost_nanousd"], (
        "the ledger and the endpoint count the same money"
    )
    assert found["budget"]["reservations_open"] == 0
    assert {one["stage"] for one in found["budget"]["spend"]} == {"synthesizer", "critic", "oracle"}
    with daydream.up() as running:
        verdicts = running.json("insights", "--all", "--limit", "100")
        assert len(verdicts) == len({one["hypothesis"]["hypothesis_id"] for one in verdicts}), (
            "one verdict for each hypothesis"
        )
        examined = [one for one in verdicts if one["examination"]]
        assert {one["decision"] for one in examined} == {"promoted", "refuted"}
        assert all(one["decision"] != "promoted" for one in verdicts if not one["examination"])
        assert all(
            one["final"] and one["judgements"] and one["role"] == "oracle" for one in examined
        )
        for one in examined:
            assert [attempt["holds"] for attempt in one["examination"]["attempts"]][-1] == (
                one["decision"] == "promoted"
            )
        assert {one["reason"] for one in examined if one["decision"] == "refuted"} <= {
            "prior-art",
            "one-fact",
            "refuted",
        }
        after = [one for one in examined if one["hypothesis"]["examples"]]
        assert {
            example["interesting"] for one in after for example in one["hypothesis"]["examples"]
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
                next(one["verdict_id"] for one in examined if one["decision"] == "promoted"),
            ).stdout
        )
        writers = running.json("report", "synthesizer")["writers"]
        assert {one["model"] for one in writers} == {"priced-1", "priced-2"}
        assert all(one["hypotheses"] for one in writers)
        assert sum(one["hypotheses"] for one in writers) == len(verdicts)
        report = running.json("report", "critic")
        assert sum(report["examined"].values()) == len(examined)
        insights = running.json("status")["memory"]["insights"]
        refuted = next(one["verdict_id"] for one in examined if one["decision"] == "refuted")
        assert running("review", refuted, "--accept", "--who", "ada").returncode == 0
        until(
            lambda: running.json("status")["memory"]["insights"] == insights + 1,
            "a person's word outranks the oracle's",
            20,
        )
        sent = running.json("rejudge", "--since", "2020-01-01", "--limit", "5", "--yes")["sent"]
        assert sent == 5
        until(
            lambda: (
                sum(
                    one["round"] == 2 for one in running.json("insights", "--all", "--limit", "100")
                )
                == 5
            ),
            "the second verdicts",
            40,
        )
