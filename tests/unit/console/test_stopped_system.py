"""What commands do while nothing runs, and how they ask."""

from __future__ import annotations

import asyncio
import io
import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
import typer

from daydream_console.cli.command import command, confirm
from daydream_console.local.folder import DataFolder
from support.commands import run_command


@command
async def ask_first(as_json: bool = False) -> None:
    confirm("Really?", yes=False, declined="Nothing was done")


def exit_code_of(*, as_json: bool = False) -> int:
    with pytest.raises(typer.Exit) as ended:
        ask_first(as_json=as_json)
    return ended.value.exit_code


def test_status_says_that_the_system_is_stopped_and_leaves_no_trace(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = tmp_path / "a lab"
    done = run_command(capsys, "status", "--data", str(data))
    assert done.exit_code == 0
    assert f"daydream is stopped in {data}" in done.stdout
    assert f"daydream up --data '{data}'" in done.stdout
    assert not data.exists()
    done = run_command(capsys, "status", "--data", str(data), "--json")
    assert json.loads(done.stdout)["running"] is False


def test_looking_at_a_folder_does_not_hold_it(tmp_path: Path) -> None:
    folder = DataFolder(tmp_path)
    folder.make()
    assert not folder.is_held()
    assert folder.hold()
    assert DataFolder(tmp_path).is_held()
    assert folder.holder == f" (process {os.getpid()})"
    folder.release()
    assert not DataFolder(tmp_path).is_held()


@pytest.mark.parametrize("answer", ["n\n", "\n", ""])
def test_a_no_is_a_failure_and_no_wrong_setting(
    answer: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(answer))
    assert exit_code_of(as_json=True) == 1
    assert json.loads(capsys.readouterr().out) == {
        "schema": 1,
        "error": "Nothing was done",
        "fix": "Answer yes, or pass --yes",
    }


def test_a_yes_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("Y\n"))
    assert exit_code_of() == 0


def test_ctrl_c_is_answered_while_the_command_computes(
    capfd: pytest.CaptureFixture[str],
) -> None:
    @command
    async def compute() -> None:
        os.kill(os.getpid(), signal.SIGINT)
        deadline = time.monotonic() + 0.2
        while time.monotonic() < deadline:  # the loop gets no turn
            pass
        assert "stopping" in capfd.readouterr().err
        await asyncio.sleep(60)

    with pytest.raises(typer.Exit) as ended:
        compute()
    assert ended.value.exit_code == 130


def test_the_second_ctrl_c_ends_the_process_at_once() -> None:
    stubborn = (
        "import asyncio, os, signal\n"
        "from daydream_console.cli.command import command\n"
        "@command\n"
        "async def never_ends():\n"
        "    while True:\n"
        "        try:\n"
        "            os.kill(os.getpid(), signal.SIGINT)\n"
        "            await asyncio.sleep(60)\n"
        "        except asyncio.CancelledError:\n"
        "            pass\n"
        "never_ends()\n"
    )
    done = subprocess.run([sys.executable, "-c", stubborn], timeout=30, check=False)
    assert done.returncode == 130


def test_ctrl_c_is_answered_while_a_question_is_open(monkeypatch: pytest.MonkeyPatch) -> None:
    reading, writing = os.pipe()
    with os.fdopen(reading) as stdin, os.fdopen(writing, "w"):
        monkeypatch.setattr("sys.stdin", stdin)

        def interrupt() -> None:
            time.sleep(0.3)  # nothing shows when the question is open
            os.kill(os.getpid(), signal.SIGINT)

        thread = threading.Thread(target=interrupt)
        thread.start()
        assert exit_code_of() == 130
        thread.join()
