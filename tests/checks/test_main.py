"""The command of the checks: what it prints and returns."""

from __future__ import annotations

from pathlib import Path

import pytest

from checks.__main__ import main, read_baseline, report
from checks.finding import Finding

FINDINGS = [Finding("b.py", 2, "wrong", "Fix it"), Finding("a.py", 1, "wrong", "Fix it")]


def test_findings_are_printed_in_order_and_fail_the_check(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert not report("rule", FINDINGS, 0, only_count=False)
    assert capsys.readouterr().out == (
        "a.py:1: wrong. Fix it.\nb.py:2: wrong. Fix it.\nrule: 2 findings\n"
    )


def test_the_baseline_allows_so_many_and_no_more(capsys: pytest.CaptureFixture[str]) -> None:
    assert report("rule", FINDINGS, 2, only_count=False)
    assert "a.py" not in capsys.readouterr().out
    assert not report("rule", FINDINGS, 1, only_count=False)


def test_a_baseline_that_is_not_there_allows_nothing(tmp_path: Path) -> None:
    assert read_baseline(tmp_path / "baseline.toml") == {}
    (tmp_path / "baseline.toml").write_text("phrases = 3\n")
    assert read_baseline(tmp_path / "baseline.toml") == {"phrases": 3}


def test_an_unknown_check_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["speling"])
    assert "unknown check: speling. Choose from: class-names" in capsys.readouterr().err
