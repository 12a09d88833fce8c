"""Take out of a page what a person who opens it does not see: by attribute, style and comment."""

from __future__ import annotations

import re
from itertools import chain, islice
from typing import Any

from lxml import etree

from daydream_memory.reading.passages import LeftOut, counted

Element = Any  # lxml has no types
HIDING = re.compile(
    r"display\s*:\s*none|visibility\s*:\s*(hidden|collapse)|opacity\s*:\s*0?\.?0+\s*(;|%|!|$)"
    r"|font-size\s*:\s*(0|([01](\.\d+)?|\.\d+)(px|pt)|0?\.[0-2]\d*(em|rem)|[0-9]%)\w*\s*(;|!|$)"
    r"|(left|right|top|text-indent|margin-left)\s*:\s*-\d{3,}"
    r"|clip\s*:\s*rect\(\s*[01](px)?[\s,]|clip-path\s*:\s*inset\(\s*(50|100)%"
    r"|transform\s*:\s*scale\(\s*0\s*\)|(^|;)\s*color\s*:\s*transparent"
    r"|(^|;)\s*(max-)?(height|width)\s*:\s*0(px)?\s*;.*overflow\s*:\s*hidden"
    r"|mso-hide\s*:\s*all",
    re.IGNORECASE | re.DOTALL,
)
COLOUR = re.compile(r"(?:^|;)\s*color\s*:\s*([^;!]+)", re.IGNORECASE)
BACKGROUND = re.compile(r"background(?:-color|-image)?\s*:\s*([^;!]+)", re.IGNORECASE)
WHITE = re.compile(
    r"^(white|#f{3}f?|#f{6}(f{2})?|rgba?\(\s*255\s*,?\s*255\s*,?\s*255.*"
    r"|#f[c-f]f[c-f]f[c-f]|rgba\(.*,\s*0\s*\))$"
)
UNSEEN_CLASSES = frozenset(
    ("sr-only", "visually-hidden", "visuallyhidden", "screen-reader-text", "hidden", "d-none")
)
STYLE_COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
AT_RULE = re.compile(r"@[^{}]+\{(?:[^{}]*\{[^{}]*\})*[^{}]*\}")
RULE = re.compile(r"([^{}]+)\{([^{}]*)\}")
SIMPLE_SELECTOR = re.compile(r"^(\w+)?([.#])([\w-]+)$")
KEPT_TAGS = frozenset(("html", "body", "head", "title"))
DELETED = ("del", "s", "strike")
RULES_MAX = 5_000
ANCESTORS_MAX = 200


def remove_hidden(root: Element) -> list[LeftOut]:
    """Remove hidden elements and comments from the tree. Return a report of those with text."""
    rules = _hiding_rules(root)
    hidden = []
    walker = etree.iterwalk(root, events=("start",))
    for _, element in walker:
        if _is_hidden(element, rules):  # of nested ones the outer counts
            hidden.append(element)
            walker.skip_subtree()
    removed = 0
    for element in hidden:
        removed += _has_text(element)
        remove(element)
    comments = 0
    for comment in list(root.iter(etree.Comment)):
        comments += _is_remark(comment.text or "")
        remove(comment)
    deleted = 0
    for element in list(root.iter(*DELETED)):
        deleted += _has_text(element)
        remove(element)
    return [
        *counted("hidden-text", removed, "hidden part", "hidden parts"),
        *counted("deleted-text", deleted, "deleted piece of text", "deleted pieces of text"),
        *counted("comments", comments, "comment in the markup", "comments in the markup"),
    ]


def remove(element: Element) -> None:
    """Take an element out of its tree. The text behind it stays."""
    parent = element.getparent()
    if parent is None:
        return
    if element.tail:
        before = element.getprevious()
        if before is not None:
            before.tail = (before.tail or "") + element.tail
        else:
            parent.text = (parent.text or "") + element.tail
    parent.remove(element)


def _is_hidden(element: Element, rules: set[tuple[str, str, str]]) -> bool:
    if element.tag in KEPT_TAGS:
        return False
    if element.get("hidden") is not None or element.get("aria-hidden", "").lower() == "true":
        return True
    if element.tag == "dialog" and element.get("open") is None:
        return True
    style = element.get("style", "")
    if style and (HIDING.search(style) or _is_white_on_white(element, style)):
        return True
    if element.tag == "font" and WHITE.match(element.get("color", "").strip().lower()):
        return not _has_background(element)
    names = [(".", name) for name in element.get("class", "").split()]
    if any(name in UNSEEN_CLASSES for _, name in names):
        return True
    names += [("#", element.get("id", ""))]
    return bool(rules) and any(
        (tag, sign, name) in rules for sign, name in names for tag in ("", element.tag)
    )


def _is_white_on_white(element: Element, style: str) -> bool:
    colour = COLOUR.search(style)
    return bool(
        colour and WHITE.match(colour.group(1).strip().lower()) and not _has_background(element)
    )


def _has_background(element: Element) -> bool:
    """Return whether the element, or one around it, has a background other than white."""
    for around in islice(chain((element,), element.iterancestors()), ANCESTORS_MAX):
        background = BACKGROUND.search(around.get("style", ""))
        colour = background.group(1).strip().lower() if background else around.get("bgcolor", "")
        if colour or around.get("background"):
            return not WHITE.match(colour.strip().lower())
        if around.get("class") and around.tag in ("html", "body"):
            return True  # its style sheet may say so
    return False


def _hiding_rules(root: Element) -> set[tuple[str, str, str]]:
    """Return the simple selectors (tag, "." or "#", name) that the page's own styles hide."""
    rules: set[tuple[str, str, str]] = set()
    for style in root.iter("style"):
        text = AT_RULE.sub("", STYLE_COMMENT.sub("", "".join(style.itertext())))
        for selectors, declarations in RULE.findall(text)[:RULES_MAX]:
            if not HIDING.search(declarations):
                continue
            for selector in selectors.split(","):
                if simple := SIMPLE_SELECTOR.match(selector.strip()):
                    rules.add((simple[1] or "", simple[2], simple[3]))
    return rules


def _has_text(element: Element) -> bool:
    if element.tag in ("script", "style", "template", "svg", "noscript"):
        return False
    return any(text.strip() for text in element.itertext(etree.Element))


def _is_remark(comment: str) -> bool:
    """Return whether a comment has words, and is no instruction for a browser or an editor."""
    words = re.findall(r"[^\W\d_]{2,}", comment)
    return len(words) >= 3 and not comment.lstrip().startswith(("[if", "<![", "!["))
