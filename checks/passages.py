"""The prose of a file: comments and strings of Python, and the whole of any other file.

White space is folded, so that a phrase is found across a line break. A blank line becomes `¶`, so
that it is not found across paragraphs.
"""

from __future__ import annotations

import ast
import io
import re
import tokenize
from collections.abc import Iterator
from dataclasses import dataclass, field

from checks.sources import SourceFile

PARAGRAPH = "¶"
# What begins a line of a comment, a list, a quotation or a heading, and is no part of a sentence.
LINE_MARK = re.compile(r"^\s*(?:#|//|/\*|\*|>|-)+\s*")
STRING = re.compile(r"""^([A-Za-z]*)('''|\"""|'|")(.*)\2$""", re.S)
PLACEHOLDER = re.compile(r"\{[^{}]*\}")
FSTRING_MIDDLE = getattr(tokenize, "FSTRING_MIDDLE", -1)  # from Python 3.12 on


@dataclass
class Prose:
    """Text with folded white space, and the line in the file of each of its characters."""

    text: str = ""
    lines: list[int] = field(default_factory=list)

    def add(self, text: str, line: int) -> None:
        """Append a text that begins on this line of the file."""
        for offset, part in enumerate(text.split("\n")):
            words = " ".join(LINE_MARK.sub("", part).split()) or PARAGRAPH
            self.text += words + " "
            self.lines += [line + offset] * (len(words) + 1)


def passages(file: SourceFile) -> Iterator[Prose]:
    """Yield the passages of a file, by its kind. The strings of a test are data, and left out."""
    if file.path.startswith("tests/"):
        yield from _comments(file.text)
        yield from _docstrings(file)
    elif file.path.endswith(".py"):
        yield from _comments(file.text)
        yield from _strings(file.text)
    else:
        passage = Prose()
        passage.add(file.text, 1)
        yield passage


def _comments(text: str) -> Iterator[Prose]:
    """Yield runs of comments that have no other line between them."""
    comment, last_line = Prose(), -1
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type == tokenize.COMMENT:
            if token.start[0] > last_line + 1:
                yield comment
                comment = Prose()
            last_line = token.start[0]
            comment.add(token.string, last_line)
    yield comment


def _docstrings(file: SourceFile) -> Iterator[Prose]:
    """Yield each string that is a statement."""
    for node in file.nodes:
        match node:
            case ast.Expr(value=ast.Constant(value=str(text))):
                docstring = Prose()
                docstring.add(text, node.lineno)
                yield docstring


def _strings(text: str) -> Iterator[Prose]:
    """Yield runs of strings that have no code between them."""
    string = Prose()
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type == tokenize.STRING:
            string.add(_content(token.string), token.start[0])
        elif token.type == FSTRING_MIDDLE:
            string.add(token.string, token.start[0])
        elif _ends_string(token):
            yield string
            string = Prose()
    yield string


def _ends_string(token: tokenize.TokenInfo) -> bool:
    """Tell whether code follows, so that the next string is no continuation of the last one."""
    is_code = token.type == tokenize.OP and token.string not in {"{", "}"}
    return is_code or token.type == tokenize.NEWLINE


def _content(literal: str) -> str:
    """Return what is between the quotes, without the expressions of an f-string."""
    match = STRING.match(literal)
    if not match:
        return literal
    prefix, _, content = match.groups()
    return PLACEHOLDER.sub("{}", content) if "f" in prefix.lower() else content
