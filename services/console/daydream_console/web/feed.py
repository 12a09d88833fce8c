"""Feeds of insights: JSON Feed 1.1 (https://jsonfeed.org/version/1.1) and Atom (RFC 4287).

Written by hand: feedgen writes Atom only, needs lxml, and rejects the control characters that are
filtered here.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from xml.etree import ElementTree as Xml

from daydream_contracts.events import VerdictReached
from daydream_contracts.rpc import VerdictPage

TITLE = "daydream: insights"
ATOM = "http://www.w3.org/2005/Atom"
FIRST_PRINTABLE = 32  # XML allows no control character below it, except tab and line ends


def active_insights(page: VerdictPage) -> list[VerdictReached]:
    """Return the insights in use: not retracted, not rejected by the last review, not waiting for
    one.
    """
    reviews = sorted(page.reviews, key=lambda review: review.recorded_at)
    accepted = {review.verdict_id: review.accepted for review in reviews}
    rejected = {verdict_id for verdict_id, value in accepted.items() if not value}
    excluded = {*page.retracted, *page.pending_review, *rejected}
    return [
        verdict
        for verdict in page.verdicts
        if verdict.hypothesis.synthesis and verdict.verdict_id not in excluded
    ]


def json_feed(insights: Sequence[VerdictReached], home: str) -> dict[str, Any]:
    """Return the JSON Feed. `home` is the URL of the page, with a slash at its end."""
    return {
        "version": "https://jsonfeed.org/version/1.1",
        "title": TITLE,
        "home_page_url": home,
        "feed_url": f"{home}feed.json",
        "items": [
            {
                "id": _id(insight),
                "title": _title(insight),
                "content_text": text_of(insight),
                "date_published": insight.reached_at.isoformat(),
                "tags": _tags(insight),
                "authors": [{"name": model} for model in _models(insight)],
            }
            for insight in insights
        ],
    }


def atom(insights: Sequence[VerdictReached], home: str) -> bytes:
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


def _append_entry(feed: Xml.Element, insight: VerdictReached) -> None:
    entry = _append(feed, "entry")
    _append(entry, "id", _id(insight))
    _append(entry, "title", _title(insight))
    _append(entry, "updated", insight.reached_at.isoformat())
    _append(entry, "content", text_of(insight), type="text")
    for model in _models(insight):
        _append(_append(entry, "author"), "name", model)
    for tag in _tags(insight):
        _append(entry, "category", term=tag)


def text_of(insight: VerdictReached) -> str:
    """Return an insight with its facts and their sources, as plain text."""
    synthesis, pair = insight.hypothesis.synthesis, insight.hypothesis.pair
    assert synthesis is not None, "an insight has a hypothesis"
    facts = "\n".join(
        f"Fact: {fact.text}\n({' · '.join(filter(None, (fact.title, fact.source)))})"
        for fact in (pair.first, pair.second)
    )
    test = f"To test: {synthesis.implication}"
    return f"{synthesis.hypothesis}\n\n{test}\n\n{synthesis.reasoning}\n\n{facts}"


def _append(parent: Xml.Element, name: str, text: str = "", **attributes: str) -> Xml.Element:
    element = Xml.SubElement(parent, f"{{{ATOM}}}{name}", attributes)
    allowed = (char for char in text if char in "\t\n\r" or ord(char) >= FIRST_PRINTABLE)
    element.text = "".join(allowed) or None
    return element


def _id(insight: VerdictReached) -> str:
    return f"urn:uuid:{insight.verdict_id}"


def _title(insight: VerdictReached) -> str:
    synthesis = insight.hypothesis.synthesis
    return synthesis.title if synthesis else ""


def _tags(insight: VerdictReached) -> list[str]:
    synthesis, pair = insight.hypothesis.synthesis, insight.hypothesis.pair
    link = [synthesis.link.value] if synthesis else []
    return [*link, *sorted({tag for fact in (pair.first, pair.second) for tag in fact.tags})]


def _models(insight: VerdictReached) -> list[str]:
    return sorted({call.model for call in insight.hypothesis.calls}) or ["daydream"]
