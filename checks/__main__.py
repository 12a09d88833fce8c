"""Run the checks: `python -m checks [--count] [--baseline] [NAME ...]`."""

from __future__ import annotations

import argparse
import sys
import tomllib
from collections.abc import Callable, Sequence
from pathlib import Path

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
BASELINE = Path(__file__).with_name("baseline.toml")


def main(argv: Sequence[str] | None = None) -> int:
    """Print what the checks find; return 1 if one of them finds more than it may."""
    parser = _parser()
    arguments = parser.parse_args(argv)
    unknown = sorted(set(arguments.names) - set(CHECKS))
    if unknown:
        parser.error(f"unknown check: {', '.join(unknown)}. Choose from: {', '.join(CHECKS)}")
    baseline = read_baseline() if arguments.baseline else {}
    results = [
        report(name, CHECKS[name](), baseline.get(name, 0), only_count=arguments.count)
        for name in arguments.names or CHECKS
    ]
    return 0 if all(results) else 1


def report(name: str, findings: Sequence[Finding], allowed: int, *, only_count: bool) -> bool:
    """Print the findings of one check; return True if there are no more than allowed."""
    passed = len(findings) <= allowed
    if not passed and not only_count:
        for finding in sorted(findings):
            print(finding)
    limit = f", {allowed} allowed (checks/baseline.toml)" if allowed else ""
    print(f"{name}: {len(findings)} findings{limit}")
    return passed


def read_baseline(path: Path = BASELINE) -> dict[str, int]:
    """Return how many findings of each check are still allowed; a number may only fall."""
    if not path.exists():
        return {}
    return {name: int(count) for name, count in tomllib.loads(path.read_text()).items()}


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m checks", description=__doc__)
    names = ", ".join(CHECKS)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"one of: {names}; default: all")
    parser.add_argument("--count", action="store_true", help="print the numbers only")
    parser.add_argument(
        "--baseline", action="store_true", help="fail only above the numbers in baseline.toml"
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
