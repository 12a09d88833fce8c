"""The page of faults is that of the tests, and each fault has a test or says that it has none."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from deploy.faults_page import FIX, PAGE, faults_page
from support.fault_marks import TESTS, fault_table, shown_faults

RESEARCHED = {f"F{number}" for number in range(1, 36)}


def test_the_page_equals_the_marks() -> None:
    assert PAGE.read_text() == faults_page(), FIX


def test_each_fault_has_a_test_or_says_what_is_missing() -> None:
    shown = {fault for test in shown_faults() for fault in test.faults}
    silent = [row.number for row in fault_table() if row.number not in shown and not row.gaps]
    assert silent == []
    known = {row.number for row in fault_table()}
    assert known >= RESEARCHED
    assert shown <= known, "a mark names a fault that is in the table"


def test_a_mark_is_read_with_its_target(tmp_path: Path) -> None:
    folder = tmp_path / "tests" / "chaos"
    folder.mkdir(parents=True)
    mark = 'import pytest\n\n@pytest.mark.fault("F1", invariant="it {}")\n'
    (folder / "test_a.py").write_text(
        f"{mark.format('works')}@pytest.mark.slow\ndef test_slow() -> None: ...\n"
        f"{mark.format('holds')}async def test_short() -> None: ...\n"
    )
    read = {test.node: (test.invariant, test.target) for test in shown_faults(tmp_path / "tests")}
    assert read == {
        "tests/chaos/test_a.py::test_slow": ("it works", "make test-chaos"),
        "tests/chaos/test_a.py::test_short": ("it holds", "make test-e2e"),
    }


def test_a_result_is_shown_with_its_cases(tmp_path: Path) -> None:
    test = next(test for test in shown_faults() if test.name)
    results = tmp_path / "results.json"
    results.write_text(f'{{"{test.node}": {{"commit": "abc", "cases": {{"0": "failed"}}}}}}')
    assert "failed at abc: `0` |" in faults_page(results)


def test_a_run_records_what_the_marked_tests_did(tmp_path: Path) -> None:
    file = tmp_path / "results.json"
    shown = next(test for test in shown_faults() if "test_prompt_injection" in test.path)
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-n", "0"]
    subprocess.run(
        [*command, "--fault-results", str(file), TESTS.parent / shown.path],
        cwd=TESTS.parent,
        check=True,
        capture_output=True,
    )
    recorded = json.loads(file.read_text())
    assert list(recorded) == [shown.node], "tests without the mark are not recorded"
    assert set(recorded[shown.node]["cases"].values()) == {"passed"}
    assert recorded[shown.node]["commit"]
