"""An EPUB book to passages: its chapters in their order, by headings."""

from __future__ import annotations

import posixpath
import zipfile
from urllib.parse import unquote

from daydream_memory.reading.metadata import metadata_of
from daydream_memory.reading.outline import passages_of
from daydream_memory.reading.passages import (
    LeftOut,
    Passage,
    RawDocument,
    Reading,
    UnreadableDocumentError,
)
from daydream_memory.reading.text import decode_markup
from daydream_memory.reading.web_page import read_fragment
from daydream_memory.reading.xml_parts import parse_xml
from daydream_memory.reading.zip_parts import open_zip, read_part

PAGES = (".xhtml", ".html", ".htm", ".xml")
NO_TEXT = ("nav.xhtml", "toc.xhtml", "toc.html", "cover.xhtml", "nav.html")
CONTAINER = "META-INF/container.xml"
ENCRYPTION = "META-INF/encryption.xml"
FONT_OBFUSCATION = (b"http://www.idpf.org/2008/embedding", b"http://ns.adobe.com/pdf/enc#RC")
CHAPTERS_MAX = 5_000


def read_epub(document: RawDocument) -> Reading:
    """Return the passages of a book. Raise UnreadableDocumentError if it is protected or broken."""
    with open_zip(document.data, "EPUB book") as archive:
        encryption = read_part(archive, ENCRYPTION)
        if encryption and not any(name in encryption for name in FONT_OBFUSCATION):
            raise UnreadableDocumentError("an EPUB book with copy protection; get one without")
        names, about = _spine(archive)
        title = str(about.get("title", ""))
        passages: list[Passage] = []
        left_out: list[LeftOut] = []
        for name in names[:CHAPTERS_MAX]:
            blocks, chapter_left_out = read_fragment(decode_markup(read_part(archive, name))[0])
            passages += passages_of(blocks, title, metadata_of(about))
            left_out += chapter_left_out
    return Reading(tuple(passages), summed(left_out), title=title)


def summed(left_out: list[LeftOut]) -> tuple[LeftOut, ...]:
    """Return the entries of all chapters, those of one kind as one."""
    kinds: dict[str, list[LeftOut]] = {}
    for entry in left_out:
        kinds.setdefault(entry.kind, []).append(entry)
    return tuple(
        entries[0]
        if len(entries) == 1
        else LeftOut(
            kind,
            total := sum(entry.count for entry in entries),
            f"{total:,} {kind.replace('-', ' ')} in {len(entries)} parts",
        )
        for kind, entries in kinds.items()
    )


def _spine(archive: zipfile.ZipFile) -> tuple[list[str], dict[str, object]]:
    """Return the names of the chapters in their order, and what the book says about itself."""
    container = parse_xml(read_part(archive, CONTAINER) or b"<none/>")
    root_file = container.find(".//{*}rootfile") if container is not None else None
    package_name = root_file.get("full-path", "") if root_file is not None else ""
    package = parse_xml(read_part(archive, package_name) or b"<none/>") if package_name else None
    if package is None:
        return _all_pages(archive), {}
    folder = posixpath.dirname(package_name)
    items = {
        item.get("id"): item
        for item in package.iterfind(".//{*}manifest/{*}item")
        if "nav" not in (item.get("properties") or "").split()
    }
    names = [
        posixpath.normpath(posixpath.join(folder, unquote(items[ref.get("idref")].get("href", ""))))
        for ref in package.iterfind(".//{*}spine/{*}itemref")
        if ref.get("idref") in items
    ]
    about: dict[str, object] = {
        name: (element.text or "").strip()
        for name in ("title", "date", "rights")
        if (element := package.find(f".//{{*}}metadata/{{*}}{name}")) is not None
    }
    about["keywords"] = [
        element.text.strip()
        for element in package.iterfind(".//{*}metadata/{*}subject")
        if element.text
    ]
    return names or _all_pages(archive), about


def _all_pages(archive: zipfile.ZipFile) -> list[str]:
    return sorted(
        name
        for name in archive.namelist()
        if name.lower().endswith(PAGES)
        and not name.startswith("META-INF/")
        and posixpath.basename(name.lower()) not in NO_TEXT
    )
