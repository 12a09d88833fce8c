"""`daydream run` as a user starts it: all processes, a real NATS, and a priced endpoint that counts
its calls.
"""

from __future__ import annotations

import json
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from support.programs import Daydream, EndpointProgram, priced_endpoint, until

NANO = 1_000_000_000


@pytest.fixture
def daydream(tmp_path: Path, endpoint: EndpointProgram) -> Daydream:
    return Daydream(tmp_path / "user", endpoint)


@pytest.fixture(scope="module")
def finished_run(
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[tuple[Daydream, EndpointProgram, dict[str, Any]]]:
    """Run twelve daydreams to the end. The services that answer commands run again afterwards."""
    folder = tmp_path_factory.mktemp("finished")
    with priced_endpoint(folder) as endpoint:
        daydream = Daydream(folder / "user", endpoint)
        done = daydream("run", "-n", "12", "--cap", "1", "--json")
        assert done.returncode == 0, done.stderr
        with daydream.readers("budget", "memory", "sampler"):
            yield daydream, endpoint, json.loads(done.stdout)


def test_a_run_ends_by_itself_and_every_pair_has_a_verdict(
    finished_run: tuple[Daydream, EndpointProgram, dict[str, Any]],
) -> None:
    _, endpoint, result = finished_run
    assert result["daydreams"] == 12
    assert result["judged"] >= 10
    assert result["dead_letters"] == 0
    witness = endpoint.witness()
    assert round(result["spent_usd"] * NANO) == witness["cost_nanousd"], (
        "the ledger and the endpoint count the same money"
    )
    assert (
        result["budget"]["reservations_open"]
        == result["budget"]["reserved_nanousd"]
        == result["budget"]["authorized_nanousd"]
        == 0
    )
    for insight in result["insights"]:
        assert insight["hypothesis"]["pair"]["draw_probability"] >= 0.05 / (96 * 95 / 2), (
            "the uniform half of the floor, of at most 84 facts and 12 insights"
        )


def test_the_ledger_agrees_with_the_invoice(
    finished_run: tuple[Daydream, EndpointProgram, dict[str, Any]], tmp_path: Path
) -> None:
    daydream, endpoint, _ = finished_run
    invoice = endpoint.invoice(tmp_path / "invoice.csv")
    audit = daydream.json("budget", "audit", "--invoice", str(invoice))
    assert (audit["findings"], audit["invoice"]["differences"], audit["invoice"]["without_id"]) == (
        [],
        [],
        0,
    )
    assert audit["served"]
    assert audit["invoice"]["same"] == audit["calls"] == endpoint.witness()["calls"]
    invoice.write_text(invoice.read_text() + "c-999,,priced-1,0.02\n")
    wrong = daydream("budget", "audit", "--invoice", str(invoice))
    assert wrong.returncode == 1
    assert "not in the ledger" in wrong.stdout
    assert "daydream budget correct --by 0.020000000" in wrong.stdout


def test_past_daydreams_predict_the_cost_of_more(
    finished_run: tuple[Daydream, EndpointProgram, dict[str, Any]],
) -> None:
    daydream, endpoint, _ = finished_run
    expected = daydream.json("budget", "estimate", "-n", "24")
    assert expected["cost"]["mean"] == pytest.approx(2 * endpoint.witness()["cost_nanousd"])
    assert (
        expected["cost"]["low"]
        < expected["cost"]["mean"]
        < expected["cost"]["high"]
        <= expected["max_nanousd"]
    )
    assert expected["past_daydreams"] == 12


def test_the_yield_of_strategies_can_be_read_without_drawing(
    finished_run: tuple[Daydream, EndpointProgram, dict[str, Any]],
) -> None:
    daydream, _, result = finished_run
    state = daydream.json("report", "sampler")
    assert (state["phase"], state["drawn"], state["round"]) == ("off", 12, 2)
    assert sum(strategy["insights"] for strategy in state["strategies"]) == len(result["insights"])
    assert sum(strategy["share"] for strategy in state["strategies"]) == pytest.approx(1)


def test_a_run_continues_after_a_higher_cap_and_after_ctrl_c(
    daydream: Daydream, endpoint: EndpointProgram
) -> None:
    first = daydream("run", "-n", "400", "--cap", "0.004", "--json")
    assert first.returncode == 3, first.stderr
    stopped = json.loads(first.stdout)
    assert "cap" in stopped["ended"]
    assert stopped["cap_reached"]
    spent = endpoint.witness()["cost_nanousd"]
    assert spent <= 0.004 * NANO
    assert spent >= 0.5 * 0.004 * NANO, "the unused rest is smaller than one reservation"
    before, answered = stopped["daydreams"], endpoint.witness()["answered"]

    running = daydream.start("run", "-n", "10", "--cap", "1", "--json")
    until(lambda: endpoint.witness()["answered"] > answered + 6, "some answers", 60)
    assert max(endpoint.calls().values()) == 1, "no call was made twice"
    pids = daydream.processes()
    running.send_signal(signal.SIGINT)
    _, errors = running.communicate(timeout=60)
    assert running.returncode == 130
    assert "Traceback" not in errors
    assert len(pids) == 8
    assert not [name for name, pid in pids.items() if Path(f"/proc/{pid}").exists()]

    done = daydream("run", "-n", "10", "--cap", "1", "--json")
    assert done.returncode == 0, done.stderr
    assert "are left" in done.stderr
    assert daydream.json("insights", "--all")["total"] == before + 10, "nothing is lost"


@pytest.mark.slow
def test_commands_that_read_work_when_nothing_is_running(daydream: Daydream) -> None:
    assert daydream("run", "-n", "2", "--cap", "1").returncode == 0
    assert daydream.json("ask", "why do ships need standard containers?")["hits"]
    assert len(daydream.items("insights", "--all")) == 2
    assert (
        daydream.json("budget", "set", "--daily", "0.5", "--who", "tester")["limits"][1][
            "cap_nanousd"
        ]
        == NANO // 2
    )
    assert daydream.json("budget", "show")["reservations_released"] == 2


@pytest.mark.slow
def test_in_quarantine_a_hypothesis_becomes_a_fact_only_after_a_review(
    tmp_path: Path, endpoint: EndpointProgram
) -> None:
    daydream = Daydream(tmp_path / "careful", endpoint, DAYDREAM_MEMORY_QUARANTINE="true")
    assert daydream("run", "-n", "8", "--cap", "1").returncode == 0
    with daydream.up() as running:
        pending = running.items("review")
        assert pending, "the endpoint's scores promote some"
        memory = running.json("status")["memory"]
        assert (memory["insights"], memory["quarantined"]) == (0, len(pending))
        first, second = pending[0]["verdict_id"], pending[1]["verdict_id"]
        assert len(running.items("review", first, "--accept", "--who", "ada")) == len(pending) - 1
        assert len(running.items("review", second, "--reject", "--who", "ada")) == len(pending) - 2
        assert running.json("status")["memory"]["insights"] == 1


def test_pairs_are_ranked_before_they_are_written_about_where_that_is_on(
    tmp_path: Path, endpoint: EndpointProgram
) -> None:
    """A run ends though claims wait for their rank, and each call is in the ledger."""
    daydream = Daydream(tmp_path / "user", endpoint, DAYDREAM_SAMPLER_SCREEN="true")
    result = daydream.json("run", "-n", "48", "--cap", "1")  # a quarter of them waits for a rank
    assert result["daydreams"] == 48
    assert result["dead_letters"] == 0
    assert round(result["spent_usd"] * NANO) == endpoint.witness()["cost_nanousd"]
    with daydream.readers("budget", "memory", "sampler"):
        state = daydream.json("report", "sampler")["screen"]
        spend = daydream.json("budget", "show")
    assert state["on"]
    assert state["problem"] == ""
    assert state["kept_quarters"] == 4, "nothing is dropped before it pays"
    assert sum(state["ranked"]) >= 4
    assert state["nanousd_per_pair"] > 0
    assert spend["reserved_nanousd"] == 0
