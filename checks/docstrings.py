"""Docstrings of functions begin with a verb in the imperative: ruff's rule D401."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from checks.finding import Finding
from checks.sources import PRODUCT, ROOT, TOOLS

RUFF = Path(sys.executable).parent / "ruff"


def run() -> list[Finding]:
    """Check the product and its tools."""
    return check(*(ROOT / folder for folder in (*PRODUCT, *TOOLS)))


def check(*paths: Path) -> list[Finding]:
    """Return a finding for each docstring that begins with anything but an imperative."""
    command: list[str | Path] = [
        RUFF,
        "check",
        "--select",
        "D401",
        "--output-format",
        "json",
        "--exit-zero",
        *paths,
    ]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    return [_finding(problem) for problem in json.loads(done.stdout)]


def _finding(problem: dict[str, Any]) -> Finding:
    path = Path(problem["filename"])
    return Finding(
        (path.relative_to(ROOT) if path.is_relative_to(ROOT) else path).as_posix(),
        problem["location"]["row"],
        problem["message"].replace("First line of docstring", "the docstring"),
        "Begin with what the function does: Return, Yield, Store",
    )
