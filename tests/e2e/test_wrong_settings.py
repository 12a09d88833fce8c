"""A configuration error gives one line with the fix and exit code 2, before anything is spent."""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from unittest.mock import patch

import pytest

from support.commands import run_command
from support.programs import Daydream, EndpointProgram, priced_endpoint

AssertRefused = Callable[..., None]


@pytest.fixture(scope="module")
def endpoint(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EndpointProgram]:
    """One endpoint for all refusals: none of them calls a model."""
    with priced_endpoint(tmp_path_factory.mktemp("endpoint")) as running:
        yield running
        assert running.witness()["calls"] == 0, "nothing was spent"


@pytest.fixture
def assert_refused(capsys: pytest.CaptureFixture[str]) -> AssertRefused:
    """Run the command in this process: almost all refusals come before anything is started."""

    def check(daydream: Daydream, *arguments: str, fix: str) -> None:
        with patch.dict(os.environ, daydream.environment, clear=True):
            done = run_command(capsys, "run", "-n", "1", *arguments)
        assert done.exit_code == 2, done.stdout + done.stderr
        assert "Traceback" not in done.stderr
        lines = [line for line in done.stderr.splitlines() if line.startswith("daydream: ")]
        assert len(lines) == 1
        assert fix in lines[0]

    return check


def test_an_unreachable_model_is_refused(tmp_path: Path, assert_refused: AssertRefused) -> None:
    daydream = Daydream(
        tmp_path,
        None,
        DAYDREAM_MODEL_BASE_URL="http://127.0.0.1:9/v1",
        DAYDREAM_MODEL_NAME="priced-1",
    )
    assert_refused(daydream, "--cap", "1", fix="DAYDREAM_MODEL_BASE_URL")


def test_a_wrong_key_is_refused(
    tmp_path: Path, endpoint: EndpointProgram, assert_refused: AssertRefused
) -> None:
    assert_refused(
        Daydream(tmp_path, endpoint, DAYDREAM_MODEL_API_KEY="wrong"),
        "--cap",
        "1",
        fix="DAYDREAM_MODEL_API_KEY",
    )


def test_a_model_without_a_price_is_refused(
    tmp_path: Path, endpoint: EndpointProgram, assert_refused: AssertRefused
) -> None:
    assert_refused(
        Daydream(tmp_path, endpoint),
        "--cap",
        "1",
        "--model-name",
        "unheard-of",
        fix='models."unheard-of" = { input_usd_per_mtok',
    )


def test_a_paid_model_without_a_cap_is_refused(
    tmp_path: Path, endpoint: EndpointProgram, assert_refused: AssertRefused
) -> None:
    assert_refused(Daydream(tmp_path, endpoint), fix="--cap")


def test_a_port_in_use_is_refused(
    tmp_path: Path, endpoint: EndpointProgram, assert_refused: AssertRefused
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        assert_refused(
            Daydream(tmp_path, endpoint),
            "--cap",
            "1",
            "--port",
            str(taken.getsockname()[1]),
            fix="0 for any free port",
        )


def test_an_unwritable_folder_is_refused(
    tmp_path: Path, endpoint: EndpointProgram, assert_refused: AssertRefused
) -> None:
    (tmp_path / "file").write_text("")
    assert_refused(
        Daydream(tmp_path, endpoint, DAYDREAM_DATA=str(tmp_path / "file" / "data")),
        "--cap",
        "1",
        fix="--data",
    )


def test_a_missing_file_is_refused(
    tmp_path: Path, endpoint: EndpointProgram, assert_refused: AssertRefused
) -> None:
    assert_refused(
        Daydream(tmp_path, endpoint), "--cap", "1", str(tmp_path / "nothing"), fix="existing files"
    )


def test_an_invalid_value_of_a_setting_is_refused(
    tmp_path: Path, endpoint: EndpointProgram, assert_refused: AssertRefused
) -> None:
    daydream = Daydream(tmp_path, endpoint, DAYDREAM_SAMPLER_STAGES="foo")
    assert_refused(daydream, "--cap", "1", fix="DAYDREAM_SAMPLER_STAGES")


def test_an_unknown_setting_is_reported_with_the_likely_name(
    tmp_path: Path, endpoint: EndpointProgram, capsys: pytest.CaptureFixture[str]
) -> None:
    daydream = Daydream(tmp_path, endpoint, DAYDREAM_CRITIC_TARGT_PRECISION="0.9")
    with patch.dict(os.environ, daydream.environment, clear=True):
        done = run_command(capsys, "doctor", "--json")
        refusal = run_command(capsys, "run", "-n", "1", "--model-name", "unheard-of").stderr
    checks = json.loads(done.stdout)["items"]
    problems = [check for check in checks if check["fix"] and check["about"] != "offer"]
    assert [problem["about"] for problem in problems] == ["settings"]
    assert "did you mean DAYDREAM_CRITIC_TARGET_PRECISION?" in problems[0]["result"]
    assert done.exit_code == 2
    assert "did you mean DAYDREAM_CRITIC_TARGET_PRECISION?" in " ".join(refusal.split()), (
        "besides other errors"
    )
