"""Digests arrive: in a file, at a real SMTP server, at a real webhook."""

from __future__ import annotations

import json
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from email import message_from_bytes
from email.policy import default as default_policy
from http.server import BaseHTTPRequestHandler, HTTPServer
from ipaddress import IPv4Address
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.handlers import Sink
from aiosmtpd.smtp import AuthResult
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from daydream_console.digest.config import DigestConfig, DigestPlan, SmtpServer, read_config
from daydream_console.digest.delivery import DigestDeliveryError, deliver, post, write_file
from daydream_console.local.processes import free_port
from daydream_contracts.errors import ConfigurationError
from support.digests import digest, summary
from support.webhook_schemas import BODY_BYTES_MAX, SCHEMAS

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


@pytest.fixture
def certificate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, Path]:
    """Return a certificate of 127.0.0.1 with its key, which this process trusts."""
    key, file = tmp_path / "key.pem", tmp_path / "certificate.pem"
    private = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    address = x509.SubjectAlternativeName([x509.IPAddress(IPv4Address("127.0.0.1"))])
    signed = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(private.public_key())
        .serial_number(1)
        .not_valid_before(datetime(2020, 1, 1, tzinfo=UTC))
        .not_valid_after(datetime(2100, 1, 1, tzinfo=UTC))
        .add_extension(address, critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(private, hashes.SHA256())
    )
    file.write_bytes(signed.public_bytes(Encoding.PEM))
    form = (Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    key.write_bytes(private.private_bytes(*form))
    monkeypatch.setenv("SSL_CERT_FILE", str(file))
    return file, key


@contextmanager
def encrypting_server(certificate: tuple[Path, Path]) -> Iterator[tuple[Mailbox, int, list[bytes]]]:
    """Serve SMTP that takes mail after STARTTLS and a login only."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(*certificate)
    passwords: list[bytes] = []

    def check(_: Any, __: Any, ___: Any, ____: str, given: Any) -> AuthResult:
        passwords.append(given.password)
        return AuthResult(success=given.password == b"secret")

    handler, port = Mailbox(), free_port()
    controller = Controller(
        handler,
        hostname="127.0.0.1",
        port=port,
        tls_context=context,
        require_starttls=True,
        auth_required=True,
        authenticator=check,
    )
    controller.start()
    try:
        yield handler, port, passwords
    finally:
        controller.stop()


def test_a_mail_goes_by_starttls_with_a_login(certificate: tuple[Path, Path]) -> None:
    plan = DigestPlan(**PLAN, mail="ada@lab.example")
    with encrypting_server(certificate) as (received, port, passwords):
        config = config_with_smtp(port, user="daydream")
        deliver(digest(summary(1)), plan, config, "secret")
        with pytest.raises(DigestDeliveryError, match="does not take the mail"):
            deliver(digest(summary(1)), plan, config, "wrong")
    assert passwords == [b"secret", b"wrong"]
    assert len(received.envelopes) == 1


def test_a_mail_server_with_an_unknown_certificate_gets_no_password(
    certificate: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SSL_CERT_FILE")
    plan = DigestPlan(**PLAN, mail="ada@lab.example")
    with (
        encrypting_server(certificate) as (_, port, passwords),
        pytest.raises(DigestDeliveryError, match=r"(?i)certificate"),
    ):
        deliver(digest(summary(1)), plan, config_with_smtp(port, user="u"), "secret")
    assert passwords == []


def test_a_dead_mail_server_is_reported() -> None:
    plan = DigestPlan(**PLAN, mail="ada@lab.example")
    with pytest.raises(DigestDeliveryError, match="does not take the mail"):
        deliver(digest(), plan, config_with_smtp(free_port()), "")


@pytest.mark.parametrize("form", sorted(SCHEMAS))
def test_a_digest_arrives_at_a_webhook_as_the_product_documents_it(form: str) -> None:
    long = [summary(number, hypothesis="word " * 2000) for number in range(2, 30)]
    with webhook() as (url, received):
        plan = DigestPlan(**PLAN, webhook=url, format=form)
        for insights in ([summary(1)], long, []):
            deliver(digest(*insights, alerts=("spend",)), plan, DigestConfig(), "")
    for content_type, body in received:
        assert content_type == "application/json"
        jsonschema_rs.validate(SCHEMAS[form], body)
        assert len(json.dumps(body)) <= BODY_BYTES_MAX[form]
    assert "Hypothesis 1." in json.dumps(received[0][1])


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
