"""Send a digest: into a file, by SMTP, or to a webhook. Each raises DigestDeliveryError."""

from __future__ import annotations

import json
import os
import smtplib
import ssl
import urllib.error
import urllib.request
from email.message import EmailMessage
from pathlib import Path
from urllib.parse import urlsplit

from daydream_console.digest.chat import CHATS
from daydream_console.digest.config import DigestConfig, DigestPlan, SmtpServer
from daydream_console.digest.content import Digest
from daydream_console.digest.formats import FORMATS, SUFFIXES
from daydream_console.digest.mail import mail_digest
from daydream_contracts.errors import RetryLaterError

TIMEOUT_S = 20.0
ANSWER_BYTES_MAX = 300


class DigestDeliveryError(RetryLaterError):
    """A digest did not arrive. It can be sent again."""


def deliver(digest: Digest, plan: DigestPlan, config: DigestConfig, password: str) -> str:
    """Send a digest where its plan says, and return where that was. It blocks for seconds."""
    if plan.file:
        return str(write_file(digest, plan.file))
    if plan.webhook:
        post(plan.webhook, CHATS[plan.format](digest))
        return f"{plan.format} webhook"
    assert config.smtp is not None, "a configuration without [smtp] has no mail"
    send_mail(mail_digest(digest, config.smtp.sender, plan.mail), config.smtp, password)
    return plan.mail


def write_file(digest: Digest, path: str) -> Path:
    """Write a digest. {date} in the path is its day; the suffix selects the format."""
    day = digest.until.astimezone(digest.zone)
    file = Path(path.replace("{date}", f"{day:%Y-%m-%d}")).expanduser()
    text = FORMATS[SUFFIXES.get(file.suffix, "markdown")](digest)
    temporary = file.with_name(f".{file.name}.{os.getpid()}")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        temporary.write_text(text, "utf-8")
        temporary.replace(file)
    except OSError as error:
        raise DigestDeliveryError(f"{file} can't be written: {error.strerror}") from error
    return file


def post(url: str, body: object) -> None:
    """Post JSON to a webhook. The error names its host only: the rest of the URL is a secret."""
    host = urlsplit(url).hostname
    request = urllib.request.Request(  # noqa: S310 (http and https only: the configuration checks)
        url,
        data=json.dumps(body).encode(),
        headers={"Content-Type": "application/json", "User-Agent": "daydream"},
    )
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT_S) as answer:  # noqa: S310
            answer.read(ANSWER_BYTES_MAX)
    except urllib.error.HTTPError as error:
        said = error.read(ANSWER_BYTES_MAX).decode(errors="replace")
        raise DigestDeliveryError(f"{host} answers {error.code}: {said}") from None
    except OSError as error:
        raise DigestDeliveryError(f"{host} can't be reached: {error}") from None


def send_mail(message: EmailMessage, server: SmtpServer, password: str) -> None:
    """Hand a message to the server. Never send a password without encryption."""
    context = ssl.create_default_context()
    try:
        if server.security == "tls":
            connection: smtplib.SMTP = smtplib.SMTP_SSL(
                server.host, server.port, timeout=TIMEOUT_S, context=context
            )
        else:
            connection = smtplib.SMTP(server.host, server.port, timeout=TIMEOUT_S)
        with connection:
            if server.security == "starttls":
                connection.starttls(context=context)
            if server.user and server.security != "none":
                connection.login(server.user, password)
            connection.send_message(message)
    except (smtplib.SMTPException, OSError) as error:
        raise DigestDeliveryError(f"{server.host} does not take the mail: {error}") from error
