"""Tables of a page: rows as words where they hold data. Tables that only place things are none."""

from __future__ import annotations

from typing import Any

Element = Any  # lxml has no types
LAYOUT_PARTS = ("table", "h1", "h2", "h3", "h4", "article", "section")
CELL_PARAGRAPHS_MAX = 2
BREAKS_MAX = 4  # of lines in a cell


def is_data_table(table: Element) -> bool:
    """Return whether the table holds data: cells in rows, none of which is a part of a page."""
    if table.get("role") in ("presentation", "none"):
        return False
    if any(next(table.iter(part), table) is not table for part in LAYOUT_PARTS[1:]):
        return False
    if sum(1 for _ in table.iter("table")) > 1:
        return False
    rows = [_cells(row) for row in table.iter("tr")]
    if not any(len([cell for cell in row if _text(cell)]) > 1 for row in rows):
        return False
    if len(rows) == 1 and next(table.iter("br"), None) is not None:
        return False
    return all(_is_cell_of_data(cell) for row in rows for cell in row)


def _is_cell_of_data(cell: Element) -> bool:
    paragraphs = sum(1 for _ in cell.iter("p", "li"))
    return paragraphs <= CELL_PARAGRAPHS_MAX and sum(1 for _ in cell.iter("br")) <= BREAKS_MAX


def rows_of(table: Element) -> list[str]:
    """Return each row as words. Cells get their headings where the table has a row of these."""
    captions = [_text(caption) for caption in table.iter("caption")]
    rows = [_cells(row) for row in table.iter("tr")]
    headings: list[str] = []
    if len(rows) > 1 and rows[0] and all(cell.tag == "th" for cell in rows[0]):
        headings = [_text(cell) for cell in rows.pop(0)]
    texts = [row_text([_text(cell) for cell in row], headings) for row in rows]
    return [text for text in captions + texts if text]


def row_text(cells: list[str], headings: list[str]) -> str:
    """Return one row: "Method: divers; Cost: 1200", without the headings "divers; 1200"."""
    if len(cells) != len(headings):
        return "; ".join(cell for cell in cells if cell)
    pairs = zip(headings, cells, strict=True)
    return "; ".join(f"{name}: {cell}" if name else cell for name, cell in pairs if cell)


def _cells(row: Element) -> list[Element]:
    return [cell for cell in row if cell.tag in ("td", "th")]


def _text(element: Element) -> str:
    if not _is_plain(element):
        return ""
    for line_break in element.iter("br"):
        line_break.text = " "
    return " ".join("".join(element.itertext("*")).split())


def _is_plain(element: Element) -> bool:
    return isinstance(element.tag, str)
