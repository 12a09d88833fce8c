"""All formats of a digest by name, as text."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from daydream_console.digest.chat import CHATS
from daydream_console.digest.content import Digest
from daydream_console.digest.mail import html_digest
from daydream_console.digest.markdown import markdown_digest

SCHEMA = 1


def digest_values(digest: Digest) -> dict[str, Any]:
    """Return the digest as JSON values."""
    return {
        "reader": digest.reader,
        "title": digest.title,
        "since": digest.since.isoformat(),
        "until": digest.until.isoformat(),
        "daydreams": digest.daydreams,
        "insights": digest.insights,
        "spent_nanousd": digest.spent_nanousd,
        "alerts": list(digest.alerts),
        "total": len(digest.items),
        "items": [
            {
                "note": item.note,
                "link": digest.link(item.insight),
                **item.insight.model_dump(mode="json"),
            }
            for item in digest.items
        ],
    }


def json_digest(digest: Digest) -> str:
    """Return the digest as a JSON document."""
    return json.dumps({"schema": SCHEMA, **digest_values(digest)}, indent=1) + "\n"


def _chat_text(name: str, digest: Digest) -> str:
    return json.dumps(CHATS[name](digest), indent=1, ensure_ascii=False) + "\n"


FORMATS: Mapping[str, Callable[[Digest], str]] = {
    "markdown": markdown_digest,
    "html": html_digest,
    "json": json_digest,
    **{name: partial(_chat_text, name) for name in CHATS},
}
SUFFIXES = {".md": "markdown", ".html": "html", ".json": "json"}
