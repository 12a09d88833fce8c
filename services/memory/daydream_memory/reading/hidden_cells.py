"""Rows and columns of a sheet that are hidden, in XLSX and ODS: no library tells."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from daydream_memory.reading.xml_parts import read_xml, relations
from daydream_memory.reading.zip_parts import read_part

WORKBOOK = "xl/workbook.xml"
RELATION_ID = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"
ROW = re.compile(rb"<(?:\w+:)?row\b([^>]*)>")
COLUMN = re.compile(rb"<(?:\w+:)?col\b([^>]*)>")
ATTRIBUTE = re.compile(rb"\b(r|min|max|hidden)\s*=\s*[\"']([^\"']*)[\"']")
COLUMNS_MAX, ROWS_MAX = 16_384, 1_048_576  # of a sheet
ODS_CONTENT = "content.xml"
TABLE = "{urn:oasis:names:tc:opendocument:xmlns:table:1.0}"
UNSEEN = ("collapse", "filter")
Element = Any  # lxml has no types


@dataclass(frozen=True)
class HiddenCells:
    """The numbers of hidden rows and columns, from 0."""

    rows: frozenset[int] = frozenset()
    columns: frozenset[int] = frozenset()

    def visible(
        self, rows: Sequence[Sequence[object]], start: tuple[int, int]
    ) -> list[list[object]]:
        """Return the cells that are seen. `start`: row and column of the first one."""
        return [
            [cell for at, cell in enumerate(row, start[1]) if at not in self.columns]
            for number, row in enumerate(rows, start[0])
            if number not in self.rows
        ]


def hidden_in_xlsx(archive: zipfile.ZipFile) -> dict[str, HiddenCells]:
    """Return what is hidden in each sheet of an XLSX file, by the name of the sheet."""
    book = read_xml(archive, WORKBOOK)
    if book is None:
        return {}
    parts = relations(archive, WORKBOOK)
    return {
        sheet.get("name", ""): _hidden(read_part(archive, parts[sheet.get(RELATION_ID)]))
        for sheet in book.iter("{*}sheet")
        if sheet.get(RELATION_ID) in parts
    }


def hidden_in_ods(archive: zipfile.ZipFile) -> dict[str, HiddenCells]:
    """Return what is hidden in each sheet of an ODS file, by the name of the sheet."""
    content = read_xml(archive, ODS_CONTENT)
    if content is None:
        return {}
    return {
        table.get(f"{TABLE}name", ""): _hidden_in(table) for table in content.iter(f"{TABLE}table")
    }


def _hidden_in(table: Element) -> HiddenCells:
    return HiddenCells(
        frozenset(_collapsed(table, "table-row", "number-rows-repeated")),
        frozenset(_collapsed(table, "table-column", "number-columns-repeated")),
    )


def _collapsed(table: Element, name: str, repeated: str) -> Iterator[int]:
    """Yield the numbers of the rows or columns that are collapsed or filtered out."""
    at = 0
    for element in table.iter(f"{TABLE}{name}"):
        count = element.get(f"{TABLE}{repeated}", "1")
        after = at + (int(count) if count.isdigit() else 1)
        if element.get(f"{TABLE}visibility") in UNSEEN:
            yield from range(at, min(after, ROWS_MAX))
        at = after


def _hidden(sheet: bytes) -> HiddenCells:
    if b"hidden" not in sheet:
        return HiddenCells()
    rows = frozenset(
        int(row[b"r"]) - 1 for row in _marked(ROW, sheet) if row.get(b"r", b"").isdigit()
    )
    columns = frozenset(
        number - 1
        for column in _marked(COLUMN, sheet)
        for number in range(int(column[b"min"]), min(int(column[b"max"]), COLUMNS_MAX) + 1)
    )
    return HiddenCells(rows, columns)


def _marked(element: re.Pattern[bytes], sheet: bytes) -> Iterator[dict[bytes, bytes]]:
    for attributes in element.findall(sheet):
        values = dict(ATTRIBUTE.findall(attributes))
        if values.get(b"hidden") in (b"1", b"true"):
            yield values
