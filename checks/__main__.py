"""Run the checks: `python -m checks [--count] [NAME ...]`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence

from checks import class_names, docstrings, phrases, sizes, suite, variable_names
from checks.finding import Finding

CHECKS: dict[str, Callable[[], list[Finding]]] = {
    "class-names": class_names.run,
    "sizes": sizes.run,
    "variable-names": variable_names.run,
    "suite": suite.run,
    "docstrings": docstrings.run,
    "phrases": phrases.run,
}


def main(argv: Sequence[str] | None = None) -> int:
    """Print what the checks find. Return 1 if one of them finds anything."""
    parser = _parser()
    arguments = parser.parse_args(argv)
    unknown = sorted(set(arguments.names) - set(CHECKS))
    if unknown:
        parser.error(f"unknown check: {', '.join(unknown)}. Choose from: {', '.join(CHECKS)}")
    results = [
        report(name, CHECKS[name](), only_count=arguments.count)
        for name in arguments.names or CHECKS
    ]
    return 0 if all(results) else 1


def report(name: str, findings: Sequence[Finding], *, only_count: bool) -> bool:
    """Print the findings of one check. Return True if there are none."""
    if not only_count:
        for finding in sorted(findings):
            print(finding)
    print(f"{name}: {len(findings)} findings")
    return not findings


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m checks", description=__doc__)
    names = ", ".join(CHECKS)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"one of: {names}; default: all")
    parser.add_argument("--count", action="store_true", help="print the numbers only")
    return parser


if __name__ == "__main__":
    sys.exit(main())
