"""Read what servers send instead of what was asked for.

Handles JSON in a fence, after a preamble or after thinking, and scores in free text. Nothing is
guessed: what can't be read for certain is None, and the caller asks again.

`json-repair` is not used here: it completes a cut answer, and half an answer is no answer.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

from pydantic import BaseModel, ValidationError

AnswerT = TypeVar("AnswerT", bound=BaseModel)
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
_CORRECTION = (
    r"(?:wait|actually|revis\w*|correct(?:ed|ion|ing)|instead|rather|sorry|chang(?:ed|ing)"
    r"|adjust\w*|lower(?:ed|ing)|rais(?:ed|ing)|reconsider\w*|on (?:second|re)\w*|make (?:it|that)"
    r"|later|now|then|after)"
)
_DISPUTED = re.compile(
    r"^\s*(?:\([^)]*\)\s*)?,?\s*(?:[+×*&,~→⇒-]+|\b(?:or|and|plus|minus|then|to)\b)\s*[+=]?\s*\d"
    r"|^\s*\(\s*\d"  # "7 (5 after the revision)"
    r"|[+×=]\s*\d"  # "4 (novelty) + 3 (coherence) = 7": a term of a sum is no score
    rf"|\b{_CORRECTION}\b\D{{0,60}}\d",
    re.IGNORECASE,
)
# up to the end of the line or to the next label: "no wait: 5" is no label
_REST = re.compile(rf"(?:(?![.;,]?\s+(?!{_CORRECTION}\b)[A-Za-z]\w+\s*[:=|]).)*", re.IGNORECASE)
REST_CHARS_MAX = 160
_BETWEEN = r"[\s:=\-–—|(]{1,12}"
# a backslash that begins no escape of JSON, or one before a command of LaTeX
_LONE_BACKSLASH = re.compile(
    r"(?<!\\)(?:\\\\)*\\(?=[^\"\\/bfnrtu]|u(?![0-9a-fA-F]{4})"
    r"|(?:bar|begin|beta|bf|big|binom|bmod|boldsymbol|bullet|forall|frac|nabla|neq?|not|nu|"
    r"rangle|rho|right|rightarrow|tan|tau|text|theta|tilde|times|to|top)(?![a-zA-Z]))"
)
_FINAL = re.compile(r"\b(?:final|total|overall)\b", re.IGNORECASE)


def parse_object(text: str, answer: type[AnswerT]) -> AnswerT | None:
    """Return the last JSON object in `text` that validates as `answer`: it follows the thinking.

    An object that is the only value of another one counts, too.
    """
    last = None
    for candidate in _candidates(text):
        try:
            last = answer.model_validate(candidate)
        except ValidationError:
            continue
    return last


def parse_problem(text: str, answer: type[BaseModel]) -> str:
    """Return in a sentence why `parse_object` found nothing in `text`."""
    problem = "It held no complete JSON object."
    for candidate in _candidates(text):
        try:
            answer.model_validate(candidate)
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False)[0]
            field = ".".join(map(str, first["loc"]))
            problem = f"Its field {field!r} was wrong: {first['msg']}."
    return problem


def without_thinking(text: str) -> str:
    """Return what a model said after its thinking, stripped."""
    return _THINKING.sub("", text).strip()


def _candidates(text: str) -> Iterator[object]:
    for value in _objects(_escape_latex(without_thinking(text))):
        yield value
        if isinstance(value, dict) and len(value) == 1:
            (inner,) = value.values()
            if isinstance(inner, dict):
                yield inner


def _escape_latex(text: str) -> str:
    """Double the backslashes of LaTeX commands that were written into JSON strings as they are.

    `\\alpha` is no JSON at all, and `\\frac` reads as a form feed.
    """
    return _LONE_BACKSLASH.sub(r"\g<0>\\", text)


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


@dataclass(frozen=True)
class _Mention:
    """A number under a label. `scaled`: with its denominator; `final`: called final or total;
    `disputed`: a term of a sum, one of several, or corrected by what follows.
    """

    value: float
    scaled: bool
    final: bool
    disputed: bool


def parse_score(text: str, label: str, scale: int = 10) -> float | None:
    """Return the score under `label`, on a scale up to `scale`. None if none or several differ.

    A score with another denominator is part of a sum, never the score. Where several differ, those
    called final, total or overall count. Where one has its denominator, bare numbers do not count,
    unless they are called final: then the text contradicts itself. Where a number is a term of a
    sum, one of several, or corrected, nothing under that label is read.
    """
    mentions = _mentions(text, label, scale)
    if any(mention.disputed for mention in mentions) or _is_contradictory(mentions):
        return None
    preferences = (
        [mention for mention in mentions if mention.scaled and mention.final],
        [mention for mention in mentions if mention.scaled],
        [mention for mention in mentions if mention.final],
        mentions,
    )
    for preferred in preferences:
        values = {mention.value for mention in preferred}
        if values:
            value = values.pop()
            return value if not values and 0 <= value <= scale else None
    return None


def _is_contradictory(mentions: Sequence[_Mention]) -> bool:
    """Return whether a bare number that is called final differs from all with a denominator."""
    scaled = {mention.value for mention in mentions if mention.scaled}
    bare = {mention.value for mention in mentions if mention.final and not mention.scaled}
    return bool(scaled) and bool(bare - scaled)


def _is_disputed(after: str) -> bool:
    """Return whether what follows a number, in its line and before the next label, changes it."""
    rest = _REST.match(after)
    return rest is not None and _DISPUTED.search(rest[0]) is not None


def _mentions(text: str, label: str, scale: int) -> list[_Mention]:
    plain = _SCALE.sub("", _MARKUP.sub("", _THINKING.sub("", text)))
    pattern = re.compile(
        rf"(?P<before>[\w ]{{0,24}})\b{re.escape(label)}\b{_BETWEEN}"
        rf"{_NUMBER}(?:{_OUT_OF})?(?![\d/])",
        re.IGNORECASE,
    )
    return [
        _Mention(
            value=float(match["value"]),
            scaled=match["scale"] is not None,
            final=bool(_FINAL.search(match["before"])),
            disputed=_is_disputed(plain[match.end() : match.end() + REST_CHARS_MAX]),
        )
        for match in pattern.finditer(plain)
        if match["scale"] is None or int(match["scale"]) == scale
    ]
