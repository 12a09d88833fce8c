"""The macros that a LaTeX document defines for itself, and their expansion.

What can fail: macros that contain themselves; so the number of expansions and the length are
limited, and what is beyond stays as it is.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

DEFINITION = re.compile(
    r"\\(?:newcommand|renewcommand|providecommand|DeclareMathOperator|DeclareRobustCommand)\*?\s*"
    r"(?:\{\s*\\([A-Za-z]+)\s*\}|\\([A-Za-z]+))\s*(?:\[(\d)\])?\s*(?:\[([^\]]*)\])?\s*(?=\{)"
    r"|\\def\s*\\([A-Za-z]+)\s*((?:#\d)*)\s*(?=\{)"
)
ROUNDS = 4
MACROS_MAX = 500
GROWTH_MAX = 4


@dataclass(frozen=True)
class Macro:
    """A macro: its body, and how many arguments it takes."""

    body: str
    arguments: int
    default: str | None = None


def argument(text: str, start: int) -> tuple[str, int]:
    """Return the content of the braces that begin at `start`, and the place behind them."""
    depth = 0
    place = start
    while place < len(text):
        sign = text[place]
        if sign == "\\":
            place += 2
            continue
        depth += (sign == "{") - (sign == "}")
        place += 1
        if depth == 0:
            return text[start + 1 : place - 1], place
    return text[start + 1 :], len(text)


def expand_macros(text: str) -> str:
    """Return the text with its own macros replaced by what they stand for."""
    text, macros = _definitions(text)
    if not macros:
        return text
    names = "|".join(sorted(map(re.escape, macros), key=len, reverse=True))
    call = re.compile(rf"\\({names})(?![A-Za-z])[ \t]*(\{{\}})?")
    limit = max(100_000, GROWTH_MAX * len(text))
    for _ in range(ROUNDS):
        expanded = _expanded(text, call, macros)
        if expanded == text or len(expanded) > limit:
            break
        text = expanded
    return text


def _definitions(text: str) -> tuple[str, dict[str, Macro]]:
    macros: dict[str, Macro] = {}
    parts, start = [], 0
    for match in DEFINITION.finditer(text):
        if match.start() < start or len(macros) >= MACROS_MAX:
            continue
        body, end = argument(text, match.end())
        name = match[1] or match[2] or match[5]
        count = int(match[3] or 0) or len(match[6] or "") // 2
        macros[name] = Macro(body, count, match[4])
        parts.append(text[start : match.start()])
        start = end
    return "".join(parts) + text[start:], macros


def _expanded(text: str, call: re.Pattern[str], macros: dict[str, Macro]) -> str:
    parts, start = [], 0
    for match in call.finditer(text):
        if match.start() < start:
            continue
        macro = macros[match[1]]
        values, end = _values(text, match.end(), macro)
        body = macro.body
        for number, value in enumerate(values, 1):
            body = body.replace(f"#{number}", value)
        body = re.sub(r"\\ensuremath\s*\{((?:[^{}]|\{[^{}]*\})*)\}", r"$\1$", body)
        behind = (
            " "
            if not values and not match[2] and text[match.end() - 1 : match.end()] == " "
            else ""
        )
        parts += [text[start : match.start()], body, behind]
        start = end
    return "".join(parts) + text[start:]


def _values(text: str, start: int, macro: Macro) -> tuple[list[str], int]:
    values: list[str] = []
    if macro.default is not None:
        given = re.compile(r"\s*\[([^\]]*)\]").match(text, start)
        values.append(given[1] if given else macro.default)
        start = given.end() if given else start
    while len(values) < macro.arguments:
        opening = re.compile(r"\s*(?=\{)").match(text, start)
        if not opening:
            break
        value, start = argument(text, opening.end())
        values.append(value)
    return values, start
