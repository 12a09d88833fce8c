"""Find the files of a folder that are documents."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from daydream_contracts.errors import ConfigurationError


def files_under(paths: Sequence[Path]) -> list[Path]:
    """Return all files at these paths except hidden ones, in a stable order.

    Raise ConfigurationError for a path that does not exist.
    """
    files: list[Path] = []
    for path in paths:
        if not path.exists():
            raise ConfigurationError(f"{path} does not exist", "Pass existing files or folders")
        files += [path] if path.is_file() else list(_walk(path))
    return files


def _walk(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.rglob("*")):
        if path.is_file() and not hidden(path, [folder]):
            yield path


def hidden(path: Path, folders: Sequence[Path]) -> bool:
    """Return True if a dot begins its name, or that of a folder between it and one of these."""
    absolute = path.absolute()
    roots = [folder.absolute() for folder in folders]
    root = next((root for root in roots if absolute.is_relative_to(root)), None)
    inner = absolute.relative_to(root) if root else path
    return any(part.startswith(".") for part in inner.parts)
