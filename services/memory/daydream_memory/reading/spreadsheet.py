"""Spreadsheets (XLSX, XLS, XLSB, ODS) to passages: the rows of each sheet that hold a text."""

from __future__ import annotations

import io
import struct
from collections.abc import Sequence

from python_calamine import CalamineError, CalamineWorkbook, SheetVisibleEnum

from daydream_memory.reading.hidden_binary_cells import XLSB_BOOK, hidden_in_xls, hidden_in_xlsb
from daydream_memory.reading.hidden_cells import HiddenCells, hidden_in_ods, hidden_in_xlsx
from daydream_memory.reading.passages import (
    LeftOut,
    Passage,
    RawDocument,
    Reading,
    UnreadableDocumentError,
    counted,
)
from daydream_memory.reading.tables import read_rows
from daydream_memory.reading.zip_parts import PART_BYTES_MAX, open_zip

SHEETS_MAX = 500


def read_spreadsheet(document: RawDocument) -> Reading:
    """Return the passages. Raise UnreadableDocumentError if no visible sheet has a text."""
    _check_size(document.data)
    passages: list[Passage] = []
    left_out: list[LeftOut] = []
    hidden = hidden_rows = hidden_columns = without_text = 0
    notes: list[str] = []
    try:
        book = CalamineWorkbook.from_filelike(io.BytesIO(document.data))
        sheets = book.sheets_metadata[:SHEETS_MAX]
        hidden_by_sheet = _hidden_cells(document.data)
        for sheet in sheets:
            if sheet.visible != SheetVisibleEnum.Visible:
                hidden += 1
                continue
            cells = book.get_sheet_by_name(sheet.name)
            rows: Sequence[Sequence[object]] = cells.to_python(skip_empty_area=True)
            unseen = hidden_by_sheet.get(sheet.name)
            if unseen:
                row, column = start = cells.start or (0, 0)
                width = max(map(len, rows), default=0)
                hidden_rows += len(unseen.rows.intersection(range(row, row + len(rows))))
                hidden_columns += len(unseen.columns.intersection(range(column, column + width)))
                rows = unseen.visible(rows, start)
            try:
                reading = read_rows([[_text(cell) for cell in row] for row in rows], sheet.name)
            except UnreadableDocumentError:
                without_text += 1
                continue
            passages += reading.passages
            left_out += reading.left_out
            notes.append(f"{sheet.name}: {reading.note}")
    except CalamineError as error:
        raise UnreadableDocumentError(f"not a readable spreadsheet: {error}") from None
    if not passages:
        raise UnreadableDocumentError("no column of a visible sheet holds texts")
    left_out += counted("hidden-text", hidden, "hidden sheet", "hidden sheets")
    left_out += counted("hidden-text", hidden_rows, "hidden row", "hidden rows")
    left_out += counted("hidden-text", hidden_columns, "hidden column", "hidden columns")
    left_out += counted("tables", without_text, "sheet without texts", "sheets without texts")
    return Reading(tuple(passages), tuple(left_out), "; ".join(notes[:3]))


def _hidden_cells(data: bytes) -> dict[str, HiddenCells]:
    """Return what is hidden in each sheet, by its name."""
    if not data.startswith(b"PK"):
        try:
            return hidden_in_xls(data)
        except (OSError, struct.error, ValueError):  # broken there; its cells may still be read
            return {}
    with open_zip(data, "spreadsheet") as archive:
        if XLSB_BOOK in archive.namelist():
            return hidden_in_xlsb(archive)
        return {**hidden_in_xlsx(archive), **hidden_in_ods(archive)}


def _check_size(data: bytes) -> None:
    if not data.startswith(b"PK"):
        return
    with open_zip(data, "spreadsheet") as archive:
        for part in archive.infolist():
            if part.file_size > PART_BYTES_MAX:
                raise UnreadableDocumentError(
                    f"{part.filename} unpacks to {part.file_size >> 20} MB, the maximum is "
                    f"{PART_BYTES_MAX >> 20} MB; split the file"
                )


def _text(cell: object) -> str:
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    return str(cell)
