"""LaTeX markup of a sentence to plain text. Formulas stay LaTeX between dollar signs."""

from __future__ import annotations

import re
from functools import cache

from pylatexenc.latex2text import LatexNodes2Text, MacroTextSpec, get_default_latex_context_db
from pylatexenc.latexwalker import get_default_latex_context_db as walker_context
from pylatexenc.macrospec import MacroSpec

SIGNS = {
    "textgreater": ">",
    "textless": "<",
    "textbar": "|",
    "textasciitilde": "~",
    "textdegree": "°",
    "textmu": "µ",
    "texttimes": "×",
    "textpm": "±",
    "textasciicircum": "^",
    "textbackslash": "\\",
    "textunderscore": "_",
    "textquotesingle": "'",
    "textmultiply": "×",
    "degree": "°",
    "celsius": "°C",
    "percent": "%",
    "micro": "µ",
}
UNREAD = ("label", "cite", "citep", "citet", "index", "vspace", "hspace", "todo", "includegraphics")
ARGUMENTS = {"href": "{{", "textcolor": "{{", "SI": "{{", "si": "{", "num": "{", "qty": "{{"}
SHOWN = {
    "href": "%(2)s",
    "textcolor": "%(2)s",
    "SI": "%(1)s %(2)s",
    "si": "%(1)s",
    "num": "%(1)s",
    "qty": "%(1)s %(2)s",
}
NO_MARKUP = re.compile(r"[\\{}$~%]|``|''|--")
CHARS_MAX = 200_000


@cache
def _converter() -> LatexNodes2Text:
    context = get_default_latex_context_db()
    context.add_context_category(
        "signs",
        prepend=True,
        macros=[
            *(MacroTextSpec(name, sign) for name, sign in SIGNS.items()),
            *(MacroTextSpec(name, "") for name in UNREAD),
            *(MacroTextSpec(name, shown) for name, shown in SHOWN.items()),
        ],
    )
    return LatexNodes2Text(context, math_mode="verbatim", strict_latex_spaces=False)


@cache
def _walker() -> object:
    context = walker_context()
    context.add_context_category(
        "arguments",
        prepend=True,
        macros=[MacroSpec(name, args) for name, args in ARGUMENTS.items()],
    )
    return context


def plain_latex(text: str) -> str:
    """Return the text in one line without markup. What cannot be parsed keeps its letters."""
    if not NO_MARKUP.search(text):
        return " ".join(text.split())
    try:
        plain = str(
            _converter().latex_to_text(
                text[:CHARS_MAX], latex_context=_walker(), tolerant_parsing=True
            )
        )
    except (IndexError, ValueError, RecursionError):  # the parser gives up on such markup
        plain = re.sub(r"\\[A-Za-z]+\*?|[{}]", "", text)
    return " ".join(plain.split())
