"""A Jupyter notebook to passages: its Markdown by headings, its code apart, without its output."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from daydream_memory.reading.markdown import markdown_blocks
from daydream_memory.reading.metadata import TITLE_FIELDS, field
from daydream_memory.reading.note_syntax import plain_markdown
from daydream_memory.reading.outline import Block, passages_of
from daydream_memory.reading.passages import LeftOut, Reading, counted


def read_notebook(notebook: Mapping[str, object]) -> Reading:
    """Return the passages of the cells in their order."""
    blocks: list[Block] = []
    left_out: list[LeftOut] = []
    outputs = 0
    for cell in _cells(notebook):
        source = _text(cell.get("source") or cell.get("input"))
        if cell.get("cell_type") == "heading":  # of version 3
            level = cell.get("level")
            blocks.append(Block("heading", source, level if isinstance(level, int) else 1))
        elif cell.get("cell_type") == "code":
            blocks.append(Block("code", source))
            results = cell.get("outputs")
            outputs += len(results) if isinstance(results, list) else 0
        elif cell.get("cell_type") == "markdown":
            text, report = plain_markdown(source)
            cell_blocks, cell_left_out = markdown_blocks(text)
            blocks += cell_blocks
            left_out += [*report.left_out(), *cell_left_out]
    about = notebook.get("metadata")
    title = field(about, TITLE_FIELDS) if isinstance(about, Mapping) else ""
    left_out += counted("outputs", outputs, "output of code", "outputs of code")
    return Reading(passages_of(blocks, title), tuple(left_out), title=title, kind="notebook")


def _cells(notebook: Mapping[str, object]) -> Iterator[Mapping[str, object]]:
    """Yield the cells. Up to version 3 they are in worksheets."""
    sheets = notebook.get("worksheets")
    for sheet in [notebook, *(sheets if isinstance(sheets, list) else [])]:
        cells = sheet.get("cells") if isinstance(sheet, Mapping) else None
        yield from (cell for cell in cells or [] if isinstance(cell, Mapping))


def _text(source: object) -> str:
    return "".join(map(str, source)) if isinstance(source, list) else str(source or "")
