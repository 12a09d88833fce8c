"""The kinds of documents that are read, each with its reader.

A reader's module is imported with the first document of its kind: all together take longer than the
rest of the memory's start.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module

from daydream_memory.reading.passages import RawDocument, Reading

Reader = Callable[[RawDocument], Reading]
# by kind: "module:function"
READERS = {
    "text": "plain_text:read_plain_text",
    "markdown": "markdown:read_markdown",
    "web-page": "web_page:read_web_page",
    "web-archive": "web_archive:read_web_archive",
    "pdf": "pdf:read_pdf",
    "word": "word:read_word",
    "slides": "slides:read_slides",
    "open-document": "open_document:read_open_document",
    "spreadsheet": "spreadsheet:read_spreadsheet",
    "table": "delimited:read_delimited",
    "json": "json_documents:read_json",
    "json-lines": "json_documents:read_json_lines",
    "mail": "mail:read_mail",
    "mailbox": "mail:read_mailbox",
    "epub": "epub:read_epub",
    "latex": "latex:read_latex",
    "restructured-text": "restructured_text:read_restructured_text",
    "manual-page": "manual_page:read_manual_page",
    "info": "info_manual:read_info",
    "org": "org:read_org",
    "rtf": "rich_text:read_rich_text",
    "bibtex": "bibtex:read_bibtex",
    "ris": "citations:read_ris",
    "chat-log": "chat_log:read_chat_log",
    "wiki": "wiki_markup:read_wiki",
    "asciidoc": "wiki_markup:read_asciidoc",
    "subtitles": "subtitles:read_subtitles",
    "xml": "xml_document:read_xml_document",
    "archive": "archives:read_archive",
}


def reader_of(kind: str) -> Reader:
    """Return the reader of a kind."""
    module, _, function = READERS[kind].partition(":")
    reader: Reader = getattr(import_module(f"daydream_memory.reading.{module}"), function)
    return reader
