"""Limits on modules and functions, and the figures behind them.

`python -m checks.sizes` prints the distribution of module and function lengths.
"""

from __future__ import annotations

import re
import statistics
import sys
from collections.abc import Iterable, Iterator, Sequence

from checks.finding import Finding
from checks.sources import (
    PRODUCT,
    TESTS,
    TOOLS,
    SourceFile,
    comments,
    functions,
    length_of,
    python_files,
)

MODULE_LINES_MAX = 300
FUNCTION_LINES_MAX = 60
COLUMNS_MAX = 100
FORMATTER_MARK = re.compile(r"#\s*fmt:\s*(skip|off)")

# The whole distribution is held too: long modules are allowed as an exception, not as a habit.
MODULE_MEDIAN_MAX = 110
MODULE_P90_MAX = 230
FUNCTION_MEDIAN_MAX = 9


def run() -> list[Finding]:
    """Check the limits. A module of tests may be longer: the check of suites holds those."""
    code = python_files((*PRODUCT, *TOOLS))
    everything = [*code, *python_files(TESTS)]
    return [
        *long_modules(code),
        *long_functions(code),
        *long_lines(everything),
        *formatter_marks(everything),
    ]


def long_modules(files: Iterable[SourceFile]) -> Iterator[Finding]:
    """Yield a finding for each module over the limit."""
    for file in files:
        if len(file.lines) > MODULE_LINES_MAX:
            yield Finding(
                file.path,
                1,
                f"the module has {len(file.lines)} lines, more than {MODULE_LINES_MAX}",
                "Split it where one idea ends",
            )


def long_functions(files: Iterable[SourceFile]) -> Iterator[Finding]:
    """Yield a finding for each function over the limit."""
    for file in files:
        for function in functions(file):
            length = length_of(function)
            if length > FUNCTION_LINES_MAX:
                yield Finding(
                    file.path,
                    function.lineno,
                    f"{function.name} has {length} lines, more than {FUNCTION_LINES_MAX}",
                    "Move its steps into functions",
                )


def long_lines(files: Iterable[SourceFile]) -> Iterator[Finding]:
    """Yield a finding for each line that is too long.

    The linter lets pass a long line without spaces, such as a regular expression.
    """
    for file in files:
        for number, line in enumerate(file.lines, 1):
            if len(line) > COLUMNS_MAX:
                problem = f"the line has {len(line)} columns, more than {COLUMNS_MAX}"
                yield Finding(file.path, number, problem, "Split the text")


def formatter_marks(files: Iterable[SourceFile]) -> Iterator[Finding]:
    """Yield a finding for each mark that switches the formatter off."""
    for file in files:
        if not FORMATTER_MARK.search(file.text):
            continue
        for number, comment in comments(file):
            if FORMATTER_MARK.search(comment):
                yield Finding(file.path, number, "the formatter is switched off", "Remove the mark")


def lengths(files: Iterable[SourceFile]) -> tuple[list[int], list[int]]:
    """Return the lengths of all modules, and of all functions."""
    read = list(files)
    modules = [len(file.lines) for file in read]
    return modules, [length_of(function) for file in read for function in functions(file)]


def describe(name: str, values: Sequence[int]) -> str:
    """Say the number, median, 90th percentile and maximum in one line."""
    return (
        f"{name}: {len(values)}, median {statistics.median(values):g} lines, "
        f"p90 {p90(values):g}, longest {max(values)}"
    )


def p90(values: Sequence[int]) -> float:
    """Return the 90th percentile, interpolated between the two nearest values."""
    return statistics.quantiles(values, n=10, method="inclusive")[-1]


def exceeded(modules: Sequence[int], lengths_of_functions: Sequence[int]) -> list[str]:
    """Return one line per figure of the distribution that is over its limit."""
    figures = (
        ("median module", statistics.median(modules), MODULE_MEDIAN_MAX),
        ("90th percentile of modules", p90(modules), MODULE_P90_MAX),
        ("median function", statistics.median(lengths_of_functions), FUNCTION_MEDIAN_MAX),
    )
    return [
        f"{name}: {value:g} lines, more than {limit}. Split the longest."
        for name, value, limit in figures
        if value > limit
    ]


def main() -> int:
    """Print the distribution; return 1 if one of its figures is over the limit."""
    modules, function_lengths = lengths(python_files(PRODUCT))
    print(describe("modules", modules))
    print(describe("functions", function_lengths))
    problems = exceeded(modules, function_lengths)
    print("\n".join(problems) or "all figures are within their limits")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
