"""Look up the pinned dependencies in a database of known vulnerabilities, with pip-audit.

Where the database cannot be reached, one line says so and the check passes: a machine without the
internet can still run `make check`. A database that knows none of the packages counts as one that
cannot be reached: that is what a mirror of the package index alone looks like.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from checks.sources import ROOT

CONSTRAINTS = ROOT / "constraints.txt"
# Vulnerabilities that do not concern this project, each with the reason.
ACCEPTED: dict[str, str] = {}


Audit = Callable[[str], "str | None"]


def main() -> int:
    """Audit constraints.txt; return 1 if a dependency has a known vulnerability."""
    return check(CONSTRAINTS.read_text(encoding="utf-8"), pip_audit)


def check(constraints: str, audit: Audit) -> int:
    """Ask for the first package, then for all: a database that is away is asked only once."""
    first = next(pin for pin in constraints.splitlines() if "==" in pin)
    if not audited(audit(first.partition(" ")[0])):
        print("dependencies: not audited, the vulnerability database cannot be reached from here")
        return 0
    answer = audit(constraints)
    if answer is None:
        print("dependencies: not audited, the vulnerability database stopped answering")
        return 0
    problems = vulnerabilities(answer)
    print("\n".join(problems) or f"dependencies: {audited(answer)} audited, none vulnerable")
    return 1 if problems else 0


def audited(answer: str | None) -> int:
    """Count the packages that the database knew."""
    return sum("skip_reason" not in package for package in _packages(answer))


def vulnerabilities(answer: str) -> list[str]:
    """Return one line per known vulnerability that is not accepted."""
    return [
        f"constraints.txt: {package['name']} {package['version']} has {known['id']}. "
        f"Update it to {' or '.join(known['fix_versions']) or 'a version without it'} (make lock)."
        for package in _packages(answer)
        for known in package.get("vulns", [])
        if known["id"] not in ACCEPTED
    ]


def pip_audit(requirements: str) -> str | None:
    """Return pip-audit's JSON answer for pinned requirements, or None if there is none."""
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as file:
        file.write(requirements)
        file.flush()
        done = subprocess.run(_command(file.name), capture_output=True, text=True, check=False)
    return done.stdout if done.stdout.startswith("{") else None


def _command(path: str) -> Sequence[str]:
    program = str(Path(sys.executable).parent / "pip-audit")
    options = ["--disable-pip", "--no-deps", "--progress-spinner=off", "--format=json"]
    return [program, *options, "--requirement", path]


def _packages(answer: str | None) -> list[dict[str, Any]]:
    packages: list[dict[str, Any]] = json.loads(answer)["dependencies"] if answer else []
    return packages


if __name__ == "__main__":
    sys.exit(main())
