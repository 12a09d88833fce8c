"""The command of the checks: what it prints and returns."""

from __future__ import annotations

import pytest

from checks.__main__ import main, report
from checks.finding import Finding

FINDINGS = [Finding("b.py", 2, "wrong", "Fix it"), Finding("a.py", 1, "wrong", "Fix it")]


def test_findings_are_printed_in_order_and_fail_the_check(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert not report("rule", FINDINGS, only_count=False)
    assert capsys.readouterr().out == (
        "a.py:1: wrong. Fix it.\nb.py:2: wrong. Fix it.\nrule: 2 findings\n"
    )


def test_a_check_without_findings_passes(capsys: pytest.CaptureFixture[str]) -> None:
    assert report("rule", [], only_count=False)
    assert capsys.readouterr().out == "rule: 0 findings\n"


def test_an_unknown_check_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["speling"])
    assert "unknown check: speling. Choose from: class-names" in capsys.readouterr().err
