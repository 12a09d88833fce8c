"""A file system with a fixed size, which tests fill. It needs no privileges, only user namespaces.

It is mounted in the namespace of a process that holds it. Programs that shall see it are started
in there; the test reaches it through `/proc`. It ends with its holder.
"""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

FILLER = "filler"
PIECE = bytes(2**16)


@dataclass(frozen=True)
class SmallDisk:
    """The mounted file system. `folder` is its path for programs in its namespace."""

    folder: Path
    holder: int

    @property
    def seen(self) -> Path:
        """Return its path for everybody else."""
        return Path(f"/proc/{self.holder}/root{self.folder}")

    @property
    def launcher(self) -> tuple[str, ...]:
        """Return the beginning of the command of a program that shall see it."""
        return ("nsenter", "-t", str(self.holder), "-U", "-m", "--preserve-credentials")

    def fill(self) -> None:
        """Use all the space that is left."""
        with (self.seen / FILLER).open("ab", buffering=0) as file:
            for piece in (PIECE, PIECE[:1]):
                try:
                    while True:
                        file.write(piece)
                except OSError:
                    continue

    def free(self) -> None:
        """Give the space back."""
        (self.seen / FILLER).unlink()


@contextmanager
def small_disk(folder: Path, size_mb: int) -> Iterator[SmallDisk | None]:
    """Mount a file system of that size at a folder. Yield None where that is not allowed."""
    folder.mkdir(parents=True, exist_ok=True)
    script = f'mount -t tmpfs -o size={size_mb}m tmpfs "{folder}" && echo ready && exec sleep 3600'
    holder = subprocess.Popen(
        ["unshare", "-rm", "sh", "-c", script], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    try:
        assert holder.stdout is not None
        is_mounted = holder.stdout.readline() == b"ready\n"
        yield SmallDisk(folder, holder.pid) if is_mounted else None
    finally:
        holder.kill()
        holder.communicate()
