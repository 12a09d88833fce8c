"""Every error says what to do about it."""

from __future__ import annotations

import shlex

import pytest

from daydream_console.cli.command_list import COMMANDS, COMMANDS_OF_GROUPS, DEFAULTS
from daydream_console.error_fixes import FIXES
from daydream_console.web.problems import problem_of
from daydream_contracts.errors import PermanentError, RetryLaterError
from support.console import ConsoleFixture

PROPOSED = sorted(fix.partition("daydream ")[2] for fix in FIXES.values() if "daydream " in fix)


@pytest.mark.parametrize("proposed", PROPOSED)
def test_every_command_that_is_proposed_exists(proposed: str) -> None:
    words = shlex.split(proposed)
    names = {" ".join(words[:length]) for length in (1, 2, 3)}
    assert names & {*COMMANDS, *COMMANDS_OF_GROUPS, *DEFAULTS}


@pytest.mark.parametrize("error", [PermanentError("of-no-table", "Odd"), RetryLaterError("Away")])
def test_an_error_without_its_own_fix_has_a_general_one(error: Exception) -> None:
    assert problem_of(error).fix


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("get", "/api/v1/insights/none", 404),
        ("get", "/api/v1/insights?limit=0", 400),
        ("get", "/api/v1/insights?cursor=x", 400),
        ("get", "/api/v1/nothing", 404),
        ("put", "/api/v1/insights", 405),
        ("post", "/api/v1/budget/changes", 415),
    ],
)
def test_a_problem_says_what_to_do(method: str, path: str, status: int) -> None:
    answer = ConsoleFixture().client().request(method, path)
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["fix"]
