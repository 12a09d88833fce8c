"""The prose of a file: comments and strings of Python, and the whole of any other file.

White space is folded, so that a phrase is found across a line break. A blank line becomes `¶`, so
that it is not found across paragraphs.
"""

from __future__ import annotations

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
class Passage:
    """Text with folded white space, and the line in the file of each of its characters."""

    text: str = ""
    lines: list[int] = field(default_factory=list)

    def add(self, text: str, line: int) -> None:
        """Append a text that begins on this line of the file."""
        for offset, part in enumerate(text.split("\n")):
            words = " ".join(LINE_MARK.sub("", part).split()) or PARAGRAPH
            self.text += words + " "
            self.lines += [line + offset] * (len(words) + 1)


def passages(file: SourceFile) -> Iterator[Passage]:
    """Yield the passages of a file, by its kind."""
    if file.path.endswith(".py"):
        yield from _python(file.text)
    else:
        passage = Passage()
        passage.add(file.text, 1)
        yield passage


def _python(text: str) -> Iterator[Passage]:
    """Yield runs of comments, and runs of strings, that have no code between them."""
    comment, string = Passage(), Passage()
    last_comment = -1
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        line = token.start[0]
        if token.type == tokenize.COMMENT:
            if line > last_comment + 1:
                yield comment
                comment = Passage()
            last_comment = line
            comment.add(token.string, line)
        elif token.type == tokenize.STRING:
            string.add(_content(token.string), line)
        elif token.type == FSTRING_MIDDLE:
            string.add(token.string, line)
        elif _ends_string(token):
            yield string
            string = Passage()
    yield comment
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
