"""Archives (ZIP, TAR, GZIP and others) to passages: every document in them, within limits.

What can fail: an archive unpacks without end, so what is unpacked is counted; and archives hold
archives, so only a few levels are opened.
"""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import tarfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import PurePath
from typing import IO

from daydream_memory.reading.allowance import stopped_at, used_up
from daydream_memory.reading.document_reader import read_raw_document
from daydream_memory.reading.epub import summed
from daydream_memory.reading.passages import (
    LeftOut,
    Passage,
    RawDocument,
    Reading,
    UnreadableDocumentError,
    counted,
)
from daydream_memory.reading.zip_parts import BLOCK_BYTES, open_zip, read_part

MEMBERS_MAX = 2_000
MEMBER_BYTES_MAX = 32 << 20
UNPACKED_BYTES_MAX = 128 << 20
DEPTH_MAX = 2
NAMES_SHOWN = 3
UNSEEN = ("__MACOSX/", ".git/", "node_modules/", ".svn/", "__pycache__/", ".DS_Store", "Thumbs.db")
BROKEN = (OSError, EOFError, zlib.error, lzma.LZMAError, tarfile.TarError, ValueError)
Member = tuple[str, bytes | UnreadableDocumentError]  # the content, or why there is none


def _gunzipped(file: IO[bytes]) -> IO[bytes]:
    return io.BufferedReader(gzip.GzipFile(fileobj=file))


PACKED: tuple[tuple[bytes, Callable[[IO[bytes]], IO[bytes]]], ...] = (
    (b"\x1f\x8b", _gunzipped),
    (b"BZh", bz2.BZ2File),
    (b"\xfd7zXZ\x00", lzma.LZMAFile),
)


def read_archive(document: RawDocument) -> Reading:
    """Return the passages of all documents in an archive, and why others were left out."""
    if document.depth >= DEPTH_MAX:
        raise UnreadableDocumentError("an archive inside archives; unpack it")
    passages: list[Passage] = []
    left_out: list[LeftOut] = []
    unread: list[str] = []
    for number, (name, data) in enumerate(_members(document)):
        if number and (reason := used_up()):
            left_out.append(stopped_at("file", number, number + 1, reason))
            break
        if isinstance(data, UnreadableDocumentError):
            unread.append(f"{name}: {data}")
            continue
        result = read_raw_document(
            replace(document, data=data, source=name, depth=document.depth + 1)
        )
        passages += [_titled(passage, name, document.source) for passage in result.passages]
        left_out += result.left_out
        if result.status != "read":
            unread.append(f"{name}: {result.note}")
    shown = "; ".join(unread[:NAMES_SHOWN]) + ("; …" if len(unread) > NAMES_SHOWN else "")
    if not passages:
        raise UnreadableDocumentError(
            f"no document in the archive can be read ({shown or 'empty'})"
        )
    left_out += counted("archived-files", len(unread), f"file ({shown})", f"files ({shown})")
    return Reading(tuple(passages), summed(left_out))


def _titled(passage: Passage, name: str, source: str) -> Passage:
    """Put the name of a file in the archive before its titles, unless it is the only one."""
    stem = PurePath(name).stem
    if not passage.title or passage.title.startswith(stem) or stem in PurePath(source).stem:
        return passage
    return replace(passage, title=f"{stem} / {passage.title}")


def _members(document: RawDocument) -> Iterator[Member]:
    """Yield name and content of each file. Raise UnreadableDocumentError beyond a limit."""
    total = count = 0
    unpacked = _zip if document.data.startswith(b"PK") else _tar_or_file
    try:
        for name, data in unpacked(document):
            if any(part in name for part in UNSEEN):
                continue
            total += len(data) if isinstance(data, bytes) else MEMBER_BYTES_MAX
            count += 1
            if total > UNPACKED_BYTES_MAX or count > MEMBERS_MAX:
                raise UnreadableDocumentError(
                    f"the archive holds more than {UNPACKED_BYTES_MAX >> 20} MB or {MEMBERS_MAX} "
                    "files; unpack it"
                )
            yield name, data
    except BROKEN as error:
        if isinstance(error, UnreadableDocumentError):
            raise
        raise UnreadableDocumentError(f"not a readable archive: {error}") from None


def _zip(document: RawDocument) -> Iterator[Member]:
    with open_zip(document.data) as archive:
        for part in archive.infolist():
            if part.is_dir():
                continue
            try:
                if part.flag_bits & 1:
                    raise UnreadableDocumentError("it has a password; unpack the archive")
                yield part.filename, read_part(archive, part.filename, MEMBER_BYTES_MAX)
            except UnreadableDocumentError as reason:
                yield part.filename, reason


def _tar_or_file(document: RawDocument) -> Iterator[Member]:
    data = document.data
    for magic, opened in PACKED:
        if data.startswith(magic):
            data = _limited(opened(io.BytesIO(data)), UNPACKED_BYTES_MAX)
            break
    if data[257:262] != b"ustar":
        yield PurePath(document.source).stem, data
        return
    with tarfile.open(fileobj=io.BytesIO(data), mode="r:") as archive:
        for member in archive:
            file = archive.extractfile(member) if member.isreg() else None
            if file is not None:
                yield member.name, _limited(file, MEMBER_BYTES_MAX)


def _limited(file: IO[bytes], bytes_max: int) -> bytes:
    data = bytearray()
    while block := file.read(BLOCK_BYTES):
        data += block
        if len(data) > bytes_max:
            raise UnreadableDocumentError(
                f"it unpacks to more than {bytes_max >> 20} MB; unpack it"
            )
    return bytes(data)
