"""A panel of two judges over the whole loop, until their scores are ranks."""

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
def test_two_judges_are_asked_about_everything_and_the_best_are_promoted_once_both_have_a_history(
    tmp_path: Path, endpoint: Endpoint
) -> None:
    (tmp_path / "panel.toml").write_text(PANEL)
    daydream = Daydream(
        tmp_path / "user",
        endpoint,
        DAYDREAM_CRITIC_PANEL_FILE=str(tmp_path / "panel.toml"),
        DAYDREAM_CRITIC_PROMOTE_QUOTA="0.3",
        DAYDREAM_SAMPLER_CANARY_SHARE="0.1",
    )
    found = daydream.json("run", "-n", "120", "--cap", "5")
    assert found["dead_letters"] == 0
    assert round(found["spent_usd"] * NANO) == endpoint.witness()["cost_nanousd"], (
        "the ledger and the endpoint count the same money"
    )
    with daydream.up() as running:
        verdicts = running.json("insights", "--all", "--limit", "100")
    judged = [one for one in verdicts if one["judgements"]]
    assert len(judged) > 50
    names = {frozenset(judgement["judge"] for judgement in one["judgements"]) for one in judged}
    assert names == {frozenset({"judge.v1@priced-1", "judge-skeptic.v1@priced-1"})}
    assert all(judgement["self_judged"] for one in judged for judgement in one["judgements"]), (
        "there is one family only"
    )
    rules = [
        one["aggregation"]["rule"] for one in sorted(judged, key=lambda one: one["reached_at"])
    ]
    assert rules[-1] == "quota"
    warm = [one for one in judged if one["aggregation"]["rule"] == "quota"]
    assert all(
        (one["decision"] == "promoted")
        == (
            (one["aggregation"]["rating"] or one["aggregation"]["log_odds"])
            > one["aggregation"]["threshold"]
        )
        for one in warm
    )
    compared = [one for one in warm if one["comparisons"]]
    assert compared, "some lay near the line"
    assert all(
        one["aggregation"]["deferred_from"]
        < one["aggregation"]["log_odds"]
        <= one["aggregation"]["deferred_to"]
        for one in compared
    )
    assert all(one["hypothesis"]["pair"]["strategy"] != "canary" for one in verdicts), (
        "what was planted is not kept"
    )
    report = daydream.json("report", "critic")
    assert 8 <= report["bridges"]["count"] + report["decoys"]["count"] <= 12, (
        "one for every ten that are drawn, looked at once a second"
    )
    assert [one["name"] for one in report["judges"]] == [
        "judge.v1@priced-1",
        "judge-skeptic.v1@priced-1",
    ]
    assert report["judged"] == len(judged) or len(verdicts) == 100
    assert report["rule"] == "quota"
    shown = daydream("report", "critic")
    assert "Planted links that hold" in shown.stdout
    for one in (compared[0], warm[0]):
        inspected = daydream.json("inspect", one["verdict_id"])
        assert all(call["exact"] for call in inspected["calls"]), [
            call["prompt"]["name"] for call in inspected["calls"] if not call["exact"]
        ]
        assert inspected["sums_agree"]
        assert len(inspected["calls"]) == len(one["hypothesis"]["calls"]) + len(one["calls"])
    shown = daydream("inspect", compared[0]["verdict_id"])
    assert "as it was sent" in shown.stdout
    assert "log-odds" in shown.stdout
    assert "Is there an abstract structure" in shown.stdout, "the prompt of the synthesizer"
    unknown = daydream("inspect", "no-such-verdict")
    assert unknown.returncode == 1
    assert "nobody knows" in unknown.stderr
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
        told = running.json(*ask, "--dry-run")
        assert (told["hypotheses"], told["judges"], told["sent"]) == (
            10,
            ["judge-skeptic.v1@priced-1"],
            0,
        )
        assert 0 < told["expected_nanousd"] < told["most_nanousd"]
        assert endpoint.witness()["calls"] == spent
        assert running.json(*ask, "--yes")["sent"] == 10

        def anew() -> list[dict[str, Any]]:
            return [
                one
                for one in running.json("insights", "--all", "--limit", "100")
                if one["round"] == 2
            ]

        until(lambda: len(anew()) == 10, "the second verdicts", 30)
        for one in anew():
            assert {judgement["judge"] for judgement in one["judgements"]} == {
                "judge-skeptic.v1@priced-1"
            }
            assert one["final"]
        wrong = running("rejudge", "--since", "2020-01-01", "--judge", "nobody", "--yes")
        assert wrong.returncode == 2
        assert "judge-skeptic.v1@priced-1" in wrong.stderr
