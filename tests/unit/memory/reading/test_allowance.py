"""A document that needs too much gives what was read before, and the report says how much."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from daydream_memory.reading import read_document
from daydream_memory.reading.allowance import allow, allow_all
from daydream_memory.sandbox import ReadRequest, document_facts
from support.office_files import zipped
from support.pdf_files import lines, pdf_file
from support.readings import COATING, YIELD

RECORD = json.dumps({"title": "Mussels", "text": YIELD}) + "\n"
ENTRY = f"@article{{k, title = {{Mussels}}, abstract = {{{YIELD}}}}}\n"
MAIL = (
    "From a@example.org Tue Mar  3 10:00:00 2026\nFrom: a\nTo: b\nSubject: c\nDate: d\n\n"
    f"{YIELD}\n\n"
)


@pytest.fixture(autouse=True)
def nothing_left() -> Iterator[None]:
    """Allow no time at all, as if it were used up after the first part."""
    allow(1e-9, 0.0, 0)
    yield
    allow_all()


@pytest.mark.parametrize(
    ("name", "data", "kept", "report"),
    [
        ("a.jsonl", (RECORD * 1200).encode(), 499, "after line 499 of 1,201"),
        ("a.bib", (ENTRY * 700).encode(), 300, "after entry 300 of 700"),
        ("a.pdf", pdf_file(lines([YIELD]), lines([COATING])), 1, "after page 1 of 2"),
        ("a.zip", zipped({"a.md": YIELD, "b.md": COATING}), 1, "after file 1 of 2"),
        ("a.mbox", (MAIL * 3).encode(), 1, "after mail 1 of 3"),
    ],
)
def test_what_was_read_before_the_time_was_up_is_kept(
    name: str, data: bytes, kept: int, report: str
) -> None:
    result = read_document(data, name)
    assert (result.status, len(result.passages)) == ("read", kept)
    stopped = [part.text for part in result.left_out if part.kind == "stopped"]
    assert stopped == [f"reading stopped {report}: the rest needs too much time. Split it"]


def test_without_limits_all_is_read() -> None:
    allow_all()
    result = read_document((ENTRY * 700).encode(), "a.bib")
    assert (len(result.passages), result.left_out) == (700, ())


def test_a_long_text_ends_before_the_limit_and_its_first_part_is_kept(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(document_facts, "SLICE_CHARS", 500)  # a real slice takes half a second
    data = "".join(f"<p>{number}. {YIELD}</p>" for number in range(50))
    document = f"<?xml version='1.0'?><article>{data}</article>".encode()
    *facts, end = document_facts.read(document, ReadRequest(source="a.xml"))
    assert sum(len(answer.facts) for answer in facts) >= 1
    assert end.end is not None
    (stopped,) = end.end.left_out
    assert stopped.text.startswith("reading stopped after character ")
    assert stopped.text.endswith(": the rest needs too much time. Split it")
