"""Hidden rows and columns of the binary spreadsheets: XLS (BIFF8) and XLSB (BIFF12).

Both are sequences of records: a number, a length, and content. Only those of sheets, rows and
columns are looked at.
"""

from __future__ import annotations

import io
import struct
import zipfile
from collections.abc import Iterator

import olefile

from daydream_memory.reading.hidden_cells import COLUMNS_MAX, HiddenCells
from daydream_memory.reading.xml_parts import relations
from daydream_memory.reading.zip_parts import read_part

XLS_STREAMS = ("Workbook", "Book")
SHEET, ROW, COLUMNS, END = 0x85, 0x208, 0x7D, 0x0A  # records of XLS
ROW_HIDDEN, COLUMN_HIDDEN = 0x20, 0x01
WIDE_NAME = 0x01  # a name in UTF-16
XLSB_BOOK = "xl/workbook.bin"
XLSB_SHEET, XLSB_ROW, XLSB_COLUMNS = 156, 0, 60
XLSB_ROW_FLAGS, XLSB_ROW_HIDDEN = 11, 0x10  # place in the record, and the bit
RECORDS_MAX = 5_000_000
Record = tuple[int, bytes]


def hidden_in_xls(data: bytes) -> dict[str, HiddenCells]:
    """Return what is hidden in each sheet of an XLS file, by the name of the sheet."""
    with olefile.OleFileIO(io.BytesIO(data)) as container:
        name = next((name for name in XLS_STREAMS if container.exists(name)), "")
        if not name:
            return {}
        stream = container.openstream(name).read()
    sheets = [_xls_sheet(content) for number, content in _records(stream, 0) if number == SHEET]
    return {name: _hidden_in(stream, start) for name, start in sheets}


def hidden_in_xlsb(archive: zipfile.ZipFile) -> dict[str, HiddenCells]:
    """Return what is hidden in each sheet of an XLSB file, by the name of the sheet."""
    parts = relations(archive, XLSB_BOOK)
    sheets = [
        _xlsb_sheet(content)
        for number, content in _long_records(read_part(archive, XLSB_BOOK))
        if number == XLSB_SHEET
    ]
    return {
        name: _hidden_in_part(read_part(archive, parts[relation]))
        for name, relation in sheets
        if relation in parts
    }


def _records(stream: bytes, place: int) -> Iterator[Record]:
    """Yield the records of XLS from here to the end of their part."""
    for _ in range(RECORDS_MAX):
        if place + 4 > len(stream):
            return
        number, size = struct.unpack_from("<HH", stream, place)
        yield number, stream[place + 4 : place + 4 + size]
        if number == END:
            return
        place += 4 + size


def _xls_sheet(content: bytes) -> tuple[str, int]:
    """Return the name of a sheet, and the place where its records begin."""
    start, _, chars, form = struct.unpack_from("<IHBB", content)
    raw = content[8:]
    name = raw[: 2 * chars].decode("utf-16-le") if form & WIDE_NAME else raw[:chars].decode("latin")
    return name, start


def _hidden_in(stream: bytes, start: int) -> HiddenCells:
    rows: set[int] = set()
    columns: set[int] = set()
    for number, content in _records(stream, start):
        if number == ROW and len(content) >= 13 and content[12] & ROW_HIDDEN:
            rows.add(int.from_bytes(content[:2], "little"))
        elif number == COLUMNS and len(content) >= 9 and content[8] & COLUMN_HIDDEN:
            first, last = struct.unpack_from("<HH", content)
            columns.update(range(first, min(last, COLUMNS_MAX) + 1))
    return HiddenCells(frozenset(rows), frozenset(columns))


def _long_records(part: bytes) -> Iterator[Record]:
    """Yield the records of XLSB, whose numbers and lengths have seven bits a byte."""
    place = 0
    for _ in range(RECORDS_MAX):
        if place + 2 > len(part):
            return
        number, place = part[place], place + 1
        if number & 0x80:
            number, place = (number & 0x7F) | (part[place] & 0x7F) << 7, place + 1
        size = shift = 0
        while place < len(part) and shift < 28:
            byte, place = part[place], place + 1
            size, shift = size | (byte & 0x7F) << shift, shift + 7
            if not byte & 0x80:
                break
        yield number, part[place : place + size]
        place += size


def _xlsb_sheet(content: bytes) -> tuple[str, str]:
    """Return the name of a sheet, and the id of its part."""
    relation, place = _text(content, 8)
    return _text(content, place)[0], relation


def _text(content: bytes, place: int) -> tuple[str, int]:
    chars = int.from_bytes(content[place : place + 4], "little")
    end = place + 4 + 2 * chars
    return content[place + 4 : end].decode("utf-16-le", "replace"), end


def _hidden_in_part(part: bytes) -> HiddenCells:
    rows: set[int] = set()
    columns: set[int] = set()
    for number, content in _long_records(part):
        if number == XLSB_ROW and len(content) > XLSB_ROW_FLAGS:
            if content[XLSB_ROW_FLAGS] & XLSB_ROW_HIDDEN:
                rows.add(int.from_bytes(content[:4], "little"))
        elif number == XLSB_COLUMNS and len(content) >= 18 and content[16] & COLUMN_HIDDEN:
            first, last = struct.unpack_from("<II", content)
            columns.update(range(first, min(last, COLUMNS_MAX) + 1))
    return HiddenCells(frozenset(rows), frozenset(columns))
