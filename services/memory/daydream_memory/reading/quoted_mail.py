"""What the writer of a mail says, without the mail that it answers, and without the signature.

A mail that is passed on is read: without its fields, from "Forwarded message" on.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from daydream_memory.reading.passages import Passage

QUOTE = re.compile(r"^\s*>")
QUOTE_HEAD = re.compile(
    r"^\s*(on\b.{5,200}\bwrote:|am\b.{5,200}\bschrieb.*:|le\b.{5,200}a écrit ?:"
    r"|el\b.{5,200}escribió:"
    r"|.{3,80}\b(?:wrote|schrieb|a écrit|escribió|ha scritto)\b.{0,60}:"
    r"|.{3,120}<[^>]+@[^>]+>.{0,40}:"
    r"|-{2,}\s*(original message|ursprüngliche nachricht|message d'origine)\s*-{2,}|_{20,})\s*$",
    re.IGNORECASE,
)
# Where a whole mail follows that is answered or passed on, with its fields and without marks
ORIGINAL = re.compile(
    r"^\s*(?:-{2,}\s*(?:original message|ursprüngliche nachricht|message d'origine"
    r"|mensaje original|messaggio originale|исходное сообщение)\s*-{2,}|_{20,})\s*$",
    re.IGNORECASE,
)
SENDER = re.compile(
    r"^\*?(?:From|Von|De|Da|Van|Från|Fra|Od|От|发件人|差出人)\s*[:：]\*?\s*\S", re.IGNORECASE
)
SENT = re.compile(
    r"^\*?(?:Sent|Date|Gesendet|Datum|Envoyé|Enviado|Fecha|Inviato|Data|Verzonden|Skickat|Sendt"
    r"|Wysłano|Отправлено|Дата|发送时间|送信日時)\s*[:：]\*?\s*\S",
    re.IGNORECASE,
)
FORWARDED = re.compile(
    r"^\s*(?:-{2,}\s*(?:forwarded message|weitergeleitete nachricht|message transféré"
    r"|mensaje reenviado|messaggio inoltrato|пересылаемое сообщение)\s*-{2,}"
    r"|begin forwarded message:|anfang der weitergeleiteten nachricht:)\s*$",
    re.IGNORECASE,
)
FIELD = re.compile(r"^\*?[^\W\d_][\w -]{1,20}[:：]\*?\s+\S")
FIELDS_APART = 3  # lines between the sender and the date
SIGNATURE = re.compile(r"^-- ?$|^-{5}BEGIN PGP (?:SIGNATURE|PUBLIC KEY BLOCK)-{5}")
SIGNED = re.compile(r"^-{5}BEGIN PGP SIGNED MESSAGE-{5}$")


@dataclass(frozen=True)
class OwnWords:
    """The words of the writer. `quoted`: lines of other mails that were left out."""

    text: str
    quoted: int = 0
    signatures: int = 0


def own_words(text: str) -> OwnWords:
    """Return what the writer of a plain mail says."""
    written = text.replace("\r\n", "\n").split("\n")
    lines: list[str] = []
    quoted = 0
    in_fields = False  # of a mail that is passed on
    for place, line in enumerate(written):
        is_field = bool(FIELD.match(line)) or not line.strip()
        begins = FORWARDED.match(line) or SIGNED.match(line)
        in_fields = begins is not None or (in_fields and is_field)
        if in_fields:
            continue
        if SIGNATURE.match(line):
            return OwnWords("\n".join(lines), quoted, 1)
        has_words = any(kept.strip() for kept in lines)
        if has_words and _begins_original(written, place):
            quoted += sum(bool(rest.strip()) for rest in written[place:])
            break
        if QUOTE.match(line) or (has_words and QUOTE_HEAD.match(line)):
            quoted += 1
        else:
            lines.append(line)
    return OwnWords("\n".join(lines), quoted)


def own_passages(passages: Sequence[Passage]) -> tuple[list[Passage], int]:
    """Return the passages before the mail that a mail in HTML answers, and how many lines it has.

    A mail that begins with the other one is passed on, and read whole.
    """
    has_words = False
    for number, passage in enumerate(passages):
        lines = passage.text.split("\n")
        for place, line in enumerate(lines):
            if has_words and _begins_original(lines, place):
                own = replace(passage, text="\n".join(lines[:place]).rstrip())
                rest = [*lines[place:], *(after.text for after in passages[number + 1 :])]
                quoted = sum(bool(text.strip()) for text in rest)
                return [*passages[:number], *([own] if own.text else [])], quoted
            has_words = has_words or bool(line.strip())
    return list(passages), 0


def _begins_original(lines: list[str], place: int) -> bool:
    """Return whether the mail that is answered begins here: with its sender and its date."""
    line = lines[place]
    near = lines[place + 1 : place + 1 + FIELDS_APART]
    if ORIGINAL.match(line):
        return any(map(SENDER.match, near))
    return bool(SENDER.match(line)) and any(map(SENT.match, near))
