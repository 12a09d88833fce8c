"""The code of an earlier version, out of the project's own history, with today's dependencies.

It is the commit that `PREVIOUS` in the environment names; otherwise the last release, or the last
merge, before the present commit, or the commit before it.
"""

from __future__ import annotations

import io
import os
import subprocess
import sys
import tarfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from subprocess import Popen

from support.programs import clean_environment
from support.services import service

ROOT = Path(__file__).resolve().parents[2]
FOLDERS = ("shared", "services")
GIT_S = 60


class NoPreviousVersionError(Exception):
    """There is no history to take an earlier version from. The text says why."""


@dataclass(frozen=True)
class PreviousVersion:
    """An earlier version in its own folder."""

    commit: str
    folder: Path

    @property
    def packages(self) -> list[Path]:
        """Return the folders of its packages, which Python finds before the installed ones."""
        return sorted(file.parent for file in self.folder.glob("*/*/pyproject.toml"))

    def variables(self) -> dict[str, str]:
        """Return what makes a process run this version instead of the installed one."""
        return {"PYTHONPATH": os.pathsep.join(map(str, self.packages))}

    def run(self, module: str, home: Path, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run a module of this version to its end."""
        return subprocess.run(
            [sys.executable, "-m", module],
            env=clean_environment(home, **environment, **self.variables()),
            text=True,
            capture_output=True,
            timeout=120,
            check=False,
        )

    @contextmanager
    def service(
        self, name: str, nats_url: str, folder: Path, *, ready: bool = True, **environment: str
    ) -> Iterator[Popen[str]]:
        """Run a service of this version, as `support.services.service` runs one of today."""
        own = {**environment, **self.variables()}
        with service(name, nats_url, folder, ready=ready, **own) as process:
            yield process

    def origins(self, modules: Iterable[str], home: Path) -> list[Path]:
        """Return the files from which a process of this version gets these modules."""
        names = list(modules)
        program = f"import {', '.join(names)}\n" + "".join(
            f"print({name}.__file__)\n" for name in names
        )
        done = subprocess.run(
            [sys.executable, "-c", program],
            env=clean_environment(home, **self.variables()),
            text=True,
            capture_output=True,
            timeout=60,
            check=True,
        )
        return [Path(line) for line in done.stdout.splitlines()]


def previous_version(folder: Path) -> PreviousVersion:
    """Write the earlier version into a folder. Raise NoPreviousVersionError without a history."""
    commit = previous_commit()
    with tarfile.open(fileobj=io.BytesIO(read_archive(commit, *FOLDERS))) as files:
        files.extractall(folder, filter="data")
    return PreviousVersion(commit, folder)


def read_archive(commit: str, *folders: str) -> bytes:
    """Return folders of a commit as a tar file."""
    return _git("archive", "--format=tar", commit, *folders)


def previous_commit() -> str:
    """Return the commit of the earlier version. Raise NoPreviousVersionError without a history."""
    if named := os.environ.get("PREVIOUS"):
        return named
    parent = _git("rev-parse", "--verify", "HEAD^1").decode().strip()
    try:
        return _git("describe", "--tags", "--abbrev=0", "--match", "v*", parent).decode().strip()
    except NoPreviousVersionError:
        merge = _git("rev-list", "--merges", "--first-parent", "--max-count=1", parent)
        return merge.decode().strip() or parent


def _git(*words: str) -> bytes:
    try:
        done = subprocess.run(
            ["git", "-C", str(ROOT), *words], capture_output=True, timeout=GIT_S, check=False
        )
    except FileNotFoundError:
        raise NoPreviousVersionError("git is not installed") from None
    if done.returncode:
        text = done.stderr.decode(errors="replace").strip()
        raise NoPreviousVersionError(f"git {' '.join(words)}: {text}")
    return done.stdout
