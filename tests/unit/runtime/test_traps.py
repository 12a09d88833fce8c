"""Traps that are kept out by a rule: the rule is a check."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
SOURCES = [*sorted((ROOT / "shared").rglob("*.py")), *sorted((ROOT / "services").rglob("*.py"))]


@pytest.mark.parametrize(
    "blocking", ["time.sleep(1)", "open('file').read()", "subprocess.run(['true'])"]
)
def test_blocking_code_in_a_coroutine_does_not_pass_the_check(blocking: str) -> None:
    """It would stop the heartbeat of every message in progress."""
    snippet = f"import subprocess\nimport time\n\n\nasync def handler() -> None:\n    {blocking}\n"
    where = "services/critic/daydream_critic/snippet.py"
    checked = subprocess.run(
        [sys.executable, "-m", "ruff", "check", "--stdin-filename", where, "-"],
        input=snippet,
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert "ASYNC" in checked.stdout


def test_only_the_registration_uses_publishers_and_states_its_inbox() -> None:
    """FastStream's `@publisher` without a stream loses messages, and its ack times out after half
    a second. `registration` states both. It states the inbox too: FastStream's pull subscribers
    do not take that of the broker, and only its own inbox is open to a user."""
    assert len(SOURCES) > 100
    for file in SOURCES:
        tree = ast.parse(file.read_text())
        for node in ast.walk(tree):
            if isinstance(node, ast.keyword):
                assert node.arg != "inbox_prefix" or file.stem == "registration", file
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
                assert node.func.attr != "publisher" or file.stem in ("registration", "asyncapi")
