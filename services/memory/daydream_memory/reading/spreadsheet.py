"""Spreadsheets (XLSX, XLS, XLSB, ODS) to passages: the rows of each sheet that hold a text."""

from __future__ import annotations

import io

from python_calamine import CalamineError, CalamineWorkbook, SheetVisibleEnum

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
    hidden = without_text = 0
    notes: list[str] = []
    try:
        book = CalamineWorkbook.from_filelike(io.BytesIO(document.data))
        sheets = book.sheets_metadata[:SHEETS_MAX]
        for sheet in sheets:
            if sheet.visible != SheetVisibleEnum.Visible:
                hidden += 1
                continue
            rows = book.get_sheet_by_name(sheet.name).to_python(skip_empty_area=True)
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
    left_out += counted("tables", without_text, "sheet without texts", "sheets without texts")
    return Reading(tuple(passages), tuple(left_out), "; ".join(notes[:3]))


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
