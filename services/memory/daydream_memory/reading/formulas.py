"""Formulas of pages and office files to LaTeX, between dollar signs.

Three notations exist: presentation MathML (pages, EPUB, OpenDocument), Office Math (Word) and LaTeX
itself, which pages often carry beside the others.
"""

from __future__ import annotations

import re
from typing import Any

from lxml import etree

Element = Any  # lxml has no types
WRAPPER = re.compile(r"\b(katex|MathJax|mjx-|mwe-math-element|math-display|ltx_Math)")
PICTURED = re.compile(r"\b(tex|latex|mwe-math\S*)\b")
WRAPPERS_MAX = 6
TEX_SCRIPT = "math/tex"
SPACES = re.compile(r"\s+")
SYMBOLS = {"−": "-", "\u2061": "", "\u2062": " ", "\u2063": ",", "\u2064": "+", "\xa0": " "}
ACCENTS = {
    "\u0302": "hat",
    "^": "hat",
    "\u0304": "bar",
    "\u0305": "bar",
    "¯": "bar",
    "\u20d7": "vec",
    "→": "vec",
    "\u0303": "tilde",
    "~": "tilde",
    "˜": "tilde",
    "\u0307": "dot",
    "˙": "dot",
    "\u0308": "ddot",
    "¨": "ddot",
}


def replace_formulas(root: Element) -> int:
    """Replace each formula of a page by its LaTeX, once. Return how many there were."""
    count = 0
    for script in list(root.iter("script")):
        if script.get("type", "").startswith(TEX_SCRIPT):
            _put(script, script.text or "")
            count += 1
    for math in list(root.iter("math", "{http://www.w3.org/1998/Math/MathML}math")):
        if math.getparent() is not None:
            _put(_outermost(math), mathml_latex(math))
            count += 1
    for picture in list(root.iter("img")):
        if PICTURED.search(picture.get("class", "")) and picture.get("alt"):
            _put(picture, picture.get("alt"))
            count += 1
    return count


def _outermost(math: Element) -> Element:
    """Return the element that holds all notations of this formula."""
    outer, around = math, math
    for _ in range(WRAPPERS_MAX):
        around = around.getparent()
        if around is None:
            break
        name = f"{around.get('class', '')} {around.tag}"
        if WRAPPER.search(name) and sum(1 for _ in around.iter("math")) == 1:
            outer = around
    return outer


def _put(element: Element, latex: str) -> None:
    text = inline_latex(latex)
    formula = etree.Element("span")
    formula.text, formula.tail = text, element.tail
    element.getparent().replace(element, formula)


def inline_latex(latex: str) -> str:
    """Return LaTeX between dollar signs, "" for nothing."""
    latex = SPACES.sub(" ", latex).strip().strip("$").strip()
    latex = re.sub(r"^\{?\\displaystyle\s*(.*?)\}?$", r"\1", latex)
    return f"${latex}$" if latex else ""


def mathml_latex(math: Element) -> str:
    """Return the LaTeX that a formula carries with it, else one that is made from its parts."""
    for annotation in math.iter():
        if "tex" in str(annotation.get("encoding", "")).lower() and annotation.text:
            return str(annotation.text)
    return math.get("alttext") or _latex(math, _MATHML, 0)


def office_latex(math: Element) -> str:
    """Return the LaTeX of an equation of Word."""
    return SPACES.sub(" ", _latex(math, _OFFICE, 0)).strip()


DEPTH_MAX = 60


def _latex(element: Element, forms: dict[str, Any], depth: int) -> str:
    if not isinstance(element.tag, str) or depth > DEPTH_MAX:
        return ""
    name = etree.QName(element).localname
    parts = [child for child in element if isinstance(child.tag, str)]
    if name in forms:
        return str(forms[name](element, parts, lambda part: _latex(part, forms, depth + 1)))
    if not parts:
        return "".join(SYMBOLS.get(sign, sign) for sign in (element.text or ""))
    return "".join(_latex(part, forms, depth + 1) for part in parts)


def _group(text: str) -> str:
    return text if len(text) == 1 else "{" + text + "}"


def _script(sign: str) -> Any:
    def form(_: Element, parts: list[Element], latex: Any) -> str:
        texts = [latex(part) for part in parts]
        base = texts[0] if texts else ""
        return base + "".join(
            mark + _group(text) for mark, text in zip(sign, texts[1:], strict=False) if text
        )

    return form


def _fraction(_: Element, parts: list[Element], latex: Any) -> str:
    texts = [latex(part) for part in parts if etree.QName(part).localname != "fPr"]
    return rf"\frac{{{texts[0]}}}{{{texts[1]}}}" if len(texts) == 2 else "".join(texts)


def _over(_: Element, parts: list[Element], latex: Any) -> str:
    texts = [latex(part) for part in parts]
    accent = ACCENTS.get(texts[1].strip()) if len(texts) == 2 else None
    return rf"\{accent}{{{texts[0]}}}" if accent else _script("^")(_, parts, latex)


def _fenced(element: Element, parts: list[Element], latex: Any) -> str:
    inner = ", ".join(latex(part) for part in parts)
    return f"{element.get('open', '(')}{inner}{element.get('close', ')')}"


def _root(_: Element, parts: list[Element], latex: Any) -> str:
    texts = [latex(part) for part in parts]
    if len(texts) == 2:
        return rf"\sqrt[{texts[1]}]{{{texts[0]}}}"
    return rf"\sqrt{{{''.join(texts)}}}"


def _rows(_: Element, parts: list[Element], latex: Any) -> str:
    rows = [
        " & ".join(latex(cell) for cell in row if isinstance(cell.tag, str))
        for row in parts
        if etree.QName(row).localname in ("mtr", "mr", "mlabeledtr")
    ]
    return r"\begin{matrix}" + r" \\ ".join(rows) + r"\end{matrix}"


def _nothing(*_: Any) -> str:
    return ""


_MATHML: dict[str, Any] = {
    "mfrac": _fraction,
    "msup": _script("^"),
    "msub": _script("_"),
    "msubsup": _script("_^"),
    "munderover": _script("_^"),
    "munder": _script("_"),
    "mover": _over,
    "msqrt": _root,
    "mroot": _root,
    "mfenced": _fenced,
    "mtable": _rows,
    "annotation": _nothing,
    "annotation-xml": _nothing,
}


def _named(part: Element, name: str, latex: Any) -> str:
    """Return the part of an Office equation with this name: num, den, e, sub, sup, deg."""
    return "".join(
        latex(child)
        for child in part
        if isinstance(child.tag, str) and etree.QName(child).localname == name
    )


def _property(element: Element, name: str, default: str) -> str:
    for child in element.iter():
        if isinstance(child.tag, str) and etree.QName(child).localname == name:
            return next((str(value) for value in child.attrib.values()), "")
    return default


def _office_fraction(element: Element, _: list[Element], latex: Any) -> str:
    return rf"\frac{{{_named(element, 'num', latex)}}}{{{_named(element, 'den', latex)}}}"


def _office_script(element: Element, _: list[Element], latex: Any) -> str:
    sub, sup = _named(element, "sub", latex), _named(element, "sup", latex)
    base = _named(element, "e", latex)
    return base + ("_" + _group(sub) if sub else "") + ("^" + _group(sup) if sup else "")


def _office_root(element: Element, _: list[Element], latex: Any) -> str:
    degree = _named(element, "deg", latex)
    return rf"\sqrt{f'[{degree}]' if degree else ''}{{{_named(element, 'e', latex)}}}"


def _office_sum(element: Element, _: list[Element], latex: Any) -> str:
    sign = _property(element, "chr", "∫")
    sub, sup = _named(element, "sub", latex), _named(element, "sup", latex)
    limits = ("_" + _group(sub) if sub else "") + ("^" + _group(sup) if sup else "")
    return f"{sign}{limits} {_named(element, 'e', latex)}"


def _office_brackets(element: Element, parts: list[Element], latex: Any) -> str:
    inner = ", ".join(latex(part) for part in parts if etree.QName(part).localname == "e")
    return f"{_property(element, 'begChr', '(')}{inner}{_property(element, 'endChr', ')')}"


def _office_accent(element: Element, _: list[Element], latex: Any) -> str:
    accent = ACCENTS.get(_property(element, "chr", "\u0302"), "hat")
    return rf"\{accent}{{{_named(element, 'e', latex)}}}"


def _office_function(element: Element, _: list[Element], latex: Any) -> str:
    return f"{_named(element, 'fName', latex)} {_named(element, 'e', latex)}"


def _office_limit(element: Element, _: list[Element], latex: Any) -> str:
    return f"{_named(element, 'e', latex)}_{_group(_named(element, 'lim', latex))}"


_OFFICE: dict[str, Any] = {
    "f": _office_fraction,
    "sSup": _office_script,
    "sSub": _office_script,
    "sSubSup": _office_script,
    "rad": _office_root,
    "nary": _office_sum,
    "d": _office_brackets,
    "acc": _office_accent,
    "bar": _office_accent,
    "func": _office_function,
    "limLow": _office_limit,
    "m": _rows,
    **dict.fromkeys(
        (
            "fPr",
            "sSupPr",
            "sSubPr",
            "sSubSupPr",
            "radPr",
            "naryPr",
            "dPr",
            "accPr",
            "funcPr",
            "mPr",
            "ctrlPr",
            "rPr",
            "barPr",
            "limLowPr",
        ),
        _nothing,
    ),
}
