"""Find the main part of a web page: without menus, banners, boxes for newsletters and footers.

Names of classes are hints only. A part that holds most of the page, or its main heading, stays,
whatever it is called; and a form stays unless it only asks for something.
"""

from __future__ import annotations

import re
from itertools import islice
from typing import Any

from lxml import etree

from daydream_memory.reading.hidden_markup import remove
from daydream_memory.reading.passages import LeftOut, counted
from daydream_memory.reading.word_lists import word_set

Element = Any  # lxml has no types
WITHOUT_TEXT = ("script", "style", "template", "noscript", "iframe", "svg", "canvas", "object")
CONTROLS = ("button", "input", "select", "textarea", "datalist")
FURNITURE_ROLES = word_set(
    "navigation banner contentinfo dialog alertdialog search complementary menu menubar toolbar "
    "tablist alert status"
)
FURNITURE_WORDS = word_set(
    "cookie cookies consent gdpr ccpa newsletter footer navbar breadcrumb breadcrumbs sidebar "
    "advert advertisement ads sponsored paywall pagination pager disqus cookiebar "
    "cookiebot cybot onetrust usercentrics outbrain taboola skiplink editsection headerlink"
)
# Such parts of a text exist as well: they stay if they hold a paragraph.
AMBIGUOUS_WORDS = word_set(
    "subscribe subscription signup nav navigation menu share sharing social related recommended "
    "promo popup modal skip login toolbar banner masthead toc comments"
)
PARAGRAPH_CHARS = 150
# the mail that an answer quotes, as mail programs mark it
QUOTED_MAIL = re.compile(r"\b(gmail_quote|moz-cite-prefix|yahoo_quoted|divRplyFwdMsg)\b")
NEVER = frozenset(("html", "body", "main", "article", "head", "h1", "h2", "h3", "p", "table", "tr"))
WORD = re.compile(r"[a-z]+|[A-Z][a-z]*")
FORM_CHARS_MAX = 300
SHARE_MAX = 0.5
MAIN_SHARE_MIN = 0.4
ANCESTORS_MAX = 200


def main_part(root: Element) -> tuple[Element, list[LeftOut]]:
    """Remove what surrounds the text. Return the element with the main text, and a report."""
    for element in list(root.iter(*WITHOUT_TEXT)):
        remove(element)
    body = root.find("body")
    body = root if body is None else body
    removed = 0
    for element in _furniture(body):
        removed += _chars(element) > 0
        remove(element)
    for element in list(body.iter(*CONTROLS)):
        remove(element)
    main = _main(body)
    removed += _chars(main) < _chars(body) if main is not body else 0
    report = counted(
        "page-furniture",
        removed,
        "part beside the text (menu, banner, footer)",
        "parts beside the text (menus, banners, footers)",
    )
    return main, report


def _main(body: Element) -> Element:
    chars = _chars(body)
    for tag in ("main", "article"):
        parts = list(body.iter(tag))
        if len(parts) == 1 and _chars(parts[0]) >= chars * MAIN_SHARE_MIN:
            return parts[0]
    return body


def _furniture(body: Element) -> list[Element]:
    """Return the outermost elements that are no part of the text."""
    total = _chars(body)
    parts = []
    walker = etree.iterwalk(body, events=("start",))
    for _, element in walker:
        if element is not body and _is_furniture(element, total):
            parts.append(element)
            walker.skip_subtree()
    return parts


def _is_furniture(element: Element, total: int) -> bool:
    tag = element.tag
    if QUOTED_MAIL.search(f"{element.get('class', '')} {element.get('id', '')}"):
        return True
    if tag == "blockquote" and element.get("type") == "cite":  # of a mail that is answered
        return True
    if tag in NEVER:
        return False
    if tag == "nav":
        return not _holds_most(element, total)
    if not _is_hinted(element):
        return False
    if element.find(".//main") is not None or element.find(".//article") is not None:
        return False
    return not _holds_most(element, total)


def _is_hinted(element: Element) -> bool:
    tag = element.tag
    if tag in ("aside", "footer"):
        return True
    if tag == "header":
        return not _is_in_article(element) and element.find(".//h1") is None
    if tag == "form":
        asks = element.find(".//input") is not None or element.find(".//textarea") is not None
        return asks and _chars(element) < FORM_CHARS_MAX and element.find(".//p") is None
    if element.get("role", "").lower() in FURNITURE_ROLES:
        return True
    names = f"{element.get('class', '')} {element.get('id', '') if tag != 'section' else ''}"
    if not names.strip() or element.find(".//h1") is not None:
        return False
    words = {word.lower() for word in WORD.findall(names)}
    return bool(words & FURNITURE_WORDS) or bool(
        words & AMBIGUOUS_WORDS and not _has_paragraph(element)
    )


def _is_in_article(element: Element) -> bool:
    around = islice(element.iterancestors(), ANCESTORS_MAX)
    return any(above.tag in ("article", "main") for above in around)


def _has_paragraph(element: Element) -> bool:
    return any(_chars(paragraph) >= PARAGRAPH_CHARS for paragraph in element.iter("p"))


def _holds_most(element: Element, total: int) -> bool:
    return _chars(element) > total * SHARE_MAX


def _chars(element: Element) -> int:
    return sum(len(text.strip()) for text in element.itertext(etree.Element))
