"""Parts of a ZIP archive, which office files and books are, within limits on what they unpack to.

What can fail: an archive lies about its sizes, so what is really unpacked is counted.
"""

from __future__ import annotations

import io
import zipfile
import zlib

from daydream_memory.reading.passages import UnreadableDocumentError

PART_BYTES_MAX = 32 << 20
PARTS_MAX = 20_000
BLOCK_BYTES = 1 << 20
BROKEN = (zipfile.BadZipFile, zlib.error, EOFError, OSError, NotImplementedError, RuntimeError)


def open_zip(data: bytes, name: str = "archive") -> zipfile.ZipFile:
    """Return the archive. Raise UnreadableDocumentError if it is broken or has too many parts."""
    try:
        archive = zipfile.ZipFile(io.BytesIO(data))
    except (*BROKEN, ValueError) as error:
        raise UnreadableDocumentError(f"not a readable {name}: {error}") from None
    if len(archive.infolist()) > PARTS_MAX:
        raise UnreadableDocumentError(f"more than {PARTS_MAX} files in the {name}; split it")
    return archive


def read_part(archive: zipfile.ZipFile, name: str, bytes_max: int = 0) -> bytes:
    """Return a part, b"" if there is none. Raise UnreadableDocumentError if it is too large.

    `bytes_max`: the largest size, PART_BYTES_MAX if none is given.
    """
    bytes_max = bytes_max or PART_BYTES_MAX
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
