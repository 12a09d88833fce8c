"""Feeds of insights: JSON Feed 1.1 (https://jsonfeed.org/version/1.1) and Atom (RFC 4287).

Written by hand: feedgen writes Atom only, needs lxml, and rejects the control characters that are
filtered here.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from xml.etree import ElementTree as Xml

from daydream_contracts.rpc import InsightSummary

TITLE = "daydream: insights"
ATOM = "http://www.w3.org/2005/Atom"
FIRST_PRINTABLE = 32  # XML allows no control character below it, except tab and line ends


def json_feed(insights: Sequence[InsightSummary], home: str) -> dict[str, Any]:
    """Return the JSON Feed. `home` is the URL of the page, with a slash at its end."""
    return {
        "version": "https://jsonfeed.org/version/1.1",
        "title": TITLE,
        "home_page_url": home,
        "feed_url": f"{home}feed.json",
        "items": [
            {
                "id": _id(insight),
                "url": f"{home}insights/{insight.verdict_id}",
                "title": _title(insight),
                "content_text": text_of(insight),
                "date_published": insight.reached_at.isoformat(),
                "tags": _tags(insight),
                "authors": [{"name": model} for model in _models(insight)],
            }
            for insight in insights
        ],
    }


def atom(insights: Sequence[InsightSummary], home: str) -> bytes:
    """Return the Atom feed as XML. `home` is the URL of the page, with a slash at its end."""
    Xml.register_namespace("", ATOM)
    feed = Xml.Element(f"{{{ATOM}}}feed")
    epoch = datetime(1970, 1, 1, tzinfo=UTC)
    updated = max((insight.reached_at for insight in insights), default=epoch)
    _append(feed, "id", f"{home}feed.atom")
    _append(feed, "title", TITLE)
    _append(feed, "updated", updated.isoformat())
    _append(feed, "link", rel="self", href=f"{home}feed.atom")
    for insight in insights:
        _append_entry(feed, insight)
    document: bytes = Xml.tostring(feed, encoding="utf-8", xml_declaration=True)
    return document


def _append_entry(feed: Xml.Element, insight: InsightSummary) -> None:
    entry = _append(feed, "entry")
    _append(entry, "id", _id(insight))
    _append(entry, "title", _title(insight))
    _append(entry, "updated", insight.reached_at.isoformat())
    _append(entry, "content", text_of(insight), type="text")
    for model in _models(insight):
        _append(_append(entry, "author"), "name", model)
    for tag in _tags(insight):
        _append(entry, "category", term=tag)


def text_of(insight: InsightSummary) -> str:
    """Return an insight with its facts and their sources, as plain text."""
    facts = "\n".join(
        f"Fact: {fact.text}\n({' · '.join(filter(None, (fact.title, fact.source)))})"
        for fact in (insight.first, insight.second)
    )
    test = f"To test: {insight.implication}"
    return f"{insight.hypothesis}\n\n{test}\n\n{insight.reasoning}\n\n{facts}"


def _append(parent: Xml.Element, name: str, text: str = "", **attributes: str) -> Xml.Element:
    element = Xml.SubElement(parent, f"{{{ATOM}}}{name}", attributes)
    allowed = (char for char in text if char in "\t\n\r" or ord(char) >= FIRST_PRINTABLE)
    element.text = "".join(allowed) or None
    return element


def _id(insight: InsightSummary) -> str:
    return f"urn:uuid:{insight.verdict_id}"


def _title(insight: InsightSummary) -> str:
    return insight.title


def _tags(insight: InsightSummary) -> list[str]:
    return [insight.kind.value] if insight.kind else []


def _models(insight: InsightSummary) -> list[str]:
    return [insight.model or "daydream"]
