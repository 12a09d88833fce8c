"""What a library says about a document: that of Zotero around it, or an export beside it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from daydream_console.sources.library_exports import ENDINGS, exported_titles
from daydream_console.sources.zotero import DATABASE, attachment_titles

STORAGE = "storage"


class LibraryTitles:
    """The titles of documents. Each database is read once, when its first attachment is met."""

    def __init__(self) -> None:
        self._by_library: dict[Path, Mapping[str, str]] = {}
        self._exported: dict[Path, str] = {}

    def look_into(self, files: Iterable[Path]) -> None:
        """Read the exports among the files of a folder, before its documents are found."""
        for file in files:
            if file.suffix.lower() in ENDINGS:
                self._exported.update(exported_titles(file))

    def title_of(self, file: Path) -> str:
        """Return title, authors and year of a document, "" if no library knows it."""
        if title := self._exported.get(file.absolute()):
            return title
        storage = file.parent.parent
        if storage.name != STORAGE:
            return ""
        library = storage.parent
        if library not in self._by_library:
            self._by_library[library] = attachment_titles(library / DATABASE)
        return self._by_library[library].get(file.parent.name, "")
