"""The text of Word paragraphs, run by run, without what is hidden or deleted."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from lxml import etree

from daydream_memory.reading.formulas import inline_latex, office_latex
from daydream_memory.reading.raised import raised
from daydream_memory.reading.word_styles import PLAIN, Styles, W, is_on

Element = Any  # lxml has no types
M = "{http://schemas.openxmlformats.org/officeDocument/2006/math}"
MC = "{http://schemas.openxmlformats.org/markup-compatibility/2006}"
DELETED = frozenset((f"{W}del", f"{W}moveFrom"))
NO_TEXT = frozenset(
    (
        f"{W}pPr",
        f"{W}rPr",
        f"{W}instrText",
        f"{W}delText",
        f"{W}delInstrText",
        f"{W}sdtPr",
        f"{W}commentReference",
    )
)
SPACES = {
    f"{W}tab": " ",
    f"{W}br": "\n",
    f"{W}cr": "\n",
    f"{W}noBreakHyphen": "-",
    f"{W}softHyphen": "",
}
TINY_HALF_POINTS = 3
WHITES = frozenset(("FFFFFF", "FEFEFE"))
DEPTH_MAX = 200


@dataclass(frozen=True)
class Paragraph:
    """A paragraph: its text, its level as a heading (0 for none), and how it is set."""

    text: str
    level: int = 0
    is_bold: bool = False
    is_item: bool = False


@dataclass
class RunReader:
    """Reads paragraphs. Counts what is hidden or deleted, and the equations."""

    styles: Styles
    hidden: int = 0
    deleted: int = 0
    formulas: int = 0
    _bold: list[bool] = field(default_factory=list)
    _boxes: list[Element] = field(default_factory=list)

    def paragraphs(self, element: Element, depth: int = 0) -> Iterator[Paragraph]:
        """Yield a paragraph, and those of the text boxes that are anchored in it."""
        properties = element.find(f"{W}pPr")
        style = self._style(properties, "pStyle")
        self._bold, self._boxes = [], []
        text = "" if style.unread else self._text(element, style.hidden, style.bold, depth)
        bold, boxes = self._bold, self._boxes
        text = "\n".join(" ".join(line.split()) for line in text.split("\n")).strip()
        if text:
            level = _outline(properties) or style.level
            is_item = properties is not None and properties.find(f"{W}numPr") is not None
            yield Paragraph(text, level, bool(bold) and all(bold), is_item and not level)
        for box in boxes:
            for inner in box.iter(f"{W}p") if depth < 3 else ():
                yield from self.paragraphs(inner, depth + 1)

    def _style(self, properties: Element | None, name: str) -> Any:
        element = properties.find(f"{W}{name}") if properties is not None else None
        return self.styles.get(element.get(f"{W}val", ""), PLAIN) if element is not None else PLAIN

    def _text(self, element: Element, hidden: bool, bold: bool, depth: int) -> str:
        return "".join(self._part(child, hidden, bold, depth + 1) for child in element)

    def _part(self, element: Element, hidden: bool, bold: bool, depth: int) -> str:
        tag = element.tag
        if not isinstance(tag, str) or tag in NO_TEXT or depth > DEPTH_MAX:
            return ""
        if tag in DELETED:
            self.deleted += 1
            return ""
        if tag == f"{W}r":
            return self._run(element, hidden, bold, depth)
        if tag == f"{W}t":
            return element.text or ""
        if tag in (f"{M}oMath", f"{M}oMathPara"):
            return self._formula(element, hidden)
        if tag == f"{MC}AlternateContent":
            return self._alternative(element, hidden, bold, depth)
        if tag == f"{W}txbxContent":
            self._boxes.append(element)
            return ""
        return SPACES[tag] if tag in SPACES else self._text(element, hidden, bold, depth)

    def _run(self, run: Element, hidden: bool, bold: bool, depth: int) -> str:
        properties = run.find(f"{W}rPr")
        style = self._style(properties, "rStyle")
        vanish, own_bold = is_on(properties, "vanish"), is_on(properties, "b")
        is_hidden = (hidden or style.hidden) if vanish is None else vanish
        text = self._text(run, hidden, bold, depth)
        if (is_hidden or _is_unseen(properties)) and text.strip():
            self.hidden += 1
            return ""
        if _is_raised(properties):
            text = raised(text)
        if text.strip():
            self._bold.append((bold or style.bold) if own_bold is None else own_bold)
        return text

    def _formula(self, element: Element, hidden: bool) -> str:
        if hidden:
            return ""
        formulas = [element] if element.tag == f"{M}oMath" else list(element.iter(f"{M}oMath"))
        self.formulas += len(formulas)
        return " ".join(inline_latex(office_latex(formula)) for formula in formulas)

    def _alternative(self, element: Element, hidden: bool, bold: bool, depth: int) -> str:
        """Read one of the forms of the same thing."""
        choices = [child for child in element if child.tag in (f"{MC}Choice", f"{MC}Fallback")]
        for choice in choices:
            if any(True for _ in choice.iter(f"{W}t", f"{M}t")):
                return self._text(choice, hidden, bold, depth)
        return ""


def _is_raised(properties: Element | None) -> bool:
    align = properties.find(f"{W}vertAlign") if properties is not None else None
    return align is not None and align.get(f"{W}val") == "superscript"


def _outline(properties: Element | None) -> int:
    level = properties.find(f"{W}outlineLvl") if properties is not None else None
    value = int(level.get(f"{W}val", "9")) if level is not None else 9
    return value + 1 if value < 9 else 0


def _is_unseen(properties: Element | None) -> bool:
    """Return whether a run is white without a shade behind it, or tiny."""
    if properties is None:
        return False
    colour, size = properties.find(f"{W}color"), properties.find(f"{W}sz")
    half_points = size.get(f"{W}val", "") if size is not None else ""
    if half_points.isdigit() and int(half_points) <= TINY_HALF_POINTS:
        return True
    shaded = properties.find(f"{W}shd") is not None or properties.find(f"{W}highlight") is not None
    white = colour is not None and colour.get(f"{W}val", "").upper() in WHITES
    return white and not shaded and not _in_shaded_cell(properties)


def _in_shaded_cell(element: Element) -> bool:
    for around in element.iterancestors(f"{W}tc", f"{W}p"):
        shade = around.find(f"{W}tcPr/{W}shd")
        shade = around.find(f"{W}pPr/{W}shd") if shade is None else shade
        if shade is not None:
            return True
    return any(etree.QName(around).localname == "wsp" for around in element.iterancestors())
