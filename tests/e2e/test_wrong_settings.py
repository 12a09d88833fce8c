"""What is set wrongly is said in one line with the fix, with exit code 2, before anything is spent."""

from __future__ import annotations

import json
import socket
from pathlib import Path

import pytest

from support.programs import Daydream, Endpoint


def refused(daydream: Daydream, *arguments: str, fix: str) -> None:
    done = daydream("run", "-n", "1", *arguments)
    assert done.returncode == 2, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    lines = [line for line in done.stderr.splitlines() if line.startswith("daydream: ")]
    assert len(lines) == 1
    assert fix in lines[0]


def test_a_model_that_cannot_be_reached(tmp_path: Path) -> None:
    daydream = Daydream(
        tmp_path,
        None,
        DAYDREAM_MODEL_BASE_URL="http://127.0.0.1:9/v1",
        DAYDREAM_MODEL_NAME="priced-1",
    )
    refused(daydream, "--cap", "1", fix="DAYDREAM_MODEL_BASE_URL")


def test_a_wrong_key(tmp_path: Path, endpoint: Endpoint) -> None:
    refused(
        Daydream(tmp_path, endpoint, DAYDREAM_MODEL_API_KEY="wrong"),
        "--cap",
        "1",
        fix="DAYDREAM_MODEL_API_KEY",
    )


def test_a_model_without_a_price(tmp_path: Path, endpoint: Endpoint) -> None:
    refused(
        Daydream(tmp_path, endpoint),
        "--cap",
        "1",
        "--model-name",
        "unheard-of",
        fix='models."unheard-of" = { input_usd_per_mtok',
    )


def test_no_cap_for_a_model_that_costs_money(tmp_path: Path, endpoint: Endpoint) -> None:
    refused(Daydream(tmp_path, endpoint), fix="--cap")
    assert endpoint.witness()["calls"] == 0


def test_a_port_that_is_taken(tmp_path: Path, endpoint: Endpoint) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        refused(
            Daydream(tmp_path, endpoint),
            "--cap",
            "1",
            "--port",
            str(taken.getsockname()[1]),
            fix="0 for any free port",
        )


def test_a_folder_that_cannot_be_written(tmp_path: Path, endpoint: Endpoint) -> None:
    (tmp_path / "file").write_text("")
    refused(
        Daydream(tmp_path, endpoint, DAYDREAM_DATA=str(tmp_path / "file" / "data")),
        "--cap",
        "1",
        fix="--data",
    )


def test_a_file_to_read_that_is_not_there(tmp_path: Path, endpoint: Endpoint) -> None:
    refused(Daydream(tmp_path, endpoint), "--cap", "1", str(tmp_path / "nothing"), fix="that exist")


@pytest.mark.parametrize(
    ("variable", "value"),
    [("DAYDREAM_SAMPLER_STAGES", "foo"), ("DAYDREAM_BUDGET_TIME_ZONE", "Mars/Base")],
)
def test_a_variable_that_no_service_understands(
    tmp_path: Path, endpoint: Endpoint, variable: str, value: str
) -> None:
    refused(Daydream(tmp_path, endpoint, **{variable: value}), "--cap", "1", fix=variable)


def test_a_misspelt_variable_is_told_of(tmp_path: Path, endpoint: Endpoint) -> None:
    daydream = Daydream(tmp_path, endpoint, DAYDREAM_CRITIC_TARGT_PRECISION="0.9")
    done = daydream("doctor", "--json")
    wrong = [one for one in json.loads(done.stdout) if one["fix"] and one["about"] != "offer"]
    assert [one["about"] for one in wrong] == ["settings"]
    assert "did you mean DAYDREAM_CRITIC_TARGET_PRECISION?" in wrong[0]["found"]
    assert done.returncode == 2
    refusal = daydream("run", "-n", "1", "--model-name", "unheard-of").stderr
    assert "did you mean DAYDREAM_CRITIC_TARGET_PRECISION?" in " ".join(refusal.split()), (
        "beside whatever else is wrong"
    )
