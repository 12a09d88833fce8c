"""A plug-in of pytest that records the results of tests with a `fault` mark in a JSON file.

    pytest --fault-results tests/fault_results.json -m slow

Each test has its outcome, the cases that ran (the seeds are among them), and the commit. A run
replaces the results of the tests that it ran, and leaves the others.
"""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

CASE = re.compile(r"\[(.*)\]$", re.DOTALL)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Take the name of the file."""
    parser.addoption("--fault-results", help="write the results of tests with a fault mark here")


class FaultRecorder:
    """The outcomes of this run by test and case."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._outcomes: dict[str, dict[str, str]] = {}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Keep the worst outcome of the phases of a case."""
        if "fault" not in report.keywords or (report.when != "call" and report.passed):
            return
        case = CASE.search(report.nodeid)
        name = CASE.sub("", report.nodeid)
        self._outcomes.setdefault(name, {})[case.group(1) if case else ""] = report.outcome

    def pytest_sessionfinish(self) -> None:
        """Write the file."""
        if not self._outcomes:
            return
        stored = json.loads(self._file.read_text()) if self._file.exists() else {}
        commit = _commit()
        for name, cases in self._outcomes.items():
            stored[name] = {"commit": commit, "cases": dict(sorted(cases.items()))}
        text = json.dumps(dict(sorted(stored.items())), indent=1)
        self._file.write_text(text + "\n")


def pytest_configure(config: pytest.Config) -> None:
    """Record in the process that collects the reports of all others."""
    file = config.getoption("--fault-results")
    if file and not hasattr(config, "workerinput"):
        config.pluginmanager.register(FaultRecorder(Path(file)))


def _commit() -> str:
    """Return the commit, with a `+` where files differ from it."""
    done = subprocess.run(
        ["git", "describe", "--always", "--dirty=+", "--exclude=*"],
        cwd=Path(__file__).parent,
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout.strip() or "unknown"


def results_of(file: Path) -> Iterator[tuple[str, str]]:
    """Yield each test of a file of results, and its result in words."""
    rows: dict[str, dict[str, Any]] = json.loads(file.read_text()) if file.exists() else {}
    for name, row in rows.items():
        cases: dict[str, str] = row["cases"]
        outcomes = set(cases.values())
        outcome = "passed" if outcomes == {"passed"} else ", ".join(sorted(outcomes))
        named = ", ".join(f"`{case}`" for case in cases if case)
        yield name, f"{outcome} at {row['commit']}" + (f": {named}" if named else "")
