"""A PDF to passages: one for each page, in reading order. Pages without text are named.

What can fail: the file is encrypted, cut off, or none; then the reason is given to the person. The
library is not safe in threads, so documents are read one after the other.
"""

from __future__ import annotations

import re
import statistics
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import dropwhile, takewhile
from pathlib import PurePath
from typing import Any

import pypdfium2

from daydream_memory.reading.allowance import stopped_at, used_up
from daydream_memory.reading.line_joining import join_lines, vocabulary
from daydream_memory.reading.metadata import metadata_of
from daydream_memory.reading.passages import (
    LeftOut,
    Passage,
    RawDocument,
    Reading,
    UnreadableDocumentError,
    counted,
)
from daydream_memory.reading.pdf_boxes import NO_GLYPHS
from daydream_memory.reading.pdf_furniture import without_furniture
from daydream_memory.reading.pdf_glyphs import PageGlyphs, glyphs_of
from daydream_memory.reading.pdf_lines import Line, lines_of
from daydream_memory.reading.pdf_paragraphs import paragraphs_of

PAGES_MAX = 20_000
SCAN_CHARS_MAX = 15  # a page with a picture and fewer characters is a scan
MEANINGLESS_SHARE_MAX = 0.02
END_BYTES = 2_048
END_MARK = b"%%EOF"
PASSWORD_ERROR = 4
NO_TITLE = re.compile(
    r"^(untitled\d*|unknown|title|document\d*|microsoft (word|powerpoint) - .*|powerpoint "
    r"presentation|presentation|slide 1|no title|print|doi:.*|\W*"
    r"|[\w-]+\.(pdf|docx?|dvi|tex|qxd|indd))$",
    re.IGNORECASE,
)
TITLE_CHARS_MAX, TITLE_SIZE = 200, 1.25
SENTENCE_END = re.compile(r"[.!?。！？:;][\"'”’)\]]*$")
FIRST_SENTENCE = re.compile(r"^(.*?[.!?。！？][\"'”’)\]]*)(?=\s|$)", re.DOTALL)
LOCK = threading.Lock()


@dataclass
class _Pages:
    """What was seen on the pages."""

    glyphs: list[PageGlyphs] = field(default_factory=list)
    lines: list[list[Line]] = field(default_factory=list)
    stopped: LeftOut | None = None


def read_pdf(document: RawDocument) -> Reading:
    """Return a passage per page. A scan has no text: it needs text recognition first."""
    with LOCK:
        pages, properties = _read_pages(_open(document))
    lines, furniture = without_furniture(pages.lines, [page.height for page in pages.glyphs])
    title = _title(properties, lines, document.source)
    left_out, readable = _report(pages.glyphs, lines)
    texts = _texts([page if number in readable else [] for number, page in enumerate(lines)])
    if not any(text.strip() for text in texts):
        raise UnreadableDocumentError(_why_empty(left_out), left_out)
    metadata = metadata_of(
        {
            "keywords": properties.get("Keywords", ""),
            "date": re.sub(r"\D", "", str(properties.get("CreationDate", "")))[:4],
        }
    )
    passages = tuple(
        Passage(text, f"{title} / page {number}", metadata)
        for number, text in enumerate(texts, 1)
        if text.strip()
    )
    left_out += counted(
        "running-heads",
        furniture,
        "running head, page number or stamp",
        "running heads, page numbers and stamps",
    )
    if pages.stopped:
        left_out.append(pages.stopped)
    if END_MARK not in document.data[-END_BYTES:]:
        left_out.append(LeftOut("cut-off", 1, "the end of the file is missing: it is cut off"))
    return Reading(passages, tuple(left_out), title=title)


def _open(document: RawDocument) -> Any:
    """Return the open file. Raise UnreadableDocumentError if it is broken, or no password fits."""
    for password in (None, *document.passwords):
        try:
            return pypdfium2.PdfDocument(document.data, password=password)
        except pypdfium2.PdfiumError as error:
            if getattr(error, "err_code", 0) != PASSWORD_ERROR:
                raise UnreadableDocumentError(_why_broken(document.data, error)) from None
    tried = "; none of the passwords fits" if document.passwords else ""
    raise UnreadableDocumentError(f"encrypted PDF; save a copy without a password{tried}")


def _read_pages(pdf: Any) -> tuple[_Pages, Mapping[str, str]]:
    try:
        if len(pdf) > PAGES_MAX:
            raise UnreadableDocumentError(f"{len(pdf)} pages, the maximum is {PAGES_MAX}; split it")
        pages = _Pages()
        for number in range(len(pdf)):
            if number and (reason := used_up()):
                pages.stopped = stopped_at("page", number, len(pdf), reason)
                break
            _add_page(pdf, number, pages)
        return pages, pdf.get_metadata_dict()
    finally:
        pdf.close()


def _add_page(pdf: Any, number: int, pages: _Pages) -> None:
    try:
        page = pdf[number]
    except pypdfium2.PdfiumError:  # one broken page; it is reported as one without text
        glyphs = PageGlyphs()
    else:
        glyphs = glyphs_of(page)
        page.close()
    pages.lines.append(lines_of(glyphs.glyphs))
    glyphs.glyphs = NO_GLYPHS  # of a large document they take more memory than everything else
    pages.glyphs.append(glyphs)


def _why_broken(data: bytes, error: pypdfium2.PdfiumError) -> str:
    if END_MARK not in data[-END_BYTES:]:
        return "not a readable PDF: it is cut off, its end is missing; download it again"
    return f"not a readable PDF: {error}"


def _why_empty(left_out: Sequence[LeftOut]) -> str:
    reasons = "; ".join(entry.text for entry in left_out)
    return f"no text found; a scan needs text recognition (OCR) first{reasons and f' ({reasons})'}"


def _report(
    pages: Sequence[PageGlyphs], lines: Sequence[Sequence[Line]]
) -> tuple[list[LeftOut], set[int]]:
    """Return what is left out, and the pages that can be read (from 0)."""
    readable, scanned, empty, meaningless = set(), [], [], []
    for number, (page, page_lines) in enumerate(zip(pages, lines, strict=True)):
        chars = sum(len(line.text) for line in page_lines)
        if chars <= SCAN_CHARS_MAX and page.pictures:
            scanned.append(number + 1)
        elif not chars:
            empty.append(number + 1)
        elif page.meaningless > MEANINGLESS_SHARE_MAX * chars:
            meaningless.append(number + 1)
        else:
            readable.add(number)
    few = sum(pages[number].meaningless for number in readable)
    left_out = [
        *_pages_left_out(
            "scanned-pages", scanned, "hold no text: scanned", "holds no text: scanned"
        ),
        *_pages_left_out("empty-pages", empty, "are empty", "is empty"),
        *_pages_left_out(
            "glyphs-without-meaning",
            meaningless,
            "have a font that does not say what its glyphs mean: they need text recognition (OCR)",
            "has a font that does not say what its glyphs mean: it needs text recognition (OCR)",
        ),
        *counted(
            "glyphs-without-meaning",
            few,
            "character has no meaning: it",
            "characters have no meaning: they",
            "replaced by \ufffd",
        ),
        *counted(
            "hidden-text",
            sum(page.hidden for page in pages),
            "hidden character",
            "hidden characters (white, tiny or off the page)",
        ),
        *counted(
            "turned-text",
            sum(page.turned for page in pages),
            "turned character",
            "characters of turned text in the margin",
        ),
    ]
    return left_out, readable


def _pages_left_out(kind: str, numbers: list[int], plural: str, singular: str) -> list[LeftOut]:
    if not numbers:
        return []
    alone = len(numbers) == 1
    text = f"page {numbers[0]} {singular}" if alone else f"pages {_ranges(numbers)} {plural}"
    return [LeftOut(kind, len(numbers), text)]


def _ranges(numbers: Sequence[int]) -> str:
    """Return page numbers for a person: "2–5, 9"."""
    ranges: list[list[int]] = []
    for number in numbers:
        if ranges and number == ranges[-1][1] + 1:
            ranges[-1][1] = number
        else:
            ranges.append([number, number])
    return ", ".join(str(first) if first == last else f"{first}–{last}" for first, last in ranges)


def _texts(pages: Sequence[Sequence[Line]]) -> list[str]:
    """Return the text of each page. A sentence that runs on belongs to the page where it begins."""
    words = vocabulary(line.text for page in pages for line in page)
    texts: list[list[str]] = []
    for page in pages:
        paragraphs = [join_lines(lines, words) for lines in paragraphs_of(page)]
        before = texts[-1] if texts else []
        if before and paragraphs and _runs_on(before[-1], paragraphs[0]):
            rest = FIRST_SENTENCE.match(paragraphs[0])
            tail = rest.group(1) if rest else paragraphs[0]
            before[-1] = join_lines([before[-1], tail], words)
            paragraphs[0] = paragraphs[0][len(tail) :].strip()
        texts.append([text for text in paragraphs if text])
    return ["\n\n".join(paragraphs) for paragraphs in texts]


def _runs_on(before: str, after: str) -> bool:
    return not SENTENCE_END.search(before) and (after[:1].islower() or before.endswith("-"))


def _title(properties: Mapping[str, str], pages: Sequence[Sequence[Line]], source: str) -> str:
    """Return the title that the file names, else the largest line of the first page."""
    named = " ".join(str(properties.get("Title", "")).split())
    if not NO_TITLE.match(named):
        return named
    first = [line for line in (pages[0] if pages else []) if any(map(str.isalpha, line.text))]
    if first:
        usual = statistics.median(line.size for line in first)
        largest = max(line.size for line in first)
        lines = dropwhile(lambda line: line.size < largest * 0.95, first)
        large = " ".join(
            line.text for line in takewhile(lambda line: line.size >= largest * 0.95, lines)
        )
        if largest > usual * TITLE_SIZE and len(large) <= TITLE_CHARS_MAX:
            return large
    return PurePath(source).stem
