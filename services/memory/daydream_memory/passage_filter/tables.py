"""Rows of a table as sentences.

A row says something if its first cell names a thing and another cell has a value:
"Mytilus has habitat: blades of turbines; loss of yield: a tenth." A table of numbers alone, or with
more columns of numbers than a reader could follow in a sentence, gives none.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from daydream_memory.passage_filter.scripts import CJK_CHARS_PER_WORD, is_unspaced

CELL_BORDER = re.compile(r"(?<!\\)\|")
RULE_CELL = re.compile(r"^:?-+:?$")
LETTERS = re.compile(r"[^\W\d_]")
NUMERIC = re.compile(r"^[\s\d.,:;%±+\-−–()/*<>≤≥~=eE×^$€£]*$")
WORD_SIGN = re.compile(r"\w")
NUMBER_COLUMNS_MAX = 4
CELL_WORDS_MIN = 4  # of a row with a single cell, and of a table without a header
CELL_END = "; "
CELL_CHARS_HEADER_MAX = 60
PROSE_CELL_CHARS = 40


def table_sentences(lines: Sequence[str], caption: str = "") -> list[str]:
    """Return a sentence for each row that says something.

    `lines` are rows with bars between the cells. The first row names the columns if a line of
    dashes follows it.
    """
    rows = [_cells(line) for line in lines]
    rules = [at for at, row in enumerate(rows) if _is_rule(row)]
    has_header = bool(rules) and rules[0] == 1 and any(rows[0])
    header = rows[0] if has_header else []
    body = [row for row in rows[1 if has_header else 0 :] if not _is_rule(row) and any(row)]
    if not has_header:  # without names of columns only a cell with a statement says something
        body = [row for row in body if max(map(_words, row)) >= CELL_WORDS_MIN]
    sentences = [_sentence(row, header) for row in body]
    start = f"In {caption}, " if caption else ""
    return [f"{start}{sentence}" for sentence in sentences if sentence]


def row_sentences(rows: Sequence[str], caption: str = "") -> list[str]:
    """Return a sentence for each row that says something.

    `rows` are as readers write them: "Species: Mytilus; Loss: 10 %", or "Mytilus; 10 %" if nothing
    names the columns.
    """
    sentences = []
    for row in rows:
        pairs = [_named_cell(cell) for cell in row.split(CELL_END)]
        # the first column often has no name
        if len(pairs) > 1 and all(name for name, _ in pairs[1:]):
            sentences.append(_sentence([cell for _, cell in pairs], [name for name, _ in pairs]))
        elif max(map(_words, row.split(CELL_END))) >= CELL_WORDS_MIN:
            sentences.append(_sentence(row.split(CELL_END), []))
    start = f"In {caption}, " if caption else ""
    return [f"{start}{sentence}" for sentence in sentences if sentence]


def _named_cell(cell: str) -> tuple[str, str]:
    name, colon, value = cell.partition(": ")
    is_name = bool(colon) and len(name) <= CELL_CHARS_HEADER_MAX
    return (name, value) if is_name else ("", cell)


def _sentence(row: Sequence[str], header: Sequence[str]) -> str:
    named = [(_column(header, at), cell) for at, cell in enumerate(row) if WORD_SIGN.search(cell)]
    numbers = sum(bool(NUMERIC.match(cell)) for _, cell in named)
    if not named or numbers == len(named) or numbers > NUMBER_COLUMNS_MAX:
        return ""
    if len(named) == 1:
        return _stop(named[0][1]) if _words(named[0][1]) >= CELL_WORDS_MIN else ""
    (_, first), *others = named
    if not LETTERS.search(first):
        return _stop("; ".join(f"{name}: {cell}" if name else cell for name, cell in named))
    if not any(name for name, _ in others):
        return _stop(f"{first}: " + "; ".join(cell for _, cell in others))
    verb = ":" if max(len(cell) for _, cell in others) > PROSE_CELL_CHARS else " has"
    values = "; ".join(f"{name} {cell}" if name else cell for name, cell in others)
    return _stop(f"{first}{verb} {values}")


def _column(header: Sequence[str], at: int) -> str:
    return header[at] if at < len(header) and len(header[at]) <= CELL_CHARS_HEADER_MAX else ""


def _cells(line: str) -> list[str]:
    stripped = line.strip()
    inner = stripped.removeprefix("|").removesuffix("|")
    return [" ".join(cell.replace("\\|", "|").split()) for cell in CELL_BORDER.split(inner)]


def _words(cell: str) -> int:
    if is_unspaced(cell):
        return len(cell) // CJK_CHARS_PER_WORD
    return len(cell.split())


def _is_rule(row: Sequence[str]) -> bool:
    return bool(row) and all(RULE_CELL.match(cell) for cell in row)


def _stop(sentence: str) -> str:
    return sentence if sentence.endswith((".", "!", "?", "。", "…")) else f"{sentence}."
