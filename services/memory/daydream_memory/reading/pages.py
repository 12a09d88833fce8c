"""HTML, DOCX and PDF to passages.

HTML and DOCX become Markdown first, so that headings count. A PDF gives a passage per page.
"""

from __future__ import annotations

import io
import logging
import zipfile
from collections.abc import Mapping

import mammoth
from bs4 import BeautifulSoup
from markdownify import MarkdownConverter
from pypdf import PdfReader

from daydream_memory.reading.markdown import read_markdown
from daydream_memory.reading.metadata import metadata_of
from daydream_memory.reading.passages import Passage, Passages, UnreadableDocumentError

NO_TEXT = (
    "script",
    "style",
    "nav",
    "header",
    "footer",
    "aside",
    "form",
    "noscript",
    "template",
    "svg",
    "iframe",
)
PDF_PAGES_MAX = 20_000
UNPACKED_BYTES_MAX = 512 << 20
SCANNED_CHARS = 20  # a PDF with fewer characters per page, on average, consists of pictures


def read_html(markup: str) -> Passages:
    """Return the main part of a page by its headings, without menus, scripts and forms."""
    soup = BeautifulSoup(markup, "html.parser")
    title = soup.title.get_text(" ", strip=True) if soup.title else ""
    for element in soup(NO_TEXT):
        element.decompose()
    main = soup.find("main") or soup.find("article") or soup.body or soup
    converter = MarkdownConverter(
        heading_style="ATX",
        strip=["a", "img"],
        escape_misc=False,
        escape_asterisks=False,
        escape_underscores=False,
    )
    passages, note = read_markdown(str(converter.convert_soup(main)))
    return tuple(
        Passage(passage.text, passage.title or title, passage.metadata) for passage in passages
    ), note


def read_docx(data: bytes) -> Passages:
    """Return a Word document by its headings."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            size = sum(part.file_size for part in archive.infolist())
        if size <= UNPACKED_BYTES_MAX:
            return read_html(mammoth.convert_to_html(io.BytesIO(data)).value)
    # a broken archive makes zipfile, the XML parser and mammoth raise nearly anything
    except Exception as error:
        raise UnreadableDocumentError(f"not a readable Word document: {error}") from error
    raise UnreadableDocumentError(
        f"unpacked size is {size >> 20} MB, the maximum is {UNPACKED_BYTES_MAX >> 20} MB; split it"
    )


def read_pdf(data: bytes) -> Passages:
    """Return a passage per page. A scan has no text: it needs text recognition first."""
    # it warns of every small flaw that it could fix
    logging.getLogger("pypdf").setLevel(logging.ERROR)
    try:
        passages = _read_pages(PdfReader(io.BytesIO(data)))
    except UnreadableDocumentError:
        raise
    except Exception as error:  # broken files make it raise nearly anything
        raise UnreadableDocumentError(
            f"not a readable PDF: {type(error).__name__}: {error}"
        ) from error
    if sum(len(passage.text) for passage in passages) < SCANNED_CHARS * max(1, len(passages)):
        raise UnreadableDocumentError("no text found; a scan needs text recognition (OCR) first")
    return passages, ""


def _read_pages(reader: PdfReader) -> tuple[Passage, ...]:
    if reader.is_encrypted and not reader.decrypt(""):
        raise UnreadableDocumentError("encrypted; save a copy without a password")
    if len(reader.pages) > PDF_PAGES_MAX:
        raise UnreadableDocumentError(
            f"{len(reader.pages)} pages, the maximum is {PDF_PAGES_MAX}; split it"
        )
    properties: Mapping[str, object] = reader.metadata or {}
    title = str(properties.get("/Title") or "").strip()
    metadata = metadata_of(
        {
            "keywords": str(properties.get("/Keywords") or ""),
            "date": str(properties.get("/CreationDate") or "")[2:6],
        }
    )
    return tuple(
        Passage(page.extract_text(), " / ".join(filter(None, (title, f"page {number}"))), metadata)
        for number, page in enumerate(reader.pages, 1)
    )
