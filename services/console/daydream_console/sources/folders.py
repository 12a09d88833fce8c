"""Find the documents in files and folders.

- Hidden files and folders are left out and counted: a dot begins their name, or that of a folder
  around them below the given one. So the settings of Obsidian and the data of Git are no documents.
- A link is followed to a file in the same folder, and nowhere else. A link that a person names is
  followed.
- Pipes, devices and sockets are skipped: reading one could block for ever.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from daydream_console.sources.source_document import (
    BYTES_MAX,
    SourceDocument,
    UnreadableSourceError,
    source_name,
    too_large,
)
from daydream_console.sources.zotero import own_data_of_zotero
from daydream_contracts.errors import ConfigurationError

OUTSIDE = "a link out of the folder; it is not followed"
DANGLING = "a link to nothing"
FOLDER_LINK = "a link to a folder; it is not followed"
SPECIAL = "a pipe, a device or a socket, no document"
OPEN = os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC


@dataclass
class FoundFiles:
    """The documents of some files and folders, in a stable order.

    `hidden`: how many files and folders were left out for their name. `closed`: sources of folders
    that could not be listed; nothing is known of what is below.
    """

    documents: list[SourceDocument] = field(default_factory=list)
    hidden: int = 0
    closed: list[str] = field(default_factory=list)


NameOf = Callable[[Path], str]


def files_in(paths: Sequence[Path], name_of: NameOf = source_name) -> FoundFiles:
    """Find all documents at these paths.

    `name_of` gives the source under which people find a document again. Raise ConfigurationError
    for a path that does not exist.
    """
    result = FoundFiles()
    for path in paths:
        if not path.exists():
            raise ConfigurationError(f"{path} does not exist", "Pass existing files or folders")
        if path.is_dir():
            _walk(path, name_of, result)
        else:
            result.documents.append(_document(path, path.resolve(), name_of))
    return result


def is_hidden(path: Path, folders: Sequence[Path]) -> bool:
    """Return True if a dot begins its name, or that of a folder between it and one of these."""
    absolute = path.absolute()
    roots = [folder.absolute() for folder in folders]
    root = next((root for root in roots if absolute.is_relative_to(root)), None)
    inner = absolute.relative_to(root) if root else path
    return any(part.startswith(".") for part in inner.parts)


def load_file(path: Path) -> bytes:
    """Return the bytes of a file. Raise UnreadableSourceError for what is none, or too large."""
    try:
        descriptor = os.open(path, OPEN)
        with open(descriptor, "rb") as file:
            status = os.fstat(descriptor)
            if not stat.S_ISREG(status.st_mode):
                raise UnreadableSourceError(SPECIAL)
            data = file.read(BYTES_MAX + 1) if status.st_size <= BYTES_MAX else b""
            if status.st_size > BYTES_MAX or len(data) > BYTES_MAX:
                raise too_large(max(status.st_size, len(data)))
            return data
    except OSError as error:
        raise UnreadableSourceError(f"can't be read: {error.strerror}") from None


def _walk(folder: Path, name_of: NameOf, result: FoundFiles) -> None:
    """Add the documents of a folder. Folders wait in a list: they may be nested deeply."""
    root = folder.resolve()
    waiting = [folder]
    while waiting:
        current = waiting.pop()
        try:
            with os.scandir(current) as listed:
                entries = sorted(listed, key=lambda entry: entry.name)
        except OSError as error:
            refusal = UnreadableSourceError(f"can't be read: {error.strerror}")
            result.documents.append(SourceDocument(name_of(current), partial(_fail, refusal)))
            result.closed.append(name_of(current))
            continue
        folders: list[Path] = []
        for entry in entries:
            if entry.name.startswith("."):
                result.hidden += 1
            elif entry.is_dir(follow_symlinks=False):
                folders.append(Path(entry.path))
            else:
                result.documents.append(_entry(entry, root, name_of))
        waiting += reversed(folders)


def _entry(entry: os.DirEntry[str], root: Path, name_of: NameOf) -> SourceDocument:
    path = Path(entry.path)
    if note := own_data_of_zotero(path):
        return SourceDocument(name_of(path), skipped=note)
    if not entry.is_symlink():
        return _document(path, path, name_of)
    target = Path(os.path.realpath(path))
    if not target.is_relative_to(root):
        return SourceDocument(name_of(path), skipped=OUTSIDE)
    if not target.exists():
        return SourceDocument(name_of(path), skipped=DANGLING)
    if target.is_dir():
        return SourceDocument(name_of(path), skipped=FOLDER_LINK)
    return _document(path, target, name_of)


def _document(path: Path, target: Path, name_of: NameOf) -> SourceDocument:
    try:
        is_file = stat.S_ISREG(target.stat().st_mode)
    except OSError as error:
        refusal = UnreadableSourceError(f"can't be read: {error.strerror}")
        return SourceDocument(name_of(path), partial(_fail, refusal))
    if not is_file:
        return SourceDocument(name_of(path), skipped=SPECIAL)
    return SourceDocument(name_of(path), partial(load_file, target))


def _fail(error: UnreadableSourceError) -> bytes:
    raise error


def changed_files(paths: Sequence[Path], folders: Sequence[Path]) -> Iterator[SourceDocument]:
    """Yield what is at these paths now, as `files_in` finds it below one of the folders."""
    for path in sorted(paths):
        root = next((folder for folder in folders if path.is_relative_to(folder.absolute())), path)
        if path.is_dir() and not path.is_symlink():
            yield from files_in([path]).documents
        elif root == path or not path.is_symlink():
            yield _document(path, path.resolve(), source_name)
        else:
            yield from _link(path, root)


def _link(path: Path, root: Path) -> Iterator[SourceDocument]:
    with os.scandir(path.parent) as entries:
        for entry in entries:
            if entry.name == path.name:
                yield _entry(entry, root.resolve(), source_name)
