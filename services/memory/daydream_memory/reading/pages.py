"""HTML, DOCX and PDF to passages. HTML and DOCX become Markdown first, so that headings count; a PDF gives a passage a page."""

from __future__ import annotations

import io
import logging
import zipfile
from collections.abc import Mapping

import mammoth
from bs4 import BeautifulSoup
from markdownify import MarkdownConverter
from pypdf import PdfReader

from daydream_memory.reading.about import about_of
from daydream_memory.reading.markdown import read_markdown
from daydream_memory.reading.passages import Passage, UnreadableDocumentError

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
SCANNED_CHARS = 20  # a PDF whose pages hold fewer characters on average is made of pictures


def read_html(markup: str) -> tuple[tuple[Passage, ...], str]:
    """The main part of a page by its headings; menus, scripts and forms are left out."""
    soup = BeautifulSoup(markup, "html.parser")
    title = soup.title.get_text(" ", strip=True) if soup.title else ""
    for element in soup(NO_TEXT):
        element.decompose()
    main = soup.find("main") or soup.find("article") or soup.body or soup
    text = str(
        MarkdownConverter(
            heading_style="ATX",
            strip=["a", "img"],
            escape_misc=False,
            escape_asterisks=False,
            escape_underscores=False,
        ).convert_soup(main)
    )
    return tuple(
        Passage(one.text, one.title or title, one.about) for one in read_markdown(text)
    ), ""


def read_docx(data: bytes) -> tuple[tuple[Passage, ...], str]:
    """A Word document by its headings."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            size = sum(part.file_size for part in archive.infolist())
        if size > UNPACKED_BYTES_MAX:
            raise UnreadableDocumentError(
                f"unpacked it has {size >> 20} MB, and {UNPACKED_BYTES_MAX >> 20} MB are the most; split it"
            )
        found = mammoth.convert_to_html(io.BytesIO(data))
    except UnreadableDocumentError:
        raise
    except (
        Exception
    ) as error:  # whatever a broken archive makes zipfile, the XML parser or mammoth raise
        raise UnreadableDocumentError(f"not a Word document that can be read: {error}") from error
    return read_html(found.value)


def read_pdf(data: bytes) -> tuple[tuple[Passage, ...], str]:
    """A passage a page. What is a picture of a text has no text: a scan needs text recognition first."""
    logging.getLogger("pypdf").setLevel(
        logging.ERROR
    )  # it warns of every small flaw that it could fix
    try:
        reader = PdfReader(io.BytesIO(data))
        if reader.is_encrypted and not reader.decrypt(""):
            raise UnreadableDocumentError("it is encrypted; save a copy without a password")
        if len(reader.pages) > PDF_PAGES_MAX:
            raise UnreadableDocumentError(
                f"it has {len(reader.pages)} pages, and {PDF_PAGES_MAX} are the most; split it"
            )
        texts = [page.extract_text() for page in reader.pages]
        facts: Mapping[str, object] = reader.metadata or {}
        title = str(facts.get("/Title") or "").strip()
        about = about_of(
            {
                "keywords": str(facts.get("/Keywords") or ""),
                "date": str(facts.get("/CreationDate") or "")[2:6],
            }
        )
    except UnreadableDocumentError:
        raise
    except Exception as error:  # broken files make it raise nearly anything
        raise UnreadableDocumentError(
            f"not a PDF that can be read: {type(error).__name__}: {error}"
        ) from error
    if sum(map(len, texts)) < SCANNED_CHARS * max(1, len(texts)):
        raise UnreadableDocumentError("it holds no text; a scan needs text recognition (OCR) first")
    return tuple(
        Passage(text, " / ".join(filter(None, (title, f"page {number}"))), about)
        for number, text in enumerate(texts, 1)
    ), ""
