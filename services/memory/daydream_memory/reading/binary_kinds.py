"""Tell the kind of a file from its first bytes, and of an archive from its files."""

from __future__ import annotations

import zipfile

from daydream_memory.reading.passages import UnreadableDocumentError
from daydream_memory.reading.unread_kinds import (
    IWORK_ENDINGS,
    MAGIC,
    OLD_OFFICE_ENDINGS,
    OLE_KINDS,
    OLE_MAGIC,
    OPEN_AND_EXPORT,
    ZIP_KINDS,
)
from daydream_memory.reading.zip_parts import open_zip, read_part

PDF_MAGIC, PDF_MAGIC_BYTES = b"%PDF-", 1_024
ZIP_MAGIC = (b"PK\x03\x04", b"PK\x05\x06", b"PK\x07\x08")
PACKED_MAGIC = (b"\x1f\x8b", b"BZh", b"\xfd7zXZ\x00")
WEB_ARCHIVE = b"WebMainResource"
WORKBOOK = "Workbook".encode("utf-16-le")
OLD_WORKBOOK = "Book".encode("utf-16-le")
OFFICE_NAMES = {
    ".docx": "Word document",
    ".docm": "Word document",
    ".dotx": "Word document",
    ".xlsx": "spreadsheet",
    ".xlsm": "spreadsheet",
    ".pptx": "PowerPoint presentation",
    ".pptm": "PowerPoint presentation",
    ".epub": "EPUB book",
    ".odt": "OpenDocument file",
    ".odp": "OpenDocument file",
    ".ods": "spreadsheet",
}
MIME_KINDS = (
    ("application/epub+zip", "epub"),
    ("application/vnd.oasis.opendocument.spreadsheet", "spreadsheet"),
    ("application/vnd.oasis.opendocument.", "open-document"),
)
PART_KINDS = (
    ("word/document.xml", "word"),
    ("xl/workbook.xml", "spreadsheet"),
    ("xl/workbook.bin", "spreadsheet"),
    ("ppt/presentation.xml", "slides"),
)


def binary_kind(data: bytes, ending: str) -> str:
    """Return the kind of a file that is no text, "" for a text.

    Raise UnreadableDocumentError with the fix for one that is not read.
    """
    if PDF_MAGIC in data[:PDF_MAGIC_BYTES]:
        return "pdf"
    if data.startswith(ZIP_MAGIC):
        return _zip_kind(data, ending)
    if data.startswith(OLE_MAGIC):
        return _ole_kind(data, ending)
    if data.lstrip()[:5] == b"{\\rtf":
        return "rtf"
    if data.startswith(PACKED_MAGIC) or data[257:262] == b"ustar":
        return "archive"
    if data.startswith(b"bplist") and WEB_ARCHIVE in data[:4_096]:
        return "web-archive"
    for place, magic, name, fix in MAGIC:
        if data.startswith(magic, place) and (len(magic) > 2 or _has_controls(data)):
            raise UnreadableDocumentError(f"{name}: {fix}")
    return ""


def _has_controls(data: bytes) -> bool:
    """Return whether bytes follow that no text has: two letters alone say little."""
    return any(byte < 9 for byte in data[:512])


def _zip_kind(data: bytes, ending: str) -> str:
    expected = OFFICE_NAMES.get(ending, "archive")
    with open_zip(data, expected) as archive:
        names = archive.namelist()
        mime = _mime_type(archive)
    for prefix, kind in MIME_KINDS:
        if mime.startswith(prefix):
            return kind
    for part, kind in PART_KINDS:
        if part in names:
            return kind
    for part, name, fix in ZIP_KINDS:
        if any(member.startswith(part) or member.endswith(f"/{part}") for member in names):
            raise UnreadableDocumentError(f"{IWORK_ENDINGS.get(ending, name)}: {fix}")
    if ending in IWORK_ENDINGS:
        raise UnreadableDocumentError(f"{IWORK_ENDINGS[ending]}: {OPEN_AND_EXPORT}")
    if ending in OFFICE_NAMES and ending != ".epub":
        raise UnreadableDocumentError(
            f"not a readable {expected}: an archive without a document in it; save it again"
        )
    return "epub" if ending == ".epub" else "archive"


def _mime_type(archive: zipfile.ZipFile) -> str:
    if "mimetype" not in archive.namelist():
        return ""
    return read_part(archive, "mimetype", 1_024).decode("ascii", "replace").strip()


def _ole_kind(data: bytes, ending: str) -> str:
    for stream, name, fix in OLE_KINDS:
        if stream.encode("utf-16-le") in data:
            raise UnreadableDocumentError(f"{name}: {fix}")
    if WORKBOOK in data or (OLD_WORKBOOK in data and ending == ".xls"):
        return "spreadsheet"
    name, fix = OLD_OFFICE_ENDINGS.get(
        ending,
        ("an old or encrypted Office document", "save a copy in the new format without a password"),
    )
    raise UnreadableDocumentError(f"{name}: {fix}")
