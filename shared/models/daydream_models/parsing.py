"""Reads what servers send instead of what was asked: JSON in a fence, after a preamble or thinking, or scores in free text.

Never guesses: what can't be read for certain is None, and the caller asks once more.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import TypeVar

from pydantic import BaseModel, ValidationError

T = TypeVar("T", bound=BaseModel)
OBJECTS_MAX = 200

_THINKING = re.compile(
    r"<think(?:ing)?>.*?(?:</think(?:ing)?>|$)|^(?:(?!<think).)*?</think(?:ing)?>", re.DOTALL
)  # also cut off, or without its start
_SCALE = re.compile(
    r"[(\[]?\b\d{1,3}\s*(?:[-–—]|to)\s*\d{1,3}\b[)\]]?(?!\s*(?:/|out of))"
)  # "(1-10)" is the scale, not the score
_MARKUP = re.compile(r"[*_#`>]+")
_NUMBER = r"(?<![\d.,])(?<![:=\s(][-–—])(?P<value>\d{1,3}(?:\.\d+)?)(?![.,]?\d|\s*%|\s*[-–—]\s*\d)"
_OUT_OF = r"\s*(?:/|out of)\s*(?P<scale>\d{1,3})"
_BETWEEN = r"[\s:=\-–—|(]{1,12}"
_FINAL = re.compile(r"\b(?:final|total|overall)\b", re.IGNORECASE)


def parse_object(text: str, kind: type[T]) -> T | None:
    """The last JSON object in `text` that validates as `kind`: what comes after the thinking is the answer."""
    found = None
    for candidate in _objects(_THINKING.sub("", text)):
        try:
            found = kind.model_validate(candidate)
        except ValidationError:
            continue
    return found


def _objects(text: str) -> Iterator[object]:
    decoder = json.JSONDecoder(strict=False)
    position, decoded = text.find("{"), 0
    while position >= 0 and decoded < OBJECTS_MAX:
        try:
            value, end = decoder.raw_decode(text, position)
        except json.JSONDecodeError:
            end = position + 1
        else:
            decoded += 1
            yield value
        position = text.find("{", end)


def parse_score(text: str, label: str, scale: int = 10) -> float | None:
    """The score that `text` gives under `label`, on a scale up to `scale`; None when there is none or several that differ.

    A score with another denominator is a part of the sum, never the score. Where several differ, those called final, total
    or overall count; where one stands with its denominator, bare numbers do not.
    """
    plain = _SCALE.sub("", _MARKUP.sub("", _THINKING.sub("", text)))
    pattern = re.compile(
        rf"(?P<before>[\w ]{{0,24}})\b{re.escape(label)}\b{_BETWEEN}{_NUMBER}(?:{_OUT_OF})?(?![\d/])",
        re.IGNORECASE,
    )
    found: list[tuple[float, bool, bool]] = []
    for match in pattern.finditer(plain):
        if match["scale"] is None or int(match["scale"]) == scale:
            found.append(
                (
                    float(match["value"]),
                    match["scale"] is not None,
                    bool(_FINAL.search(match["before"])),
                )
            )
    for wanted in (
        lambda row: row[1] and row[2],
        lambda row: row[1],
        lambda row: row[2],
        lambda row: True,
    ):
        values = {row[0] for row in found if wanted(row)}
        if values:
            value = values.pop()
            return value if not values and 0 <= value <= scale else None
    return None
