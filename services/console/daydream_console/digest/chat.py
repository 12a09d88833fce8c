"""A digest as a chat message, in the format that an incoming webhook takes.

Slack: blocks with mrkdwn, https://api.slack.com/reference/block-kit/blocks. Mattermost: Markdown.
Teams: an Adaptive Card, as its Workflows webhooks take it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from typing import Any

from daydream_console.digest.content import Digest, DigestItem, rating, source, texts
from daydream_console.digest.markdown import markdown_digest

Message = dict[str, Any]
SLACK_TEXT_MAX = 3000  # characters of one block
SLACK_HEADER_MAX = 150
SLACK_FACT_CHARS = 600
SLACK_ITEMS_MAX = 14  # of three blocks each; a message has at most 50
MATTERMOST_TEXT_MAX = 16_000
TEAMS_BYTES_MAX = 26 * 1024  # of the parts of a card: a message is limited to 28 KB
TEAMS_TEXT_CHARS = 700
TEAMS_FACT_CHARS = 500
CARD_SCHEMA = "http://adaptivecards.io/schemas/adaptive-card.json"
MRKDWN = re.compile(r"(?<!\w)([*_~`])|([*_~`])(?!\w)")
CARD_MARKUP = re.compile(r"([\\`*_\[\]])")


def slack_digest(digest: Digest) -> Message:
    """Return the body for a Slack webhook."""
    blocks: list[Message] = [_slack_header(digest.title)]
    lines = [f"{digest.period}. {digest.summary}", *(f":warning: {line}" for line in digest.alerts)]
    blocks.append(_slack_context("\n".join(map(_slack_plain, lines))))
    for number, item in enumerate(digest.items[:SLACK_ITEMS_MAX], 1):
        blocks += [{"type": "divider"}, *_slack_item(digest, item, number)]
    return {"text": _slack_plain(f"{digest.title}. {digest.summary}"), "blocks": blocks}


def _slack_item(digest: Digest, item: DigestItem, number: int) -> Iterator[Message]:
    insight = item.insight
    lines = [f"*{number}. {_slack_plain(insight.title)}*"]
    if item.note:
        lines.append(f"_{_slack_plain(item.note)}_")
    lines.append(_slack_plain(insight.hypothesis))
    lines += [f"*{label}:* {_slack_plain(text)}" for label, text in texts(insight)]
    for fact in (insight.first, insight.second):
        lines.append(f"\n> {_slack_plain(_cut(fact.text, SLACK_FACT_CHARS))}")
        lines.append(f"> _{_slack_plain(source(fact)) or 'unknown source'}_")
    yield _slack_section("\n".join(lines))
    link = digest.link(insight)
    where = f" · <{link}|open>" if link else ""
    yield _slack_context(f"{rating(insight)} · {digest.when(insight.reached_at)}{where}")


def _slack_header(text: str) -> Message:
    return {
        "type": "header",
        "text": {"type": "plain_text", "text": _cut(text, SLACK_HEADER_MAX), "emoji": False},
    }


def _slack_section(text: str) -> Message:
    return {"type": "section", "text": {"type": "mrkdwn", "text": _cut(text, SLACK_TEXT_MAX)}}


def _slack_context(text: str) -> Message:
    element = {"type": "mrkdwn", "text": _cut(text, SLACK_TEXT_MAX)}
    return {"type": "context", "elements": [element]}


def _slack_plain(text: str) -> str:
    """Return a text without links, mentions and formatting.

    Slack has no escape for its marks of formatting. At the edge of a word they would take effect,
    so they are left out there.
    """
    line = " ".join(text.split())
    escaped = line.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return MRKDWN.sub("", escaped)


def mattermost_digest(digest: Digest) -> Message:
    """Return the body for a Mattermost webhook."""
    return {"text": _cut(markdown_digest(digest), MATTERMOST_TEXT_MAX)}


def teams_digest(digest: Digest) -> Message:
    """Return the body for a Teams webhook."""
    body = [
        _card_text(digest.title, size="Large", weight="Bolder"),
        _card_text(f"{digest.period}. {digest.summary}", isSubtle=True),
        *(_card_text(f"Alert: {alert}", color="Attention") for alert in digest.alerts),
    ]
    for number, item in enumerate(digest.items, 1):
        longer = [*body, *_card_item(digest, item, number)]
        if len(json.dumps(longer)) > TEAMS_BYTES_MAX:
            break
        body = longer
    card: Message = {"$schema": CARD_SCHEMA, "type": "AdaptiveCard", "version": "1.4", "body": body}
    if digest.page_url:
        action = {"type": "Action.OpenUrl", "title": "All insights", "url": digest.page_url}
        card["actions"] = [action]
    attachment = {"contentType": "application/vnd.microsoft.card.adaptive", "content": card}
    return {"type": "message", "attachments": [attachment]}


def _card_item(digest: Digest, item: DigestItem, number: int) -> Iterator[Message]:
    insight = item.insight
    title = _card_plain(f"{number}. {insight.title}")
    if link := digest.link(insight):
        title = f"[{title}]({link})"
    yield _raw_card_text(title, size="Medium", weight="Bolder", separator=True, spacing="Large")
    if item.note:
        yield _card_text(item.note, isSubtle=True)
    yield _card_text(_cut(insight.hypothesis, TEAMS_TEXT_CHARS))
    for label, text in texts(insight):
        yield _raw_card_text(f"**{label}:** {_card_plain(_cut(text, TEAMS_TEXT_CHARS))}")
    for fact in (insight.first, insight.second):
        yield _card_text(f"“{_cut(fact.text, TEAMS_FACT_CHARS)}”")
        yield _card_text(source(fact) or "unknown source", isSubtle=True, spacing="None")
    yield _card_text(f"{rating(insight)} · {digest.when(insight.reached_at)}", isSubtle=True)


def _card_text(text: str, **options: Any) -> Message:
    return _raw_card_text(_card_plain(text), **options)


def _raw_card_text(text: str, **options: Any) -> Message:
    return {"type": "TextBlock", "text": text, "wrap": True, **options}


def _card_plain(text: str) -> str:
    return CARD_MARKUP.sub(r"\\\1", " ".join(text.split()))


def _cut(text: str, chars_max: int) -> str:
    return text if len(text) <= chars_max else f"{text[: chars_max - 1].rstrip()}…"


CHATS: dict[str, Callable[[Digest], Message]] = {
    "slack": slack_digest,
    "mattermost": mattermost_digest,
    "teams": teams_digest,
}
