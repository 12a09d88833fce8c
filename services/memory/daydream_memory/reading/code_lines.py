"""Tell program code from prose, line by line."""

from __future__ import annotations

import re

PROSE_LINE = re.compile(
    r"^\W{0,4}\w[\w'’,.:;()\-–]*( [\w('\"“‘\[$][\w'’,.:;()?!\]\"”%/\-–$]*){4,}\s*$"
)
CODE_SIGNS = re.compile(
    r"[{};]\s*$|^\s*(#include|import |from \w+ import|def |class \w+[(:]|return\b|for\b.*:\s*$"
    r"|if\b.*:\s*$|else\b|var |let |const |function\b|public |\$ |>>> |sudo |SELECT |<\w+)"
    r"|\w+\(.*\)|[=!<>]=|\+=|->|=>|::|&&|\|\|"
)
PROSE_SHARE_MIN = 0.5


def looks_like_code(text: str) -> bool:
    """Return whether most lines are code. Preformatted text of a mail or an RFC is prose."""
    lines = [line for line in text.splitlines() if line.strip()]
    if not lines:
        return False
    prose = sum(1 for line in lines if PROSE_LINE.match(line) and not CODE_SIGNS.search(line))
    return prose < len(lines) * PROSE_SHARE_MIN
