"""The markup of wikis (MediaWiki) and of AsciiDoc to passages, by headings, through Markdown.

Templates, references, categories, files, comments and tables are left out.
"""

from __future__ import annotations

import re
from dataclasses import replace

from daydream_memory.reading.passages import LeftOut, RawDocument, Reading, counted

WIKI_SIGNS = (
    re.compile(r"^==+ ?[^=\n]+ ?==+[ \t]*$", re.MULTILINE),
    re.compile(r"\[\[[^\[\]\n]+\]\]"),
    re.compile(r"\{\{[^{}]+\}\}"),
    re.compile(r"'''[^'\n]+'''"),
)
WIKI_SIGNS_MIN = 2
WIKI_HEADING = re.compile(r"^(==+) ?([^=\n]+?) ?==+[ \t]*$", re.MULTILINE)
TEMPLATE = re.compile(r"\{\{[^{}]*\}\}")
TEMPLATES_DEEP = 8
# Limits, because what is opened a thousand times and never closed is searched for as often
REFERENCE = re.compile(
    r"<ref[^<>]{0,200}/>|<ref\b[^<>]{0,200}>.{0,2000}?</ref>|<gallery\b.{0,5000}?</gallery>",
    re.DOTALL,
)
WIKI_TABLE = re.compile(r"^\{\|.{0,20000}?^\|\}", re.MULTILINE | re.DOTALL)
FILE = re.compile(
    r"\[\[(?:File|Image|Datei|Bild|Fichier|Archivo|Category|Kategorie|Catégorie|Categoría|Файл"
    r"|Категория)\s?:(?:[^\[\]]|\[\[[^\[\]]*\]\])*\]\]",
    re.IGNORECASE,
)
WIKI_LINK = re.compile(r"\[\[(?:[^\[\]|\n]*\|)?([^\[\]|\n]+)\]\]")
OUTER_LINK = re.compile(r"\[https?://\S+ ([^\]\n]+)\]")
QUOTES = re.compile(r"'{2,5}")
WIKI_ITEM = re.compile(r"^[*#:;]+ *", re.MULTILINE)
MAGIC_WORD = re.compile(r"__[A-Z]+__|^#REDIRECT.*$", re.MULTILINE)

ASCIIDOC = re.compile(r"\A(?:(?://.*|:[\w-]+:.*)?\n)*= \S.*\n(?:.*\n)*?== \S")
ADOC_HEADING = re.compile(r"^(={1,6}) (?=\S)", re.MULTILINE)
ADOC_COMMENT_LINE = re.compile(r"^//(?!/).*$", re.MULTILINE)
ADOC_COMMENT_BLOCK = re.compile(r"^/{4,}\n.{0,20000}?^/{4,}[ \t]*$", re.MULTILINE | re.DOTALL)
ADOC_CODE = re.compile(
    r"^(?:\[[^\]\n]*\]\n)?(?:\.\S.*\n)?(-{4,}|\.{4,})\n(.{0,20000}?)^\1[ \t]*$",
    re.MULTILINE | re.DOTALL,
)
ADOC_TABLE = re.compile(r"^\|={3,}\n.{0,20000}?^\|={3,}[ \t]*$", re.MULTILINE | re.DOTALL)
ADOC_LINE = re.compile(
    r"^(?::[\w!-]+:.*|\[[^\]\n]*\]|image::.*|include::.*|[=*_]{4,}|toc::.*|'''|<<<)[ \t]*$",
    re.MULTILINE,
)
# the lines of the author and of the revision, below the title
ADOC_AUTHOR = re.compile(
    r"(\A\s*= .*\n)(?:(?!\n).+<\S+@\S+>.*\n(?:v?\d[\w.]*(?:,.*)?\n)?|v\d[\w.]*(?:,.*)?\n)"
)
ADOC_ATTRIBUTE = re.compile(r"^:(\w[\w-]*): +(\S.*?)[ \t]*$", re.MULTILINE)
ADOC_NAMED = re.compile(r"\{(\w[\w-]*)\}")
# the parser of Markdown reads items of all depths
ADOC_ITEM = re.compile(r"^[ \t]*(?:\*{2,5}|\.{1,5}) +(?=\S)", re.MULTILINE)
ADOC_ADMONITION = re.compile(r"^(?:NOTE|TIP|IMPORTANT|WARNING|CAUTION): +(?=\S)", re.MULTILINE)
ADOC_LINK = re.compile(r"(?:link:|https?://|mailto:|xref:)[^\s\[\]]+\[([^\]\n]+)\]")
ADOC_CROSS = re.compile(r"<<[^<>,\n]+,([^<>\n]+)>>")
ADOC_INLINE = re.compile(r"(?:image|icon|footnote|kbd|anchor):[^\s\[\]]*\[[^\]\n]*\]")


def is_wiki(head: str) -> bool:
    """Return whether a text has several kinds of signs of MediaWiki."""
    if "[[" not in head and "{{" not in head:
        return False
    return sum(bool(sign.search(head)) for sign in WIKI_SIGNS) > WIKI_SIGNS_MIN


def is_asciidoc(head: str) -> bool:
    """Return whether a text begins with a title of AsciiDoc and has headings."""
    return bool(ASCIIDOC.match(head))


def read_wiki(document: RawDocument) -> Reading:
    """Return the passages of a page of MediaWiki."""
    text = REFERENCE.sub("", document.text.replace("\r\n", "\n"))
    templates = 0
    for _ in range(TEMPLATES_DEEP):
        text, removed = TEMPLATE.subn("", text)
        templates += removed
        if not removed:
            break
    text, tables = WIKI_TABLE.subn("", text)
    text, files = FILE.subn("", text)
    text = OUTER_LINK.sub(r"\1", WIKI_LINK.sub(r"\1", text))
    text = WIKI_ITEM.sub("- ", QUOTES.sub("", MAGIC_WORD.sub("", text)))
    text = WIKI_HEADING.sub(lambda line: f"{'#' * len(line[1])} {line[2]}", text)
    return _read(
        document,
        text,
        [
            *counted("templates", templates, "template", "templates"),
            *counted("tables", tables, "table", "tables"),
            *counted("pictures", files, "file or category", "files and categories"),
        ],
    )


def read_asciidoc(document: RawDocument) -> Reading:
    """Return the passages of an AsciiDoc document."""
    text = document.text.lstrip("\ufeff").replace("\r\n", "\n")
    text, blocks = ADOC_COMMENT_BLOCK.subn("", text)
    text, comments = ADOC_COMMENT_LINE.subn("", text)
    text = ADOC_CODE.sub(lambda code: f"```\n{code[2]}```\n", text)
    text, tables = ADOC_TABLE.subn("", text)
    words = dict(ADOC_ATTRIBUTE.findall(text))
    text = ADOC_NAMED.sub(lambda name: words.get(name[1], name[0]), text) if words else text
    text = ADOC_LINE.sub("", ADOC_AUTHOR.sub(r"\1", text))
    text = ADOC_ADMONITION.sub("", text)
    text = ADOC_ITEM.sub("- ", text)
    text = ADOC_INLINE.sub("", ADOC_CROSS.sub(r"\1", ADOC_LINK.sub(r"\1", text)))
    text = ADOC_HEADING.sub(lambda line: f"{'#' * len(line[1])} ", text)
    return _read(
        document,
        text,
        [
            *counted("comments", blocks + comments, "comment", "comments"),
            *counted("tables", tables, "table", "tables"),
        ],
    )


def _read(document: RawDocument, text: str, left_out: list[LeftOut]) -> Reading:
    # here, because the signs alone are asked for every text
    from daydream_memory.reading.markdown import read_markdown  # noqa: PLC0415

    reading = read_markdown(replace(document, text=text))
    return replace(reading, left_out=(*left_out, *reading.left_out))
