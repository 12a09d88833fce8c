"""LaTeX to passages: the body by sections, with its own macros expanded and formulas kept.

Comments, references to labels and keys, pictures and the preamble are left out; captions stay.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from daydream_memory.reading.latex_macros import argument, expand_macros
from daydream_memory.reading.latex_text import plain_latex
from daydream_memory.reading.outline import Block, passages_of
from daydream_memory.reading.passages import LeftOut, RawDocument, Reading, counted

LEVELS = {
    "part": 1,
    "chapter": 2,
    "section": 3,
    "subsection": 4,
    "subsubsection": 5,
    "paragraph": 6,
    "subparagraph": 7,
}
CODE = re.compile(
    r"\\begin\{(verbatim|lstlisting|minted|Verbatim|alltt|algorithmic?|algorithm2e)\*?\}"
    r"(.*?)\\end\{\1\*?\}",
    re.DOTALL,
)
COMMENT_BLOCK = re.compile(r"\\begin\{comment\}.*?\\end\{comment\}|\\iffalse\b.*?\\fi\b", re.DOTALL)
COMMENT = re.compile(r"(?<!\\)((?:\\\\)*)%[^\n]*\n?[ \t]*")
BODY = re.compile(r"\\begin\{document\}(.*?)(?:\\end\{document\}|\Z)", re.DOTALL)
FRAME = re.compile(
    r"\\begin\{frame\}(?:<[^>]*>)?(?:\[[^\]]*\])*\s*(?=\{)|\\frametitle(?:<[^>]*>)?\s*(?=\{)"
)
OVERLAY = re.compile(
    r"(\\(?:item|only|alert|uncover|visible|onslide|textbf|emph|includegraphics))\s*<[^<>]{1,30}>"
)
SLIDE_NOTES = re.compile(r"\\(?:note|subtitle|logo)(?:<[^>]*>)?(?:\[[^\]]*\])?\s*(?=\{)")
SECTION = re.compile(rf"\\({'|'.join(LEVELS)})\*?\s*(?:\[[^\]]*\])?\s*(?=\{{)")
ABSTRACT = re.compile(
    r"\\begin\{(abstract|summary|keywords)\}|\\end\{(?:abstract|summary|keywords)\}"
)
PICTURES = re.compile(r"\\includegraphics\b|\\begin\{(?:tikzpicture|pspicture|picture)\}")
DRAWN = re.compile(r"\\begin\{(tikzpicture|pspicture|picture)\}.*?\\end\{\1\}", re.DOTALL)
TABLE = re.compile(r"\\begin\{(tabular[xy*]?|longtable|array)\*?\}.*?\\end\{\1\*?\}", re.DOTALL)
REFERENCES = re.compile(r"\\begin\{thebibliography\}.*?\\end\{thebibliography\}", re.DOTALL)
CAPTION = re.compile(r"\\caption(?:of\{\w+\})?\*?\s*(?:\[[^\]]*\])?\s*(?=\{)")
CAPTION_WORDS_MIN = 5
FOOTNOTE = re.compile(r"\\footnote(?:text)?\s*(?:\[\d+\])?\s*(?=\{)")
DISPLAYED = re.compile(
    r"\\begin\{(equation|align|gather|multline|eqnarray|displaymath|math|flalign|alignat)(\*?)\}"
    r"(.*?)\\end\{\1\2\}|\\\[(.*?)\\\]|\$\$(.*?)\$\$",
    re.DOTALL,
)
IN_PARENTHESES = re.compile(r"\\\((.+?)\\\)", re.DOTALL)
POINTERS = re.compile(
    r"[~\s]*\\(?:[cC]ite\w*|footcite\w*|parencite\w*|textcite\w*|autocite\w*|nocite)\*?"
    r"(?:\s*\[[^\]]*\])*\s*\{[^}]*\}|~?\\(?:ref|eqref|autoref|[cC]ref|vref|pageref|nameref|label|"
    r"bibliography|bibliographystyle|index\w*|vspace|hspace|input|include|todo|"
    r"thanks|gls|addbibresource)"
    r"\*?(?:\[[^\]]*\])?\s*\{[^{}]*\}"
    r"|\\(?:maketitle|tableofcontents|centering|noindent|clearpage|newpage|"
    r"appendix|small|footnotesize|item(?:\[[^\]]*\])?|par|bigskip|medskip|smallskip)(?![A-Za-z])"
)
ENVIRONMENT = re.compile(r"\\(?:begin|end)\{[^}]*\}(?:\[[^\]]*\])?")
TITLE = re.compile(r"\\title\s*(?:\[[^\]]*\])?\s*(?=\{)")
FRONT = re.compile(
    r"\\(?:title|author|date|affiliation|institute|email|address|keywords)"
    r"\s*(?:\[[^\]]*\])?\s*(?=\{)"
)
INCLUDED = re.compile(r"\\(?:input|include|subfile)\s*\{")
BLANK_LINES = re.compile(r"\n\s*\n")


def read_latex(document: RawDocument) -> Reading:
    """Return the passages of a paper, or of a part of one without a preamble."""
    text = document.text.replace("\r\n", "\n")
    code = [match[2] for match in CODE.finditer(text)]
    text = COMMENT.sub(r"\1", COMMENT_BLOCK.sub("", CODE.sub("\n\n", text)))
    text = expand_macros(text)
    title_match = TITLE.search(text)
    title = plain_latex(argument(text, title_match.end())[0]) if title_match else ""
    body = BODY.search(text)
    content = body[1] if body else text
    left_out = _report(content, len(code))
    passages = passages_of(_blocks(_marked(content)), title)
    return Reading(passages, tuple(left_out), title=title)


def _report(text: str, code: int) -> list[LeftOut]:
    return [
        *counted("pictures", len(PICTURES.findall(text)), "picture", "pictures"),
        *counted("tables", len(TABLE.findall(text)), "table", "tables"),
        *counted("code", code, "block of code", "blocks of code"),
        *counted(
            "references", len(REFERENCES.findall(text)), "list of references", "lists of references"
        ),
        *counted(
            "included-files",
            len(INCLUDED.findall(text)),
            "file that is included",
            "files that are included",
            "not followed",
        ),
    ]


def _marked(text: str) -> str:
    """Return the text without parts that are no prose, and with formulas between dollar signs."""
    text = REFERENCES.sub("", TABLE.sub("", DRAWN.sub("", text)))
    text = _without_arguments(text, FRONT)
    if FRAME.search(text):  # slides
        text = _without_arguments(OVERLAY.sub(r"\1", text.replace("\\pause", "")), SLIDE_NOTES)
        text = _moved(text, FRAME, "\n\n\\subsection{{{}}}\n\n")
    text = _moved(text, CAPTION, "\n\n{}\n\n", CAPTION_WORDS_MIN)
    text = _moved(text, FOOTNOTE, " ({})")
    text = DISPLAYED.sub(_formula, text)
    text = IN_PARENTHESES.sub(r"$\1$", text)
    text = re.sub(r"\\item\b(?:[ \t]*\[[^\]]*\])?", "\n\n", text)
    return POINTERS.sub("", text)


def _formula(match: re.Match[str]) -> str:
    latex = next(group for group in match.groups()[2:] if group is not None)
    latex = re.sub(r"\\(?:label|tag)\{[^}]*\}|\\nonumber|\\notag", "", latex)
    return f" ${' '.join(latex.split())}$ " if latex.strip() else ""


def _without_arguments(text: str, command: re.Pattern[str]) -> str:
    return _moved(text, command, "")


def _moved(text: str, command: re.Pattern[str], form: str, words_min: int = 0) -> str:
    """Replace a command and its argument by the argument in a form, if it has `words_min` words."""
    parts, start = [], 0
    for match in command.finditer(text):
        if match.start() < start:
            continue
        inner, end = argument(text, match.end())
        parts += [
            text[start : match.start()],
            form.format(inner) if len(inner.split()) >= words_min else "",
        ]
        start = end
    return "".join(parts) + text[start:]


def _blocks(text: str) -> Iterator[Block]:
    start = 0
    for match in SECTION.finditer(text):
        yield from _paragraphs(text[start : match.start()])
        heading, start = argument(text, match.end())
        yield Block("heading", plain_latex(heading), LEVELS[match[1]])
    yield from _paragraphs(text[start:])


def _paragraphs(text: str) -> Iterator[Block]:
    for paragraph in BLANK_LINES.split(ABSTRACT.sub("\n\n", text)):
        plain = plain_latex(ENVIRONMENT.sub(" ", paragraph))
        if any(map(str.isalnum, plain)):
            yield Block("prose", plain)
