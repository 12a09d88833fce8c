"""The audit of dependencies fails for a known vulnerability, and only for that."""

from __future__ import annotations

import json
from typing import Any

import pytest

from checks.dependency_audit import check

CONSTRAINTS = "alpha==1.0 \\\n    --hash=sha256:00\nbeta==2.0 ; sys_platform == 'win32'\n"
VULNERABLE = {"name": "beta", "version": "2.0", "vulns": [{"id": "X-1", "fix_versions": ["2.1"]}]}
FINE = {"name": "alpha", "version": "1.0", "vulns": []}
UNKNOWN = {"name": "alpha", "skip_reason": "not found"}


def answer(*packages: dict[str, Any]) -> str:
    return json.dumps({"dependencies": packages})


def test_a_known_vulnerability_fails_the_check(capsys: pytest.CaptureFixture[str]) -> None:
    assert check(CONSTRAINTS, lambda _: answer(FINE, VULNERABLE)) == 1
    assert capsys.readouterr().out == (
        "constraints.txt: beta 2.0 has X-1. Update it to 2.1 (make lock).\n"
    )


def test_no_known_vulnerability_passes(capsys: pytest.CaptureFixture[str]) -> None:
    assert check(CONSTRAINTS, lambda _: answer(FINE)) == 0
    assert "1 audited, none vulnerable" in capsys.readouterr().out


@pytest.mark.parametrize("reply", [None, answer(UNKNOWN)])
def test_a_database_out_of_reach_is_asked_once_and_said_in_one_line(
    reply: str | None, capsys: pytest.CaptureFixture[str]
) -> None:
    asked: list[str] = []

    def database(requirements: str) -> str | None:
        asked.append(requirements)
        return reply

    assert check(CONSTRAINTS, database) == 0
    assert asked == ["alpha==1.0"]
    assert capsys.readouterr().out.startswith("dependencies: not audited, ")
