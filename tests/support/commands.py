"""Run the `daydream` command inside this process."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from daydream_console.cli.program import create_program


@dataclass(frozen=True)
class CommandResult:
    """What a command printed, and its exit code."""

    exit_code: int
    stdout: str
    stderr: str


def run_command(capsys: pytest.CaptureFixture[str], *arguments: str) -> CommandResult:
    """Run a command as `main` does, and return its result."""
    capsys.readouterr()
    with pytest.raises(SystemExit) as ended:
        create_program().main(list(arguments), prog_name="daydream")
    printed = capsys.readouterr()
    return CommandResult(int(ended.value.code or 0), printed.out, printed.err)
