"""The styles of a Word document that matter to its text: headings, hidden and bold ones."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

Element = Any  # lxml has no types
W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
HEADING = re.compile(
    r"^(?:heading|überschrift|titre|título|titolo|kop|rubrik|标题|見出し)\s*(\d)$", re.IGNORECASE
)
UNREAD = re.compile(r"^(?:toc|table of figures|verzeichnis)\b", re.IGNORECASE)
CHAIN_MAX = 20
LEVELS_MAX = 9
OFF = ("0", "false", "off", "none")


@dataclass(frozen=True)
class WordStyle:
    """A style: its level of heading (0 for none); whether its text is hidden, bold or unread."""

    level: int = 0
    hidden: bool = False
    bold: bool = False
    unread: bool = False


Styles = Mapping[str, WordStyle]
PLAIN = WordStyle()


def styles_of(root: Element | None) -> Styles:
    """Return the styles by their ids, with what they inherit."""
    if root is None:
        return {}
    elements = {style.get(f"{W}styleId", ""): style for style in root.iter(f"{W}style")}
    return {name: _style(name, elements) for name in elements}


def is_on(properties: Element | None, name: str) -> bool | None:
    """Return whether a property is set on, None where nothing is said of it."""
    element = properties.find(f"{W}{name}") if properties is not None else None
    if element is None:
        return None
    return element.get(f"{W}val", "1").lower() not in OFF


def _style(name: str, elements: Mapping[str, Element]) -> WordStyle:
    level, hidden, bold, unread = 0, None, None, False
    for _ in range(CHAIN_MAX):
        element = elements.get(name)
        if element is None:
            break
        own = _name(element)
        if heading := HEADING.match(own):
            level = level or int(heading[1])
        elif own.lower() == "title":
            level = level or 1
        unread = unread or bool(UNREAD.match(own))
        outline = element.find(f"{W}pPr/{W}outlineLvl")
        if outline is not None and not level:
            value = int(outline.get(f"{W}val", "9"))
            level = value + 1 if value < LEVELS_MAX else 0
        properties = element.find(f"{W}rPr")
        hidden = is_on(properties, "vanish") if hidden is None else hidden
        bold = is_on(properties, "b") if bold is None else bold
        based_on = element.find(f"{W}basedOn")
        name = based_on.get(f"{W}val", "") if based_on is not None else ""
    return WordStyle(level, bool(hidden), bool(bold), unread)


def _name(style: Element) -> str:
    element = style.find(f"{W}name")
    return str(element.get(f"{W}val", "")) if element is not None else ""
