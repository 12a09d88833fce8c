"""Tell the kind of a text from its content. The ending of its name decides what that leaves."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence

from daydream_memory.reading.chat_log import is_chat_log
from daydream_memory.reading.delimited import delimiter_of
from daydream_memory.reading.info_manual import is_info
from daydream_memory.reading.wiki_markup import is_asciidoc, is_wiki
from daydream_memory.reading.word_lists import word_set

HEAD_CHARS = 64_000
LINE_CHARS_MAX = 1_000  # searching a longer line takes its length squared
MAIL_FIELDS = word_set(
    "from to subject date received message-id mime-version return-path content-type "
    "delivered-to reply-to cc x-mailer dkim-signature"
)
MAIL_FIELDS_MIN = 3
MAIL_LINE = re.compile(r"^([A-Za-z][A-Za-z0-9-]*):(?:\s|$)|^[ \t]+\S")
MAILBOX = re.compile(r"^From \S+.*\d{4}\s*\n[A-Za-z-]+: ")
PREAMBLE = re.compile(r"\A(?:\s+|<!--.*?-->|<\?xml[^>]*\?>)*", re.DOTALL)
PAGE = re.compile(r"<!doctype\s+html|<html[\s>]|<head[\s>]|<body[\s>]", re.IGNORECASE)
PAGE_TAGS = re.compile(
    r"</?(?:p|div|span|h[1-6]|table|tr|td|br|li|ul|ol|section|article)\b[^>]*>", re.IGNORECASE
)
PAGE_TAGS_MIN = 4
SUBTITLES = re.compile(
    r"\AWEBVTT\b|^(?:\d+\s*\n)?\s*(?:\d+:)?\d{1,2}:\d{2}[.,]\d{3}"
    r"\s*-->\s*(?:\d+:)?\d{1,2}:\d{2}[.,]\d{3}"
    r"|\A(?:\[(?:ti|ar|al|by|offset|length):[^\]\n]*\]\s*){1,20}\[\d+:\d\d[.:]\d\d\]"
    r"|\A\[Script Info\]|\A(?:<\?xml[^<>]*>\s*)?<(?:\w+:)?tt\s[^<>]*/ttml"
    r"|\A\d+:\d\d:\d\d\.\d{3},\d+:\d\d:\d\d\.\d{3}\n",
    re.MULTILINE,
)
REFER = re.compile(r"%0 [A-Z][A-Za-z ]+\n(?:%\S .*\n)*%[TA] \S")
RIS = re.compile(r"^TY  ?- [A-Z]+\s*$.*?^ER  ?-|^PMID- \d+\s*$.*?^TI  - ", re.MULTILINE | re.DOTALL)
BIBTEX = re.compile(
    r"\A(?:\s++|%[^\n]*\n|@(?:comment|string|preamble)\b[^\n]*\n)*"
    r"@[A-Za-z]+\s*[{(]\s*[^\s,{}=]+\s*,",
    re.IGNORECASE,
)
LATEX = re.compile(
    r"\\documentclass\b|\\begin\{document\}|^\\(?:section|chapter|subsection)\*?\{", re.MULTILINE
)
MANUAL_PAGE = re.compile(r"^\.(?:TH|Dd|Dt) \S.*(?:\n(?!\.S[Hh]).*)*\n\.S[Hh]\b", re.MULTILINE)
ORG = re.compile(
    r"^#\+(?:title|author|date|options|startup|filetags|begin_src|begin_quote):?"
    r"|^\s*:PROPERTIES:\s*$",
    re.MULTILINE | re.IGNORECASE,
)
DIRECTIVE = re.compile(r"^\.\. (?:[\w-]+::|_[\w -]+:)", re.MULTILINE)
UNDERLINED = re.compile(r"^(?=\S)(.{3,})\n([=\-~^\"'#*+])\2{2,}\s*$", re.MULTILINE)
HEADING = re.compile(r"^#{1,6} \S", re.MULTILINE)
# Each with texts of which every text with the sign has one: to look for them is quicker
MARKDOWN_SIGNS = (
    (("# ",), HEADING),
    (("```", "~~~"), re.compile(r"^\s*(?:```|~~~)", re.MULTILINE)),
    (("](", "[["), re.compile(r"!?\[[^\]\n]+\]\([^)\s]+\)|\[\[[^\]\n]+\]\]")),
    (("**",), re.compile(r"\*\*\S[^*\n]*\S\*\*")),
    (("[ ] ", "[x] "), re.compile(r"^\s*[-*] \[[ x]\] ", re.MULTILINE)),
    (("\n|",), re.compile(r"^\|.*\|\s*\n\|[\s:|-]+\|\s*$", re.MULTILINE)),
    (
        ("---\n", "+++\n"),
        re.compile(r"\A---\n(?:[\w-]+:.*\n)+---\n|\A\+\+\+\n(?:\w+ ?=.*\n)+\+\+\+\n"),
    ),
)
MARKDOWN_SIGNS_MIN = 2
ENDINGS = {
    **dict.fromkeys((".md", ".markdown", ".mdown", ".mkd", ".qmd", ".rmd", ".mdx"), "markdown"),
    **dict.fromkeys((".html", ".htm", ".xhtml", ".shtml", ".aspx"), "web-page"),
    **dict.fromkeys((".jsonl", ".ndjson"), "json-lines"),
    **dict.fromkeys((".json", ".ipynb", ".canvas", ".excalidraw", ".geojson"), "json"),
    **dict.fromkeys((".csv", ".tsv", ".tab", ".psv"), "table"),
    **dict.fromkeys((".bib", ".bibtex"), "bibtex"),
    **dict.fromkeys((".ris", ".nbib", ".enw"), "ris"),
    **dict.fromkeys((".tex", ".latex", ".ltx"), "latex"),
    **dict.fromkeys((".rst", ".rest"), "restructured-text"),
    ".org": "org",
    **dict.fromkeys((".adoc", ".asciidoc", ".asc"), "asciidoc"),
    **dict.fromkeys((".wiki", ".mediawiki"), "wiki"),
    **dict.fromkeys((".srt", ".vtt", ".ass", ".ssa", ".sbv", ".ttml", ".lrc"), "subtitles"),
    **dict.fromkeys((".eml", ".mht", ".mhtml"), "mail"),
    ".mbox": "mailbox",
    **dict.fromkeys((".xml", ".nxml", ".jats", ".tei", ".dbk", ".rss", ".atom"), "xml"),
    **dict.fromkeys((".fodt", ".fodp"), "open-document"),
}
TABLE_ROWS_MIN = 3


def text_kind(text: str, ending: str) -> str:
    """Return the kind of a text: by signs that leave no doubt, its ending, then weaker signs."""
    head = text[:HEAD_CHARS].lstrip("\ufeff").replace("\r\n", "\n")
    lines = head.split("\n")
    is_long = max(map(len, lines)) > LINE_CHARS_MAX
    short = "\n".join(line[:LINE_CHARS_MAX] for line in lines) if is_long else head
    by_ending = ENDINGS.get(ending, "")
    for kind, is_kind in CERTAIN:
        if is_kind(short) and not (kind in ("mail", "bibtex") and by_ending not in ("", kind)):
            return kind
    if by_ending == "json" and _is_json_lines(text):
        return "json-lines"
    if by_ending:
        return by_ending
    if json_kind := _json_kind(text):
        return json_kind
    if _is_table(head) and not _is_markdown(short):
        return "table"
    return next((kind for kind, is_kind in LIKELY if is_kind(short)), "text")


def _is_page(head: str) -> bool:
    start = PREAMBLE.match(head)
    return bool(PAGE.match(head, start.end() if start else 0))


def _is_mail(head: str) -> bool:
    fields = set()
    for line in head.split("\n"):
        if not line.strip():
            break
        field = MAIL_LINE.match(line)
        if not field:
            return False
        fields.add((field[1] or "").lower())
    return len(fields & MAIL_FIELDS) >= MAIL_FIELDS_MIN


def _is_xml(head: str) -> bool:
    return head.lstrip().startswith("<?xml")


def _is_flat_open_document(head: str) -> bool:
    return "<office:document " in head[:4_000] and "urn:oasis:names:tc:opendocument" in head[:8_000]


def _is_markup(head: str) -> bool:
    return head.lstrip().startswith("<") and len(PAGE_TAGS.findall(head)) >= PAGE_TAGS_MIN


def _is_markdown(head: str) -> bool:
    headings = "# " in head and len(HEADING.findall(head)) >= 2
    signs = sum(_has(head, marks, sign) for marks, sign in MARKDOWN_SIGNS)
    return signs + headings >= MARKDOWN_SIGNS_MIN


def _has(head: str, marks: Sequence[str], sign: re.Pattern[str]) -> bool:
    """Return whether a text has a sign. One without any of the `marks` is not searched."""
    return any(mark in head for mark in marks) and bool(sign.search(head))


def _is_restructured(head: str) -> bool:
    return ".. " in head and bool(DIRECTIVE.search(head) and UNDERLINED.search(head))


def _is_latex(head: str) -> bool:
    return "\\" in head and bool(LATEX.search(head))


def _is_org(head: str) -> bool:
    is_marked = "#+" in head or ":properties:" in head.lower()
    return is_marked and bool(ORG.search(head))


def _is_manual_page(head: str) -> bool:
    return _has(head, (".SH", ".Sh", ".sh"), MANUAL_PAGE)


def _is_table(head: str) -> bool:
    lines = [line for line in head.split("\n") if line.strip()]
    delimiter = delimiter_of(head)
    if not delimiter or len(lines) < TABLE_ROWS_MIN:
        return False
    cells = [line.count(delimiter) for line in lines[:20] if '"' not in line]
    if delimiter == "," and ", " in lines[0]:
        return False
    return not cells or (min(cells) >= 1 and len(set(cells)) == 1)


def _json_kind(text: str) -> str:
    stripped = text.strip("\ufeff \t\r\n")
    if not stripped.startswith(("{", "[")) or not stripped.endswith(("}", "]")):
        return ""
    if _is_json_lines(stripped):
        return "json-lines"
    try:
        json.loads(stripped)
    except (ValueError, RecursionError):
        return ""
    return "json"


def _is_json_lines(text: str) -> bool:
    lines = text[:HEAD_CHARS].strip("\ufeff \t\r\n").split("\n", 2)
    if len(lines) < 2 or not lines[0].strip().endswith(("}", "]")):
        return False
    try:
        json.loads(lines[0])
    except (ValueError, RecursionError):
        return False
    return True


CERTAIN: tuple[tuple[str, Callable[[str], object]], ...] = (
    ("open-document", _is_flat_open_document),
    ("web-page", _is_page),
    ("subtitles", lambda head: SUBTITLES.match(head.lstrip())),
    ("mailbox", MAILBOX.match),
    ("mail", _is_mail),
    ("ris", lambda head: RIS.match(head.lstrip()) or REFER.match(head.lstrip())),
    ("bibtex", BIBTEX.match),
    ("xml", _is_xml),
    ("info", is_info),
    ("manual-page", _is_manual_page),
    ("chat-log", is_chat_log),
)
LIKELY: tuple[tuple[str, Callable[[str], object]], ...] = (
    ("latex", _is_latex),
    ("asciidoc", is_asciidoc),
    ("wiki", is_wiki),
    ("org", _is_org),
    ("restructured-text", _is_restructured),
    ("web-page", _is_markup),
    ("markdown", _is_markdown),
)
