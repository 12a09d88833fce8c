"""How a digest looks, and that texts of models can't change it."""

from __future__ import annotations

import json
from html.parser import HTMLParser
from zoneinfo import ZoneInfo

import pytest

from daydream_console.digest.chat import SLACK_TEXT_MAX, slack_digest, teams_digest
from daydream_console.digest.content import DigestItem
from daydream_console.digest.formats import FORMATS
from daydream_console.digest.mail import html_digest, mail_digest
from daydream_console.digest.markdown import markdown_digest
from support.digests import digest, fact, summary

HOSTILE = "<script>alert(1)</script> [click](http://evil.example) @all `x` *bold* <!channel>\n# big"


def hostile() -> object:
    return summary(
        1,
        title=HOSTILE,
        hypothesis=HOSTILE,
        reasoning=HOSTILE,
        first=fact("a", HOSTILE, HOSTILE),
        second=fact("b", HOSTILE, HOSTILE),
    )


class Tags(HTMLParser):
    """Collect the tags and links of a page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.links: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.links += [value or "" for name, value in attrs if name in ("href", "src")]


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_says_what_why_from_what_when_and_at_what_cost(name: str) -> None:
    text = FORMATS[name](digest(summary(1), page_url="https://daydream.lab.example"))
    for part in ("Insight 1", "Hypothesis 1.", "Both delay", "Measure it.", "Moulds"):
        assert part in text
    assert "06:00" in text
    assert "0.0002" in text or "200000" in text
    assert "https://daydream.lab.example/insights/insight-1" in text


def test_markdown_is_readable() -> None:
    item = DigestItem(summary(1, worth=0.73), "You accepted 3 of 4.")
    text = markdown_digest(digest(items=(item,), insights=7, zone=ZoneInfo("Europe/Zurich")))
    assert text.splitlines()[:14] == [
        "# daydream: Insight 1",
        "",
        "For ada. 29 Nov 2026, 07:30 to 30 Nov 2026, 07:30.",
        "120 daydreams, 7 new insights, the best 1 here. Spent: $0.024.",
        "",
        "## 1. Insight 1",
        "",
        "*You accepted 3 of 4.*",
        "",
        "**Hypothesis 1.**",
        "",
        "- **Why:** Both delay what passes.",
        "- **To test:** Measure it.",
        "- **If it were false:** Nothing changes.",
    ]
    assert "worth 73% · judges 7.0 of 10 · analogy · strategy uniform · cost $0.0002" in text


def test_alerts_come_first() -> None:
    text = markdown_digest(digest(summary(1), alerts=("80 % of the cap is used",)))
    assert text.index("**Alert:** 80 %") < text.index("## 1.")


def test_an_empty_digest_says_so() -> None:
    assert "no new insight" in markdown_digest(digest())
    assert "Nothing new was found" in html_digest(digest())


def test_a_text_of_a_model_adds_no_markup_to_markdown() -> None:
    text = markdown_digest(digest(hostile()))  # type: ignore[arg-type]
    assert "[click](" not in text
    assert "<script>" not in text
    assert "@all" not in text
    assert "\n# big" not in text


def test_a_text_of_a_model_adds_no_element_to_a_mail() -> None:
    page = Tags(html_digest(digest(hostile())))  # type: ignore[arg-type]
    assert "script" not in page.tags
    assert page.links == []


def test_a_text_of_a_model_calls_nobody_in_slack() -> None:
    message = slack_digest(digest(hostile()))  # type: ignore[arg-type]
    header, *marked_up = message["blocks"]
    assert header["text"]["type"] == "plain_text", "Slack shows it as it is"
    body = json.dumps([message["text"], marked_up])
    assert "<!channel>" not in body
    assert "<http" not in body


def test_a_slack_message_keeps_the_limits_of_blocks() -> None:
    long = [summary(n, hypothesis="long " * 2000, title="title " * 100) for n in range(40)]
    message = slack_digest(digest(*long))
    assert len(message["blocks"]) <= 50
    for block in message["blocks"]:
        texts = [block.get("text", {}), *block.get("elements", ())]
        assert all(len(part.get("text", "")) <= SLACK_TEXT_MAX for part in texts)


def test_a_teams_message_is_an_adaptive_card() -> None:
    message = teams_digest(digest(summary(1), page_url="https://daydream.lab.example"))
    (attachment,) = message["attachments"]
    assert attachment["contentType"] == "application/vnd.microsoft.card.adaptive"
    assert attachment["content"]["type"] == "AdaptiveCard"
    assert all(block["wrap"] for block in attachment["content"]["body"])


def test_a_mail_has_both_forms_and_no_second_header_from_a_title() -> None:
    message = mail_digest(
        digest(summary(1, title="One\r\nBcc: eve@evil.example")), "daydream@lab", "ada@lab"
    )
    assert message["Bcc"] is None
    assert message["Subject"] == "daydream: One Bcc: eve@evil.example"
    plain = message.get_body(("plain",))
    html = message.get_body(("html",))
    assert plain is not None
    assert html is not None
    assert "## 1. One" in plain.get_content()
    assert "<h2>1. One" in html.get_content()
