"""`daydream doctor` proposes a command for each problem."""

from __future__ import annotations

import json
import re
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.commands import run_command

COMMAND = re.compile(r"Run: (\S.*)$")


@pytest.fixture
def busy_port() -> Iterator[int]:
    """A port of the loopback address on which somebody listens."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield int(listener.getsockname()[1])


@pytest.mark.parametrize(
    ("variables", "options", "about", "proposed"),
    [
        ({}, ("--data", "/proc/none"), "data folder", 'export DAYDREAM_DATA="$HOME/daydream"'),
        (
            {"DAYDREAM_SAMPLER_CANARY_SHARE": "7"},
            (),
            "settings",
            "unset DAYDREAM_SAMPLER_CANARY_SHARE",
        ),
        (
            {"DAYDREAM_SAMPLER_CANARY_SHAER": "0.1"},
            (),
            "settings",
            'export DAYDREAM_SAMPLER_CANARY_SHARE="$DAYDREAM_SAMPLER_CANARY_SHAER"; '
            "unset DAYDREAM_SAMPLER_CANARY_SHAER",
        ),
        (
            {"DAYDREAM_MODEL_BASE_URL": "http://127.0.0.1:1/v1"},
            (),
            "model",
            "unset DAYDREAM_MODEL_BASE_URL",
        ),
        ({}, ("--port", "busy"), "console", "daydream up --port 0"),
    ],
)
def test_each_problem_has_its_command(
    variables: dict[str, str],
    options: tuple[str, ...],
    about: str,
    proposed: str,
    *,
    busy_port: int,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("DAYDREAM_DATA", str(tmp_path))
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    given = [str(busy_port) if option == "busy" else option for option in options]
    if "--port" not in options:
        given += ["--port", "0"]
    done = run_command(capsys, "doctor", *given, "--json")
    assert done.exit_code == 2, done.stdout + done.stderr
    problems = [item for item in json.loads(done.stdout)["items"] if item["fix"]]
    assert [item["about"] for item in problems if item["about"] != "offer"] == [about]
    named = COMMAND.search(problems[0]["fix"])
    assert named, problems[0]["fix"]
    assert named[1] == proposed
