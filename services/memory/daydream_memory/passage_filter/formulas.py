"""Formulas in a text: signs of TeX are no code, and a formula belongs to the sentence around it."""

from __future__ import annotations

import re
from dataclasses import replace

from daydream_memory.passage_filter.rules import CODE, FRAGMENTS
from daydream_memory.passage_filter.screened_block import ScreenedBlock
from daydream_memory.passage_filter.scripts import join_sentences

# Between dollar signs, with a sign that prices do not have
FORMULA = re.compile(r"\$\$?(?=[^$\n]{0,200}[\\^_={}])[^$\n]{1,1000}\$\$?")
ONLY_FORMULAS = re.compile(r"^(?:\$\$?[^$]{1,2000}\$\$?[\s,.;]*){1,20}$")
STANDS_FOR_ONE = "x"
FORMULAS = "formulas"  # a block of formulas alone, until it is joined with its sentence
LEAD_WORDS_MIN = 4


def without_formulas(text: str) -> str:
    """Return a text with a letter for each formula, to be measured as prose."""
    return FORMULA.sub(STANDS_FOR_ONE, text) if "$" in text else text


def are_formulas(text: str) -> bool:
    """Return whether a block consists of formulas."""
    return text.startswith("$") and bool(ONLY_FORMULAS.match(text))


def with_formulas(blocks: list[ScreenedBlock]) -> list[ScreenedBlock]:
    """Join formulas that stand alone with the sentence before, and that with what explains them.

    "The drag grows as" and "$F = c v^2$" and "where $c$ is …" are one block. A formula without a
    sentence before it is no content.
    """
    result: list[ScreenedBlock] = []
    continues = False  # behind a formula that was joined
    for block in blocks:
        before = result[-1] if result else None
        if block.junk == FORMULAS and before is not None and _leads(before, block):
            result[-1] = _joined(before, block)
            continues = True
        elif block.junk == FORMULAS:
            result.append(replace(block, junk=CODE))
            continues = False
        elif continues and before is not None and _explains(before, block):
            result[-1] = _joined(before, block)
            continues = False
        else:
            result.append(block)
            continues = False
    return result


def _leads(before: ScreenedBlock, block: ScreenedBlock) -> bool:
    if before.passage is not block.passage or before.sentences:
        return False
    return not before.junk or (
        before.junk == FRAGMENTS and len(before.text.split()) >= LEAD_WORDS_MIN
    )


def _explains(before: ScreenedBlock, block: ScreenedBlock) -> bool:
    return (
        before.passage is block.passage
        and block.junk in ("", FRAGMENTS)
        and not block.sentences
        and block.text[:1].islower()
    )


def _joined(before: ScreenedBlock, block: ScreenedBlock) -> ScreenedBlock:
    return replace(before, text=join_sentences(before.text, block.text), junk="")
