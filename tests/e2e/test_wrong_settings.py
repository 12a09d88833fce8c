"""A configuration error gives one line with the fix and exit code 2, before anything is spent."""

from __future__ import annotations

import json
import socket
from pathlib import Path

import pytest

from support.programs import Daydream, Endpoint


def assert_refused(daydream: Daydream, *arguments: str, fix: str) -> None:
    done = daydream("run", "-n", "1", *arguments)
    assert done.returncode == 2, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    lines = [line for line in done.stderr.splitlines() if line.startswith("daydream: ")]
    assert len(lines) == 1
    assert fix in lines[0]


def test_an_unreachable_model_is_refused(tmp_path: Path) -> None:
    daydream = Daydream(
        tmp_path,
        None,
        DAYDREAM_MODEL_BASE_URL="http://127.0.0.1:9/v1",
        DAYDREAM_MODEL_NAME="priced-1",
    )
    assert_refused(daydream, "--cap", "1", fix="DAYDREAM_MODEL_BASE_URL")


def test_a_wrong_key_is_refused(tmp_path: Path, endpoint: Endpoint) -> None:
    assert_refused(
        Daydream(tmp_path, endpoint, DAYDREAM_MODEL_API_KEY="wrong"),
        "--cap",
        "1",
        fix="DAYDREAM_MODEL_API_KEY",
    )


def test_a_model_without_a_price_is_refused(tmp_path: Path, endpoint: Endpoint) -> None:
    assert_refused(
        Daydream(tmp_path, endpoint),
        "--cap",
        "1",
        "--model-name",
        "unheard-of",
        fix='models."unheard-of" = { input_usd_per_mtok',
    )


def test_a_paid_model_without_a_cap_is_refused(tmp_path: Path, endpoint: Endpoint) -> None:
    assert_refused(Daydream(tmp_path, endpoint), fix="--cap")
    assert endpoint.witness()["calls"] == 0


def test_a_port_in_use_is_refused(tmp_path: Path, endpoint: Endpoint) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        assert_refused(
            Daydream(tmp_path, endpoint),
            "--cap",
            "1",
            "--port",
            str(taken.getsockname()[1]),
            fix="0 for any free port",
        )


def test_an_unwritable_folder_is_refused(tmp_path: Path, endpoint: Endpoint) -> None:
    (tmp_path / "file").write_text("")
    assert_refused(
        Daydream(tmp_path, endpoint, DAYDREAM_DATA=str(tmp_path / "file" / "data")),
        "--cap",
        "1",
        fix="--data",
    )


def test_a_missing_file_is_refused(tmp_path: Path, endpoint: Endpoint) -> None:
    assert_refused(
        Daydream(tmp_path, endpoint), "--cap", "1", str(tmp_path / "nothing"), fix="existing files"
    )


@pytest.mark.parametrize(
    ("variable", "value"),
    [("DAYDREAM_SAMPLER_STAGES", "foo"), ("DAYDREAM_BUDGET_TIME_ZONE", "Mars/Base")],
)
def test_an_invalid_value_of_a_setting_is_refused(
    tmp_path: Path, endpoint: Endpoint, variable: str, value: str
) -> None:
    assert_refused(Daydream(tmp_path, endpoint, **{variable: value}), "--cap", "1", fix=variable)


def test_an_unknown_setting_is_reported_with_the_likely_name(
    tmp_path: Path, endpoint: Endpoint
) -> None:
    daydream = Daydream(tmp_path, endpoint, DAYDREAM_CRITIC_TARGT_PRECISION="0.9")
    done = daydream("doctor", "--json")
    checks = json.loads(done.stdout)
    problems = [check for check in checks if check["fix"] and check["about"] != "offer"]
    assert [problem["about"] for problem in problems] == ["settings"]
    assert "did you mean DAYDREAM_CRITIC_TARGET_PRECISION?" in problems[0]["result"]
    assert done.returncode == 2
    refusal = daydream("run", "-n", "1", "--model-name", "unheard-of").stderr
    assert "did you mean DAYDREAM_CRITIC_TARGET_PRECISION?" in " ".join(refusal.split()), (
        "besides other errors"
    )
