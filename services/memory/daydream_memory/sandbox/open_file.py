"""A file in memory that has no name: what came over the network, for a worker to read."""

from __future__ import annotations

import io
import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager


def unnamed_file() -> io.FileIO:
    """Return an empty file that no other process can open. It goes with its descriptor."""
    if sys.platform == "linux":
        return io.FileIO(os.memfd_create("document"), "r+")
    return io.FileIO(os.dup(tempfile.TemporaryFile().fileno()), "r+")


@contextmanager
def file_with(data: bytes) -> Iterator[int]:
    """Yield the descriptor of such a file with this content."""
    with unnamed_file() as file:
        file.write(data)
        file.seek(0)
        yield file.fileno()
