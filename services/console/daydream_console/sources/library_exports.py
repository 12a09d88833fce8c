"""Titles of the documents that an export of a reference manager names: BibTeX and RIS.

Zotero, JabRef and others write such a file beside the documents, with the path of each one:

    file = {Full Text:files/12/paper.pdf:application/pdf}
    L1  - files/12/paper.pdf

Of an entry only title, authors, year and files are looked at, a line each, as these programs write
them. An entry in another form has no title here, and its document has the title of the document.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import unquote, urlparse

ENDINGS = frozenset((".bib", ".ris"))
EXPORT_BYTES_MAX = 32 << 20
TITLE_CHARS_MAX = 1000
NAMES_MAX = 2  # of authors; with more of them it is the first "and others"
ENTRY = re.compile(r"^@[A-Za-z]+\s*\{", re.MULTILINE)
FIELD = re.compile(
    r"^\s*(title|author|year|date|file)\s*=\s*[{\"]?(.*?)[}\"]?,?\s*$", re.MULTILINE | re.IGNORECASE
)
FILE_SEPARATOR = re.compile(r"(?<!\\);")
BRACES = re.compile(r"[{}]|\\(?=[:;_&%#])")
TAG = re.compile(r"^([A-Z][A-Z0-9]) {1,2}- (.*)$")
RIS_TITLES, RIS_AUTHORS = ("TI", "T1"), ("AU", "A1")
RIS_FILES = ("L1", "L2", "L4")
YEAR = re.compile(r"\b(1[4-9]\d\d|20\d\d)\b")


@dataclass
class _ExportedEntry:
    """What an export says about one document."""

    title: str = ""
    authors: list[str] = field(default_factory=list)
    year: str = ""
    files: list[str] = field(default_factory=list)


def exported_titles(export: Path) -> Mapping[Path, str]:
    """Return the titles of the files that an export names, none if it cannot be read."""
    try:
        if export.stat().st_size > EXPORT_BYTES_MAX:
            return {}
        text = export.read_text("utf-8-sig")
    except (OSError, UnicodeError):
        return {}
    entries = _bibtex(text) if export.suffix.lower() == ".bib" else _ris(text)
    folder = export.parent
    return {
        _path(folder, name): title
        for entry in entries
        if (title := library_title(entry.title, entry.authors, entry.year))
        for name in entry.files
    }


def library_title(title: str, authors: list[str], year: str) -> str:
    """Return "Mussels on blades (Berg and Ito, 2021)", "" without a title."""
    names = " and ".join(authors) if len(authors) <= NAMES_MAX else f"{authors[0]} and others"
    about = ", ".join(filter(None, (names, year)))
    whole = f"{title} ({about})" if about else title
    return " ".join(whole.split())[:TITLE_CHARS_MAX] if title.strip() else ""


def _bibtex(text: str) -> Iterator[_ExportedEntry]:
    starts = [entry.start() for entry in ENTRY.finditer(text)]
    for start, end in zip(starts, [*starts[1:], len(text)], strict=True):
        entry = _ExportedEntry()
        for name, value in FIELD.findall(text[start:end]):
            if name.lower() == "file":
                entry.files += [_file_of(part) for part in FILE_SEPARATOR.split(value)]
            elif name.lower() == "title":
                entry.title = BRACES.sub("", value)
            elif name.lower() == "author":
                entry.authors = [_last_name(part) for part in BRACES.sub("", value).split(" and ")]
            elif year := YEAR.search(value):
                entry.year = year[0]
        yield entry


def _file_of(value: str) -> str:
    """Return the path of "name:path:type", or of a path alone."""
    parts = re.split(r"(?<!\\):", value)
    path = parts[1] if len(parts) >= 3 else value
    return re.sub(r"\\([:;_&%#\\])", r"\1", path).strip()


def _ris(text: str) -> Iterator[_ExportedEntry]:
    entry = _ExportedEntry()
    for line in text.splitlines():
        tag = TAG.match(line)
        if not tag:
            continue
        name, value = tag[1], tag[2].strip()
        if name in RIS_FILES:
            entry.files.append(value)
        elif name in RIS_TITLES:
            entry.title = entry.title or value
        elif name in RIS_AUTHORS:
            entry.authors.append(_last_name(value))
        elif name == "PY" and (year := YEAR.search(value)):
            entry.year = year[0]
        elif name == "ER":
            yield entry
            entry = _ExportedEntry()


def _last_name(name: str) -> str:
    last, comma, _ = name.partition(",")
    words = name.split()
    return last.strip() if comma or not words else words[-1]


def _path(folder: Path, name: str) -> Path:
    if name.startswith("file:"):
        name = unquote(urlparse(name).path)
    return Path(folder, name).absolute()
