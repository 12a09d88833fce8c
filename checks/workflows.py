"""Lint `.github`: actionlint for mistakes, zizmor for holes in security.

zizmor is a package of the environment. actionlint is a program of the Go world: it is taken from
the PATH, or built once into `.tools` where Go is installed. Where neither is there, a line says so.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from checks.sources import ROOT

ACTIONLINT = "github.com/rhysd/actionlint/cmd/actionlint@v1.7.12"
BUILD_TIMEOUT_S = 600
TOOLS_FOLDER = ROOT / ".tools"
BIN = Path(sys.executable).parent


def actionlint() -> Path | None:
    """Return the program, building it if that is possible; None if there is no way to have it."""
    installed = shutil.which("actionlint")
    if installed:
        return Path(installed)
    built = TOOLS_FOLDER / "actionlint"
    if not built.exists():
        _build(TOOLS_FOLDER)
    return built if built.exists() else None


def main() -> int:
    """Run both; return 1 if one of them finds something."""
    program = actionlint()
    if program is None:
        print("actionlint: not run, there is no actionlint and no Go toolchain here")
    lint = [] if program is None else [str(program), "-shellcheck", str(BIN / "shellcheck")]
    audit = [str(BIN / "zizmor"), "--offline", "--quiet", ".github"]
    codes = [_run(command) for command in (lint, audit) if command]
    return 1 if any(codes) else 0


def _build(folder: Path) -> None:
    """Build actionlint with Go, which checks its sources against the public checksum database."""
    go = shutil.which("go")
    if not go:
        return
    environment = {**os.environ, "GOBIN": str(folder)}
    command = [go, "install", ACTIONLINT]
    try:
        subprocess.run(command, env=environment, timeout=BUILD_TIMEOUT_S, check=False)
    except subprocess.TimeoutExpired:
        print(f"actionlint: not built within {BUILD_TIMEOUT_S} s")


def _run(command: list[str]) -> int:
    code = subprocess.run(command, cwd=ROOT, check=False).returncode
    print(f"{Path(command[0]).name}: {'failed' if code else 'no findings'}")
    return code


if __name__ == "__main__":
    sys.exit(main())
