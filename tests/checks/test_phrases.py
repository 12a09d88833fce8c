"""The check of phrases finds them in prose of each kind, and lets good English pass."""

from __future__ import annotations

import re

import pytest

from checks.finding import Finding
from checks.phrases import Phrase, banned, check, texts_by_pattern
from checks.sources import SourceFile

MEND = (Phrase(re.compile(r"\bonce more\b", re.IGNORECASE), "again"),)


def places(text: str, path: str = "a.py") -> list[int]:
    return [finding.line for finding in check([SourceFile(path, text)], MEND)]


def findings(sentence: str) -> list[Finding]:
    return list(check([SourceFile("README.md", sentence)], banned()))


def test_a_finding_names_the_line_the_phrase_and_the_replacement() -> None:
    (finding,) = check([SourceFile("README.md", "Title\n\nTry it Once More.\n")], MEND)
    assert str(finding) == 'README.md:3: "Once More" is not used here. Write: again.'


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ('"""Try it once more."""\n', 1),
        ('def work():\n    """Try.\n\n    Try it once\n    more."""\n', 4),
        ("x = 1  # once more\n", 1),
        ("# try it once\n# more\n", 1),
        ('help("once more")\n', 1),
        ('help(f"{name} once more {other}")\n', 1),
        ('help("try it once "\n     "more")\n', 1),
    ],
)
def test_comments_docstrings_and_strings_are_read(text: str, line: int) -> None:
    assert places(text) == [line]


def test_code_is_not_read() -> None:
    assert places("once.more = once + more\nx = f'{once} more'\n") == []
    assert places('work("once", "more")\n') == []


def test_a_phrase_is_found_across_a_line_break_but_not_across_paragraphs() -> None:
    assert places("Try it once\nmore.\n", "docs/a.md") == [1]
    assert places("Try it once\n\nmore.\n", "docs/a.md") == []


@pytest.mark.parametrize(
    "sentence",
    [
        "How to mend it.",
        "DAYDREAM_BUDGET_ENVELOPE_IDLE_S",
        "Nobody is told first.",
        "The least share of draws.",
        "It is near the line.",
        "Dream by turns.",
        "With which probability it wins.",
        "It ended. Of which none is left.",
        "It has a folder of its own.",
        "Messages in hand.",
        "Answers are kept in the ANSWERS bucket.",
        "What waits for a person's word.",
    ],
)
def test_a_banned_phrase_is_found(sentence: str) -> None:
    assert findings(sentence)


@pytest.mark.parametrize(
    "sentence",
    [
        "At least one fact, the least recently used one, and least squares.",
        "Most of the time is spent in the model.",
        "The number with which it ends.",
        "A long-standing rule, and an outstanding one.",
        "The parser reports the line where the file breaks.",
        "Run make bench BENCH=loop; a benchmark is one folder.",
        "See Troubleshooting.",
        "The fake stands in for the real client.",
        "Potential envelopment.",
        "Facts are kept by the memory; the index is kept in memory.",
    ],
)
def test_good_english_passes(sentence: str) -> None:
    assert findings(sentence) == []


def test_every_pattern_of_files_selects_one() -> None:
    assert [pattern for pattern, paths in texts_by_pattern().items() if not paths] == []


def test_the_data_of_a_test_is_not_read_but_its_docstrings_and_comments_are() -> None:
    assert places('x = "once more"\n', "tests/test_a.py") == []
    assert places('"""Try it\nonce more."""\n\n# once more\n', "tests/test_a.py") == [4, 2]
