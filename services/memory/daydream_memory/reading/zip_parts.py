"""Parts of a ZIP archive, which office files and books are, within limits on what they unpack to.

What can fail: an archive lies about its sizes, so what is really unpacked is counted.
"""

from __future__ import annotations

import io
import zipfile
import zlib
from typing import Any

from lxml import etree

from daydream_memory.reading.passages import UnreadableDocumentError

Element = Any  # lxml has no types
PART_BYTES_MAX = 32 << 20
PARTS_MAX = 20_000
BLOCK_BYTES = 1 << 20
BROKEN = (zipfile.BadZipFile, zlib.error, EOFError, OSError, NotImplementedError, RuntimeError)


def open_zip(data: bytes, what: str = "archive") -> zipfile.ZipFile:
    """Return the archive. Raise UnreadableDocumentError if it is broken or has too many parts."""
    try:
        archive = zipfile.ZipFile(io.BytesIO(data))
    except (*BROKEN, ValueError) as error:
        raise UnreadableDocumentError(f"not a readable {what}: {error}") from None
    if len(archive.infolist()) > PARTS_MAX:
        raise UnreadableDocumentError(f"more than {PARTS_MAX} files in the {what}; split it")
    return archive


def read_part(archive: zipfile.ZipFile, name: str, bytes_max: int = PART_BYTES_MAX) -> bytes:
    """Return a part, b"" if there is none. Raise UnreadableDocumentError if it is too large."""
    try:
        with archive.open(name) as part:
            data = bytearray()
            while block := part.read(BLOCK_BYTES):
                data += block
                if len(data) > bytes_max:
                    raise UnreadableDocumentError(
                        f"{name} unpacks to more than {bytes_max >> 20} MB; split the document"
                    )
            return bytes(data)
    except KeyError:
        return b""
    except BROKEN as error:
        raise UnreadableDocumentError(f"{name} cannot be unpacked: {error}") from None


def read_xml(archive: zipfile.ZipFile, name: str) -> Element | None:
    """Return the root element of a part, None if there is no such part or it is no XML."""
    data = read_part(archive, name)
    return parse_xml(data) if data else None


def parse_xml(data: bytes) -> Element | None:
    """Return the root element, None for what is no XML. Entities and other files are not loaded."""
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, huge_tree=True, recover=True,
        remove_pis=True, remove_comments=True,
    )  # fmt: skip
    try:
        return etree.fromstring(data, parser=parser)
    except (etree.XMLSyntaxError, ValueError):
        return None
