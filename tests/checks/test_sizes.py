"""The checks of sizes can fail."""

from __future__ import annotations

import pytest

from checks import sizes
from checks.sources import SourceFile


def function_of(lines: int, name: str = "work") -> str:
    return f"def {name}() -> None:\n" + "    pass\n" * (lines - 1)


def test_a_module_over_the_limit_is_reported() -> None:
    (finding,) = sizes.long_modules([SourceFile("a.py", "x = 1\n" * 301)])
    assert str(finding).startswith("a.py:1: the module has 301 lines, more than 300.")


def test_a_function_over_the_limit_is_reported_at_its_line() -> None:
    (finding,) = sizes.long_functions([SourceFile("a.py", "\n\n" + function_of(61))])
    assert (finding.line, finding.wrong) == (3, "work has 61 lines, more than 60")


def test_what_is_exactly_at_the_limit_passes() -> None:
    padding = "x = 1\n" * 240
    assert list(sizes.long_functions([SourceFile("a.py", padding + function_of(60))])) == []


def test_a_long_line_without_spaces_is_reported_too() -> None:
    longest, longer = "x" * sizes.COLUMNS_MAX, "x" * (sizes.COLUMNS_MAX + 1)
    (finding,) = sizes.long_lines([SourceFile("a.py", f"{longest}\n{longer}\n")])
    assert finding.line == 2


@pytest.mark.parametrize("mark", ["# fmt: skip", "#fmt:skip", "# fmt: off"])
def test_a_mark_that_switches_the_formatter_off_is_reported(mark: str) -> None:
    (finding,) = sizes.formatter_marks([SourceFile("a.py", f"x = 1\ny = 2  {mark}\n")])
    assert finding.line == 2


def test_the_figures_are_those_of_the_files() -> None:
    files = [SourceFile("a.py", function_of(3)), SourceFile("b.py", function_of(7) + "x = 1\n")]
    assert sizes.lengths(files) == ([3, 8], [3, 7])
    assert sizes.describe("modules", [1, 2, 3, 4, 10]) == (
        "modules: 5, median 3 lines, p90 7.6, longest 10"
    )


def test_a_distribution_that_is_too_long_is_reported_figure_by_figure() -> None:
    assert sizes.exceeded([100, 110, 111], [9, 9]) == []
    assert sizes.exceeded([100, 111, 400], [10, 10]) == [
        "median module: 111 lines, more than 110. Split the longest.",
        "90th percentile of modules: 342.2 lines, more than 230. Split the longest.",
        "median function: 10 lines, more than 9. Split the longest.",
    ]
