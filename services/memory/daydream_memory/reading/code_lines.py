"""Tell program code from prose, line by line."""

from __future__ import annotations

import re

PROSE_LINE = re.compile(
    r"^\W{0,4}\w[\w'’,.:;()\-–]*( [\w('\"“‘\[$][\w'’,.:;()?!\]\"”%/\-–$]*){4,}\s*$"
)
CODE_ENDS = ("{", "}", ";")
CODE_START = re.compile(
    r"\s*(?:#include|import |from \w+ import|def |class \w+[(:]|return\b|for\b.*:\s*$|if\b.*:\s*$"
    r"|else\b|var |let |const |function\b|public |\$ |>>> |sudo |SELECT |<\w+)"
)
# it begins with a set of characters: `re` then looks at nothing else
CODE_SIGN = re.compile(
    r"[(=!<>+:&|-](?:(?<=\w\().*\)|(?<=[=!<>])=|(?<=\+)=|(?<=[-=])>|(?<=:):|(?<=&)&|(?<=\|)\|)"
)
PROSE_SHARE_MIN = 0.5


def has_code_signs(line: str) -> bool:
    """Return whether a line begins or ends as those of programs do, or has their signs."""
    return (
        line.rstrip().endswith(CODE_ENDS)
        or bool(CODE_START.match(line))
        or bool(CODE_SIGN.search(line))
    )


def looks_like_code(text: str) -> bool:
    """Return whether most lines are code. Preformatted text of a mail or an RFC is prose."""
    lines = [line for line in text.splitlines() if line.strip()]
    if not lines:
        return False
    prose = sum(1 for line in lines if PROSE_LINE.match(line) and not has_code_signs(line))
    return prose < len(lines) * PROSE_SHARE_MIN
