"""Digests arrive: in a file, at a real SMTP server, at a real webhook."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from email import message_from_bytes
from email.policy import default as default_policy
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.handlers import Sink

from daydream_console.digest.config import DigestConfig, DigestPlan, SmtpServer, read_config
from daydream_console.digest.delivery import DigestDeliveryError, deliver, post, write_file
from daydream_console.local.processes import free_port
from daydream_contracts.errors import ConfigurationError
from support.digests import digest, summary

PLAN = {"name": "mine", "reader": "ada"}


class Mailbox(Sink):
    """What an SMTP server received."""

    def __init__(self) -> None:
        super().__init__()
        self.envelopes: list[Any] = []

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802
        self.envelopes.append(envelope)
        return "250 OK"


@pytest.fixture
def mailbox() -> Iterator[tuple[Mailbox, int]]:
    handler, port = Mailbox(), free_port()
    controller = Controller(handler, hostname="127.0.0.1", port=port)
    controller.start()
    yield handler, port
    controller.stop()


@contextmanager
def webhook(status: int = 200, answer: bytes = b"ok") -> Iterator[tuple[str, list[Any]]]:
    """Serve a webhook, and yield its URL and what it received."""
    received: list[Any] = []

    class FakeWebhook(BaseHTTPRequestHandler):
        """A webhook that stores each body."""

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            received.append((self.headers["content-type"], json.loads(body)))
            self.send_response(status)
            self.send_header("content-length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_: object) -> None:
            """Print nothing."""

    server = HTTPServer(("127.0.0.1", 0), FakeWebhook)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/services/secret-part", received
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def config_with_smtp(port: int, **options: Any) -> DigestConfig:
    smtp = SmtpServer(host="127.0.0.1", port=port, sender="daydream@lab.example", **options)
    return DigestConfig(smtp=smtp)


def test_a_digest_arrives_by_mail(mailbox: tuple[Mailbox, int]) -> None:
    received, port = mailbox
    plan = DigestPlan(**PLAN, mail="ada@lab.example")
    config = config_with_smtp(port, security="none")
    assert deliver(digest(summary(1)), plan, config, "") == "ada@lab.example"
    (envelope,) = received.envelopes
    assert (envelope.mail_from, envelope.rcpt_tos) == (
        "daydream@lab.example",
        ["ada@lab.example"],
    )
    message = message_from_bytes(envelope.content, policy=default_policy)
    assert message["Subject"] == "daydream: Insight 1"
    html = message.get_body(("html",))
    assert html is not None
    assert "Hypothesis 1." in html.get_content()


def test_a_server_without_encryption_gets_nothing_where_encryption_is_asked(
    mailbox: tuple[Mailbox, int],
) -> None:
    received, port = mailbox
    plan = DigestPlan(**PLAN, mail="ada@lab.example")
    with pytest.raises(DigestDeliveryError, match="does not take the mail"):
        deliver(digest(summary(1)), plan, config_with_smtp(port, user="u"), "secret")
    assert received.envelopes == []


def test_a_dead_mail_server_is_reported() -> None:
    plan = DigestPlan(**PLAN, mail="ada@lab.example")
    with pytest.raises(DigestDeliveryError, match="does not take the mail"):
        deliver(digest(), plan, config_with_smtp(free_port()), "")


@pytest.mark.parametrize(
    ("form", "key"), [("slack", "blocks"), ("mattermost", "text"), ("teams", "attachments")]
)
def test_a_digest_arrives_at_a_webhook(form: str, key: str) -> None:
    with webhook() as (url, received):
        plan = DigestPlan(**PLAN, webhook=url, format=form)
        deliver(digest(summary(1)), plan, DigestConfig(), "")
    ((content_type, body),) = received
    assert content_type == "application/json"
    assert key in body
    assert "Hypothesis 1." in json.dumps(body)


def test_a_refusal_says_why_without_the_secret_part_of_the_url() -> None:
    with webhook(404, b"no_team") as (url, _), pytest.raises(DigestDeliveryError) as error:
        post(url, {})
    assert str(error.value) == "127.0.0.1 answers 404: no_team"


def test_a_dead_webhook_is_reported_without_the_secret_part_of_the_url() -> None:
    with pytest.raises(DigestDeliveryError, match="can't be reached") as error:
        post(f"http://127.0.0.1:{free_port()}/services/secret-part", {})
    assert "secret-part" not in str(error.value)


def test_the_suffix_of_a_file_selects_the_format(tmp_path: Path) -> None:
    for suffix, start in ((".md", "# daydream"), (".html", "<!doctype html>"), (".json", "{")):
        file = write_file(digest(summary(1)), f"{tmp_path}/new/{{date}}{suffix}")
        assert file == tmp_path / "new" / f"2026-11-30{suffix}"
        assert file.read_text().startswith(start)


def test_a_file_that_cant_be_written_is_reported(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(DigestDeliveryError, match="can't be written"):
        write_file(digest(), str(tmp_path / "file" / "digest.md"))


def config_file(tmp_path: Path, text: str) -> Path:
    file = tmp_path / "digests.toml"
    file.write_text(text)
    return file


def test_the_file_of_digests_is_read(tmp_path: Path) -> None:
    config = read_config(
        config_file(
            tmp_path,
            '[smtp]\nhost = "smtp.lab.example"\nsender = "daydream@lab.example"\n'
            '[[digest]]\nname = "mine"\nreader = "ada"\nat = 07:45:00\nzone = "Europe/Zurich"\n'
            'mail = "ada@lab.example"\n',
        )
    )
    assert config.plan("mine").at.hour == 7
    with pytest.raises(ConfigurationError, match="There are: mine"):
        config.plan("other")


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("[[digest]]", "digest.0.name"),
        ('[[digest]]\nname = "a"\nreader = "ada"', "one of mail, file and webhook"),
        ('[[digest]]\nname = "a"\nreader = "ada"\nmail = "a@b"', "no table [smtp]"),
        (
            '[[digest]]\nname = "a"\nreader = "ada"\nfile = "d.md"\nzone = "Mars"',
            "unknown time zone",
        ),
        (
            '[[digest]]\nname = "a"\nreader = "ada"\nwebhook = "file:///etc/passwd"',
            "no http or https",
        ),
        ('[[digest]]\nname = "a"\nreader = "ada"\nfile = "d.md"\ntopp = 3', "topp"),
        ("[[digest", "no TOML file"),
    ],
)
def test_a_mistake_in_the_file_is_named(tmp_path: Path, text: str, problem: str) -> None:
    with pytest.raises(ConfigurationError) as error:
        read_config(config_file(tmp_path, text))
    assert problem in error.value.problem


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"nowhere\.toml can't be read"):
        read_config(tmp_path / "nowhere.toml")
