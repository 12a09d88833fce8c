"""A digest as mail: HTML that mail programs show, with the Markdown as its plain text."""

from __future__ import annotations

from collections.abc import Iterator
from email.message import EmailMessage
from email.utils import formatdate, make_msgid
from html import escape

from daydream_console.digest.content import Digest, DigestItem, rating, source, texts
from daydream_console.digest.markdown import markdown_digest

# Mail programs read no style sheet but this one, in the head. Dark ones keep the colours' contrast.
STYLE = """\
:root { color-scheme: light dark; }
body { margin: 0; padding: 24px 12px; background: #f4f4f2; color: #1d1d1b;
  font: 16px/1.5 -apple-system, 'Segoe UI', Roboto, Helvetica, Arial, sans-serif; }
.page { max-width: 640px; margin: 0 auto; }
h1 { font-size: 22px; line-height: 1.3; margin: 0 0 4px; }
h2 { font-size: 18px; line-height: 1.35; margin: 0 0 8px; }
.muted { color: #5c5c57; font-size: 14px; margin: 0 0 4px; }
.card { background: #ffffff; border: 1px solid #dcdcd7; border-radius: 8px;
  padding: 16px 18px; margin: 16px 0; }
.claim { margin: 0 0 12px; font-weight: 600; }
.note { color: #0b5c8a; font-size: 14px; margin: 0 0 8px; }
.alert { color: #9c1c1c; margin: 8px 0 0; }
p { margin: 0 0 8px; }
blockquote { margin: 12px 0; padding: 0 0 0 12px; border-left: 3px solid #c9c9c2; }
blockquote p { margin: 0; font-size: 15px; }
a { color: #0b5c8a; }
@media (prefers-color-scheme: dark) {
  body { background: #191918; color: #ececea; }
  .card { background: #242423; border-color: #3c3c3a; }
  .muted { color: #b0b0aa; } .note, a { color: #7cc4f0; } .alert { color: #ff9b9b; }
  blockquote { border-left-color: #55554f; }
}"""


def mail_digest(digest: Digest, sender: str, recipient: str) -> EmailMessage:
    """Return the digest as a message."""
    message = EmailMessage()
    message["Subject"] = " ".join(digest.title.split())
    message["From"] = sender
    message["To"] = recipient
    message["Date"] = formatdate(digest.until.timestamp(), localtime=False)
    message["Message-ID"] = make_msgid(domain="daydream.invalid")
    message["Auto-Submitted"] = "auto-generated"  # so that no out-of-office answer comes back
    message.set_content(markdown_digest(digest))
    message.add_alternative(html_digest(digest), subtype="html")
    return message


def html_digest(digest: Digest) -> str:
    """Return the digest as one HTML page without scripts, images or remote parts."""
    return "\n".join(
        [
            '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            '<meta name="color-scheme" content="light dark">',
            f"<title>{escape(digest.title)}</title>\n<style>\n{STYLE}\n</style>\n</head>",
            '<body>\n<div class="page">',
            *_head(digest),
            *(_card(digest, item, number) for number, item in enumerate(digest.items, 1)),
            *_foot(digest),
            "</div>\n</body>\n</html>\n",
        ]
    )


def _head(digest: Digest) -> Iterator[str]:
    reader = f"For {escape(digest.reader)}. " if digest.reader else ""
    yield f"<h1>{escape(digest.title)}</h1>"
    yield f'<p class="muted">{reader}{digest.period}.<br>{escape(digest.summary)}</p>'
    for alert in digest.alerts:
        yield f'<p class="alert"><strong>Alert:</strong> {escape(alert)}</p>'


def _card(digest: Digest, item: DigestItem, number: int) -> str:
    insight = item.insight
    title = escape(insight.title)
    if link := digest.link(insight):
        title = f'<a href="{escape(link)}">{title}</a>'
    lines = [f'<div class="card">\n<h2>{number}. {title}</h2>']
    if item.note:
        lines.append(f'<p class="note">{escape(item.note)}</p>')
    lines.append(f'<p class="claim">{escape(insight.hypothesis)}</p>')
    lines += [f"<p><strong>{label}:</strong> {escape(text)}</p>" for label, text in texts(insight)]
    for fact in (insight.first, insight.second):
        where = escape(source(fact)) or "unknown source"
        lines.append(
            f'<blockquote>\n<p>{escape(fact.text)}</p>\n<p class="muted">{where}</p>\n</blockquote>'
        )
    when = digest.when(insight.reached_at)
    lines.append(f'<p class="muted">{escape(rating(insight))} · {when}</p>\n</div>')
    return "\n".join(lines)


def _foot(digest: Digest) -> Iterator[str]:
    if not digest.items:
        yield "<p>Nothing new was found.</p>"
    elif digest.page_url:
        yield f'<p><a href="{escape(digest.page_url)}">All insights</a></p>'
