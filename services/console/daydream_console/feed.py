"""What was found, to be followed by a feed reader: JSON Feed 1.1 (https://jsonfeed.org/version/1.1) and Atom (RFC 4287)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from xml.etree import ElementTree as Xml

from daydream_contracts.events import VerdictReached
from daydream_contracts.rpc import VerdictPage

TITLE = "daydream: insights"
ATOM = "http://www.w3.org/2005/Atom"


def insights_of(page: VerdictPage) -> list[VerdictReached]:
    """The promoted ones that stand: not retracted, not rejected by a person, not waiting for one."""
    rejected = {
        review.verdict_id
        for review in sorted(page.reviews, key=lambda one: one.recorded_at)
        if not review.accepted
    }
    return [
        one
        for one in page.verdicts
        if one.hypothesis.synthesis
        and one.verdict_id not in {*page.retracted, *page.pending_review, *rejected}
    ]


def json_feed(insights: Sequence[VerdictReached], home: str) -> dict[str, Any]:
    """`home`: the address of the page."""
    return {
        "version": "https://jsonfeed.org/version/1.1",
        "title": TITLE,
        "home_page_url": home,
        "feed_url": f"{home}feed.json",
        "items": [
            {
                "id": _id(one),
                "title": _title(one),
                "content_text": text_of(one),
                "date_published": one.reached_at.isoformat(),
                "tags": _tags(one),
                "authors": [{"name": model} for model in _models(one)],
            }
            for one in insights
        ],
    }


def atom(insights: Sequence[VerdictReached], home: str) -> bytes:
    """The same as XML."""
    Xml.register_namespace("", ATOM)
    feed = Xml.Element(f"{{{ATOM}}}feed")
    updated = max((one.reached_at for one in insights), default=datetime(1970, 1, 1, tzinfo=UTC))
    _put(feed, "id", f"{home}feed.atom")
    _put(feed, "title", TITLE)
    _put(feed, "updated", updated.isoformat())
    _put(feed, "link", rel="self", href=f"{home}feed.atom")
    for one in insights:
        entry = _put(feed, "entry")
        _put(entry, "id", _id(one))
        _put(entry, "title", _title(one))
        _put(entry, "updated", one.reached_at.isoformat())
        _put(entry, "content", text_of(one), type="text")
        for model in _models(one):
            _put(_put(entry, "author"), "name", model)
        for tag in _tags(one):
            _put(entry, "category", term=tag)
    document: bytes = Xml.tostring(feed, encoding="utf-8", xml_declaration=True)
    return document


def text_of(one: VerdictReached) -> str:
    """An insight with its facts and where they come from, as plain text."""
    synthesis, pair = one.hypothesis.synthesis, one.hypothesis.pair
    assert synthesis is not None
    facts = "\n".join(
        f"Fact: {fact.text}\n({' · '.join(filter(None, (fact.title, fact.source)))})"
        for fact in (pair.first, pair.second)
    )
    return f"{synthesis.hypothesis}\n\nTo test: {synthesis.implication}\n\n{synthesis.reasoning}\n\n{facts}"


def _put(parent: Xml.Element, name: str, text: str = "", **attributes: str) -> Xml.Element:
    element = Xml.SubElement(parent, f"{{{ATOM}}}{name}", attributes)
    element.text = (
        "".join(one for one in text if one in "\t\n\r" or ord(one) >= 32) or None
    )  # XML knows no other control characters
    return element


def _id(one: VerdictReached) -> str:
    return f"urn:uuid:{one.verdict_id}"


def _title(one: VerdictReached) -> str:
    return one.hypothesis.synthesis.title if one.hypothesis.synthesis else ""


def _tags(one: VerdictReached) -> list[str]:
    pair = one.hypothesis.pair
    link = [one.hypothesis.synthesis.link.value] if one.hypothesis.synthesis else []
    return [*link, *sorted({tag for fact in (pair.first, pair.second) for tag in fact.tags})]


def _models(one: VerdictReached) -> list[str]:
    return sorted({call.model for call in one.hypothesis.calls}) or ["daydream"]
