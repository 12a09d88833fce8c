"""A panel of two judges in the whole loop, calibrated before their first verdict."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from support.programs import Daydream, EndpointProgram, priced_endpoint, until

pytestmark = pytest.mark.slow

NANO = 1_000_000_000
FIRST, SKEPTIC = "judge.v1@priced-1", "judge-skeptic.v1@priced-1"
PANEL = """
[[judge]]
calls_max = 2
[[judge]]
rubric = "skeptic"
"""


@dataclass(frozen=True)
class PanelRun:
    """A finished run: what it printed, what its endpoint billed, and up to 100 of its verdicts."""

    daydream: Daydream
    endpoint: EndpointProgram
    printed: dict[str, Any]
    billed_nanousd: int
    report: dict[str, Any]
    verdicts: list[Any]

    @property
    def judged(self) -> list[Any]:
        """Return the verdicts that judges reached, not gates."""
        return [verdict for verdict in self.verdicts if verdict["judgements"]]

    @property
    def compared(self) -> list[Any]:
        """Return the verdicts with comparisons to other hypotheses."""
        return [verdict for verdict in self.judged if verdict["comparisons"]]


@pytest.fixture(scope="module")
def panel_run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PanelRun]:
    """Run 120 daydreams before a panel of two judges that promotes by ranks."""
    folder = tmp_path_factory.mktemp("panel")
    (folder / "panel.toml").write_text(PANEL)
    with priced_endpoint(folder) as endpoint:
        daydream = Daydream(
            folder / "user",
            endpoint,
            DAYDREAM_CRITIC_PANEL_FILE=str(folder / "panel.toml"),
            DAYDREAM_CRITIC_PROMOTE_BY="ranks",
            DAYDREAM_CRITIC_PROMOTE_QUOTA="0.3",
            DAYDREAM_CRITIC_CALIBRATION_CANARIES="20",
            DAYDREAM_SAMPLER_CANARY_SHARE="0.1",
        )
        printed = daydream.json("run", "-n", "120", "--cap", "5")
        billed_nanousd = endpoint.witness()["cost_nanousd"]
        with daydream.up() as running:
            verdicts = running.verdicts()
        report = daydream.json("report", "critic")
        yield PanelRun(daydream, endpoint, printed, billed_nanousd, report, verdicts)


def test_the_run_spent_what_the_endpoint_billed(panel_run: PanelRun) -> None:
    assert panel_run.printed["dead_letters"] == 0
    spent_nanousd = round(panel_run.printed["spent_usd"] * NANO)
    assert spent_nanousd == panel_run.billed_nanousd, (
        "the ledger and the endpoint count the same money"
    )


def test_both_judges_are_asked(panel_run: PanelRun) -> None:
    assert len(panel_run.judged) > 50
    judgements = [judgement for verdict in panel_run.judged for judgement in verdict["judgements"]]
    assert {judgement["judge"] for judgement in judgements} == {FIRST, SKEPTIC}, (
        "each is asked where its answer is worth its price"
    )
    assert all(judgement["self_judged"] for judgement in judgements), "there is one family only"


def test_the_panel_is_calibrated_before_its_first_verdict(panel_run: PanelRun) -> None:
    rules = {verdict["aggregation"]["rule"] for verdict in panel_run.judged}
    assert rules == {"quota"}, "from the first verdict on"
    calibration = panel_run.printed["judges"]["judge_calibration"]
    assert calibration["state"] == "done"
    assert calibration["text"].startswith("80 answers about canaries")


def test_what_is_above_the_threshold_is_promoted(panel_run: PanelRun) -> None:
    for verdict in panel_run.judged:
        aggregation = verdict["aggregation"]
        value = aggregation["rating"] or aggregation["log_odds"]
        assert (verdict["decision"] == "promoted") == (value > aggregation["threshold"])


def test_only_the_undecided_are_compared(panel_run: PanelRun) -> None:
    assert panel_run.compared, "some were near the promotion threshold"
    for verdict in panel_run.compared:
        aggregation = verdict["aggregation"]
        low, high = aggregation["undecided_from"], aggregation["undecided_to"]
        assert low < aggregation["log_odds"] <= high


def test_canaries_are_reported_and_not_stored(panel_run: PanelRun) -> None:
    strategies = [verdict["hypothesis"]["pair"]["strategy"] for verdict in panel_run.verdicts]
    assert "canary" not in strategies
    report = panel_run.report
    assert 8 <= report["bridges"]["count"] + report["decoys"]["count"] <= 12, (
        "one per ten drawn pairs, checked once a second"
    )
    assert "Canaries promoted" in panel_run.daydream("report", "critic").stdout


def test_the_report_has_both_judges_and_every_verdict(panel_run: PanelRun) -> None:
    report = panel_run.report
    assert [judge["name"] for judge in report["judges"]] == [FIRST, SKEPTIC]
    assert report["judged"] == len(panel_run.judged) or len(panel_run.verdicts) == 100
    assert report["rule"] == "quota"


def test_each_call_of_a_verdict_is_shown_as_it_was_sent(panel_run: PanelRun) -> None:
    compared = panel_run.compared[0]
    for verdict in (compared, panel_run.judged[0]):
        inspected = panel_run.daydream.json("inspect", verdict["verdict_id"])
        assert all(call["exact"] for call in inspected["calls"]), [
            call["prompt"]["name"] for call in inspected["calls"] if not call["exact"]
        ]
        assert inspected["sums_agree"]
        calls = [*verdict["hypothesis"]["calls"], *verdict["calls"]]
        assert len(inspected["calls"]) == len(calls)
    shown = panel_run.daydream("inspect", compared["verdict_id"]).stdout
    assert "as it was sent" in shown
    assert "log-odds" in shown
    assert "share an abstract structure" in shown, "the prompt of the synthesizer"


def test_an_unknown_verdict_is_not_inspected(panel_run: PanelRun) -> None:
    unknown = panel_run.daydream("inspect", "no-such-verdict")
    assert unknown.returncode == 1
    assert "Unknown verdict ID" in unknown.stderr


def test_hypotheses_are_judged_again_by_one_judge_at_a_cost_that_is_shown_first(
    panel_run: PanelRun,
) -> None:
    rejudge = ("rejudge", "--since", "2020-01-01", "--judge", SKEPTIC, "--limit", "10")
    with panel_run.daydream.up() as running:
        calls = panel_run.endpoint.witness()["calls"]
        planned = running.json(*rejudge, "--dry-run")
        assert (planned["hypotheses"], planned["judges"], planned["sent"]) == (10, [SKEPTIC], 0)
        assert 0 < planned["expected_nanousd"] < planned["max_nanousd"]
        assert panel_run.endpoint.witness()["calls"] == calls
        assert running.json(*rejudge, "--yes")["sent"] == 10

        def second_verdicts() -> list[dict[str, Any]]:
            return [verdict for verdict in running.verdicts() if verdict["round"] == 2]

        until(lambda: len(second_verdicts()) == 10, "the second verdicts", 30)
        for verdict in second_verdicts():
            assert {judgement["judge"] for judgement in verdict["judgements"]} == {SKEPTIC}
            assert verdict["final"]
        unknown = running("rejudge", "--since", "2020-01-01", "--judge", "nobody", "--yes")
    assert unknown.returncode == 2
    assert SKEPTIC in unknown.stderr
