"""Mails and mailboxes to passages: the body of each under its subject.

Quoted mails, signatures and attachments are left out and counted. A page that a browser saved as
MHTML is a mail whose body is the page.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from email import message_from_bytes, policy
from email.message import EmailMessage, Message
from email.utils import parsedate_to_datetime

from daydream_memory.reading.allowance import stopped_at, used_up
from daydream_memory.reading.flowed_mail import is_flowed, unflowed
from daydream_memory.reading.passages import (
    DocumentMetadata,
    LeftOut,
    Passage,
    RawDocument,
    Reading,
    UnreadableDocumentError,
    counted,
)
from daydream_memory.reading.quoted_mail import own_passages, own_words
from daydream_memory.reading.text import decode
from daydream_memory.reading.web_page import read_web_page

SEPARATOR = re.compile(rb"^From \S+.*\d{4}\s*$", re.MULTILINE)
REPLY = re.compile(r"^((re|aw|fwd?|wg|sv|antw)\s*:\s*)+", re.IGNORECASE)
MAILS_MAX = 200_000
PARTS_MAX = 1_000
DEPTH_MAX = 5
ENCRYPTED = frozenset(("multipart/encrypted", "application/pkcs7-mime", "application/x-pkcs7-mime"))


@dataclass
class _Report:
    attachments: list[str] = field(default_factory=list)
    quoted: int = 0
    signatures: int = 0
    encrypted: int = 0
    pages: list[LeftOut] = field(default_factory=list)

    def left_out(self) -> tuple[LeftOut, ...]:
        names = ", ".join(self.attachments[:3]) + (", …" if len(self.attachments) > 3 else "")
        return (
            *counted(
                "attachments",
                len(self.attachments),
                f"attachment ({names})",
                f"attachments ({names})",
            ),
            *counted("quoted-text", self.quoted, "quoted line", "quoted lines"),
            *counted("signatures", self.signatures, "signature", "signatures"),
            *counted("encrypted-mails", self.encrypted, "encrypted mail", "encrypted mails"),
            *dict.fromkeys(self.pages),
        )


def read_mail(document: RawDocument) -> Reading:
    """Return the passages of one mail. Raise UnreadableDocumentError for an encrypted one."""
    report = _Report()
    mail = _parse(document.data)
    passages = tuple(_mail_passages(mail, report))
    if report.encrypted and not passages:
        raise UnreadableDocumentError("encrypted mail; save a decrypted copy")
    return Reading(passages, report.left_out(), title=_subject(mail))


def read_mailbox(document: RawDocument) -> Reading:
    """Return the passages of all mails of a mailbox."""
    report = _Report()
    starts = [match.start() for match in SEPARATOR.finditer(document.data)]
    passages: list[Passage] = []
    stopped: list[LeftOut] = []
    ends = [*starts[1:], len(document.data)]
    for number, (start, end) in enumerate(zip(starts[:MAILS_MAX], ends, strict=False)):
        if number and (reason := used_up()):
            stopped = [stopped_at("mail", number, len(starts), reason)]
            break
        _, _, data = document.data[start:end].partition(b"\n")
        passages += _mail_passages(
            _parse(re.sub(rb"^>(>*From )", rb"\1", data, flags=re.M)), report
        )
    left_out = (*stopped, *report.left_out())
    beyond = len(starts) - MAILS_MAX
    return Reading(tuple(passages), (*left_out, *counted("mails", max(0, beyond), "mail", "mails")))


def _parse(data: bytes) -> EmailMessage:
    mail = message_from_bytes(data, policy=policy.default)
    assert isinstance(mail, EmailMessage)
    return mail


def _mail_passages(mail: EmailMessage, report: _Report, depth: int = 0) -> Iterator[Passage]:
    subject, metadata = _subject(mail), DocumentMetadata(date=_date(mail))
    if mail.get_content_type() in ENCRYPTED:
        report.encrypted += 1
        return
    body = mail.get_body(preferencelist=("plain", "html"))
    if body is not None:
        for passage in _body_passages(body, report):
            yield replace(passage, title=passage.title or subject, metadata=metadata)
    forwarded = _attached(mail, body, report)
    for inner in forwarded if depth < DEPTH_MAX else ():
        yield from _mail_passages(inner, report, depth + 1)


def _attached(mail: EmailMessage, body: Message | None, report: _Report) -> list[EmailMessage]:
    """Note the attachments of a mail. Return the mails among them."""
    mails: list[EmailMessage] = []
    waiting: list[Message] = [mail]
    for _ in range(PARTS_MAX):
        if not waiting:
            break
        part = waiting.pop(0)
        if part.get_content_type() == "message/rfc822":
            mails += [inner for inner in part.get_payload() if isinstance(inner, EmailMessage)]
        elif part.is_multipart():
            waiting += [inner for inner in part.get_payload() if isinstance(inner, Message)]
        elif part is not body and _is_attached(part, body):
            report.attachments.append(part.get_filename() or part.get_content_type())
    return mails


def _is_attached(part: Message, body: Message | None) -> bool:
    """Return whether a part is a file, and not the body in another form."""
    if part.get_filename() or part.get_content_disposition() == "attachment":
        return True
    return part.get_content_maintype() not in ("text", "message") and body is not None


def _body_passages(part: Message, report: _Report) -> Iterator[Passage]:
    text = _text(part)
    if part.get_content_type() == "text/html":
        page = read_web_page(RawDocument(b"", "", text))
        report.pages += page.left_out
        passages, quoted = own_passages(page.passages)
        report.quoted += quoted
        yield from passages
        return
    own = own_words(text)
    report.quoted += own.quoted
    report.signatures += own.signatures
    yield Passage(own.text, has_raw_lines=True)


def _text(part: Message) -> str:
    data = part.get_payload(decode=True)
    data = data if isinstance(data, bytes) else str(data or "").encode()
    charset = part.get_content_charset() or ""
    try:
        text = data.decode(charset)
    except (LookupError, UnicodeDecodeError):
        text = decode(data)[0]
    return unflowed(text, part) if is_flowed(part) else text


def _subject(mail: EmailMessage) -> str:
    return REPLY.sub("", " ".join(str(mail.get("Subject", "")).split()))


def _date(mail: EmailMessage) -> str:
    try:
        return parsedate_to_datetime(str(mail["Date"])).date().isoformat()
    except (TypeError, ValueError):
        return ""
