"""Reading takes time in proportion to the size of a document, whatever the document repeats."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from daydream_memory.chunking import texts_of
from daydream_memory.reading import read_document

TIMES_LARGER = 4
RATIO_MAX = 10  # of processor time: 4 is linear, 16 is the square
ROUNDS = 2
SENTENCE = "The ice on lake {} breaks up earlier each spring than it did before."


def _lines(count: int, line: str = SENTENCE) -> str:
    return "\n".join(line.replace("{}", str(number)) for number in range(count))


def _subtitles(count: int) -> str:
    times = "{}\n00:00:01,000 --> 00:00:01,900\n"
    return _lines(count, f"{times}{SENTENCE}\n")


def _nested_sections(count: int) -> str:
    sections = _lines(count, f"<sec><title>Lake number {{}} of many</title><p>{SENTENCE}</p>")
    return f"<?xml version='1.0'?><article>{sections}{'</sec>' * count}</article>"


def _paragraphs_of_xml(count: int) -> str:
    return f"<?xml version='1.0'?><article>{_lines(count, f'<p>{SENTENCE}</p>')}</article>"


CASES: dict[str, tuple[Callable[[int], str], int]] = {
    "captions.srt": (_subtitles, 500),
    "one-paragraph.md": (_lines, 3000),
    "open-pictures.md": (lambda count: _lines(count, "![a](data:image lake {}"), 1000),
    "open-links.md": (lambda count: _lines(count, "The [[ice of lake {}"), 500),
    "footnotes.md": (lambda count: _lines(count, f"[^{{}}]: {SENTENCE}"), 500),
    "sections.xml": (_nested_sections, 450),
    "paragraphs.xml": (_paragraphs_of_xml, 1500),
}


@pytest.mark.parametrize("name", sorted(CASES))
def test_four_times_the_document_takes_about_four_times_as_long(name: str) -> None:
    make, count = CASES[name]
    _cpu_s(make(10), name)  # imports the reader
    small = min(_cpu_s(make(count), name) for _ in range(ROUNDS))
    large = min(_cpu_s(make(TIMES_LARGER * count), name) for _ in range(ROUNDS))
    assert large < RATIO_MAX * max(small, 0.005)


def _cpu_s(text: str, name: str) -> float:
    started = time.process_time()
    result = read_document(text.encode(), name)
    texts_of(result, source=name, chars_max=900)
    return time.process_time() - started
