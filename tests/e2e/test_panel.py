"""A panel of two judges in the whole loop, calibrated before their first verdict."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from support.programs import Daydream, Endpoint, until

NANO = 1_000_000_000
PANEL = """
[[judge]]
calls_max = 2
[[judge]]
rubric = "skeptic"
"""


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_two_judges_are_calibrated_evaluate_everything_and_the_best_are_promoted(
    tmp_path: Path, endpoint: Endpoint
) -> None:
    (tmp_path / "panel.toml").write_text(PANEL)
    daydream = Daydream(
        tmp_path / "user",
        endpoint,
        DAYDREAM_CRITIC_PANEL_FILE=str(tmp_path / "panel.toml"),
        DAYDREAM_CRITIC_PROMOTE_BY="ranks",
        DAYDREAM_CRITIC_PROMOTE_QUOTA="0.3",
        DAYDREAM_CRITIC_CALIBRATION_CANARIES="20",
        DAYDREAM_SAMPLER_CANARY_SHARE="0.1",
    )
    run = daydream.json("run", "-n", "120", "--cap", "5")
    assert run["dead_letters"] == 0
    assert round(run["spent_usd"] * NANO) == endpoint.witness()["cost_nanousd"], (
        "the ledger and the endpoint count the same money"
    )
    with daydream.up() as running:
        verdicts = running.verdicts()
    judged = [verdict for verdict in verdicts if verdict["judgements"]]
    assert len(judged) > 50
    names = {
        frozenset(judgement["judge"] for judgement in verdict["judgements"]) for verdict in judged
    }
    assert frozenset().union(*names) == {"judge.v1@priced-1", "judge-skeptic.v1@priced-1"}, (
        "each is asked where its answer is worth its price"
    )
    assert all(
        judgement["self_judged"] for verdict in judged for judgement in verdict["judgements"]
    ), "there is one family only"
    rules = [
        verdict["aggregation"]["rule"]
        for verdict in sorted(judged, key=lambda verdict: verdict["reached_at"])
    ]
    assert set(rules) == {"quota"}, "from the first verdict on"
    assert run["judges"]["judge_calibration"]["state"] == "done"
    assert run["judges"]["judge_calibration"]["text"].startswith("80 answers about canaries")
    warm = judged
    assert all(
        (verdict["decision"] == "promoted")
        == (
            (verdict["aggregation"]["rating"] or verdict["aggregation"]["log_odds"])
            > verdict["aggregation"]["threshold"]
        )
        for verdict in warm
    )
    compared = [verdict for verdict in warm if verdict["comparisons"]]
    assert compared, "some were near the promotion threshold"
    assert all(
        verdict["aggregation"]["undecided_from"]
        < verdict["aggregation"]["log_odds"]
        <= verdict["aggregation"]["undecided_to"]
        for verdict in compared
    )
    assert all(verdict["hypothesis"]["pair"]["strategy"] != "canary" for verdict in verdicts), (
        "canaries are not stored"
    )
    report = daydream.json("report", "critic")
    assert 8 <= report["bridges"]["count"] + report["decoys"]["count"] <= 12, (
        "one per ten drawn pairs, checked once a second"
    )
    assert [judge["name"] for judge in report["judges"]] == [
        "judge.v1@priced-1",
        "judge-skeptic.v1@priced-1",
    ]
    assert report["judged"] == len(judged) or len(verdicts) == 100
    assert report["rule"] == "quota"
    shown = daydream("report", "critic")
    assert "Canaries promoted" in shown.stdout
    for verdict in (compared[0], warm[0]):
        inspected = daydream.json("inspect", verdict["verdict_id"])
        assert all(call["exact"] for call in inspected["calls"]), [
            call["prompt"]["name"] for call in inspected["calls"] if not call["exact"]
        ]
        assert inspected["sums_agree"]
        assert len(inspected["calls"]) == len(verdict["hypothesis"]["calls"]) + len(
            verdict["calls"]
        )
    shown = daydream("inspect", compared[0]["verdict_id"])
    assert "as it was sent" in shown.stdout
    assert "log-odds" in shown.stdout
    assert "share an abstract structure" in shown.stdout, "the prompt of the synthesizer"
    unknown = daydream("inspect", "no-such-verdict")
    assert unknown.returncode == 1
    assert "Unknown verdict ID" in unknown.stderr
    with daydream.up() as running:
        spent = endpoint.witness()["calls"]
        ask = (
            "rejudge",
            "--since",
            "2020-01-01",
            "--judge",
            "judge-skeptic.v1@priced-1",
            "--limit",
            "10",
        )
        planned = running.json(*ask, "--dry-run")
        assert (planned["hypotheses"], planned["judges"], planned["sent"]) == (
            10,
            ["judge-skeptic.v1@priced-1"],
            0,
        )
        assert 0 < planned["expected_nanousd"] < planned["max_nanousd"]
        assert endpoint.witness()["calls"] == spent
        assert running.json(*ask, "--yes")["sent"] == 10

        def judged_again() -> list[dict[str, Any]]:
            return [verdict for verdict in running.verdicts() if verdict["round"] == 2]

        until(lambda: len(judged_again()) == 10, "the second verdicts", 30)
        for verdict in judged_again():
            assert {judgement["judge"] for judgement in verdict["judgements"]} == {
                "judge-skeptic.v1@priced-1"
            }
            assert verdict["final"]
        wrong = running("rejudge", "--since", "2020-01-01", "--judge", "nobody", "--yes")
        assert wrong.returncode == 2
        assert "judge-skeptic.v1@priced-1" in wrong.stderr
