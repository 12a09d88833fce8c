"""What chat products take at their webhooks, as JSON Schemas of the parts that a digest uses.

Slack: https://docs.slack.dev/reference/block-kit/blocks, with the limits of each block.
Mattermost: https://developers.mattermost.com/integrate/webhooks/incoming, a text of at most
16,383 characters.
Teams: https://learn.microsoft.com/power-automate/teams, an Adaptive Card
(https://adaptivecards.io/schemas/adaptive-card.json, version 1.4) of at most 28 KB.
"""

from __future__ import annotations

from typing import Any


def _object(required: dict[str, Any], optional: dict[str, Any] | None = None) -> dict[str, Any]:
    return {
        "type": "object",
        "required": list(required),
        "properties": {**required, **(optional or {})},
        "additionalProperties": False,
    }


def _text(chars_max: int) -> dict[str, Any]:
    return {"type": "string", "minLength": 1, "maxLength": chars_max}


PLAIN = _object({"type": {"const": "plain_text"}, "text": _text(150)}, {"emoji": {}})
MRKDWN = _object({"type": {"const": "mrkdwn"}, "text": _text(3000)})
SLACK_BLOCKS = [
    _object({"type": {"const": "header"}, "text": PLAIN}),
    _object({"type": {"const": "section"}, "text": MRKDWN}),
    _object({"type": {"const": "divider"}}),
    _object(
        {
            "type": {"const": "context"},
            "elements": {"type": "array", "items": MRKDWN, "minItems": 1, "maxItems": 10},
        }
    ),
]
TEXT_BLOCK = _object(
    {"type": {"const": "TextBlock"}, "text": {"type": "string", "minLength": 1}},
    {
        "wrap": {"type": "boolean"},
        "size": {"enum": ["Default", "Small", "Medium", "Large", "ExtraLarge"]},
        "weight": {"enum": ["Default", "Lighter", "Bolder"]},
        "color": {"enum": ["Default", "Dark", "Light", "Accent", "Good", "Warning", "Attention"]},
        "isSubtle": {"type": "boolean"},
        "separator": {"type": "boolean"},
        "spacing": {
            "enum": ["Default", "None", "Small", "Medium", "Large", "ExtraLarge", "Padding"]
        },
    },
)
OPEN_URL = _object(
    {"type": {"const": "Action.OpenUrl"}, "title": {"type": "string"}, "url": {"type": "string"}}
)
CARD = _object(
    {
        "$schema": {"const": "http://adaptivecards.io/schemas/adaptive-card.json"},
        "type": {"const": "AdaptiveCard"},
        "version": {"const": "1.4"},
        "body": {"type": "array", "items": TEXT_BLOCK, "minItems": 1},
    },
    {"actions": {"type": "array", "items": OPEN_URL}},
)
ATTACHMENT = _object(
    {"contentType": {"const": "application/vnd.microsoft.card.adaptive"}, "content": CARD},
    {"contentUrl": {}},
)
SCHEMAS: dict[str, dict[str, Any]] = {
    "slack": _object(
        {"blocks": {"type": "array", "items": {"oneOf": SLACK_BLOCKS}, "maxItems": 50}},
        {"text": {"type": "string"}},
    ),
    "mattermost": _object({"text": _text(16_383)}),
    "teams": _object(
        {
            "type": {"const": "message"},
            "attachments": {"type": "array", "items": ATTACHMENT, "minItems": 1, "maxItems": 1},
        }
    ),
}
BODY_BYTES_MAX = {"slack": 200_000, "mattermost": 70_000, "teams": 28 * 1024}
