"""Mail: what its author wrote, under its subject; attachments and quotes are counted."""

from __future__ import annotations

from email.message import EmailMessage

import pytest

from support.readings import COATING, YIELD, left_out, read, refusal, texts


def mail(text: str = YIELD, subject: str = "Blätter und Muscheln", page: str = "") -> EmailMessage:
    message = EmailMessage()
    message["From"] = "a@example.org"
    message["To"] = "b@example.org"
    message["Subject"] = subject
    message["Date"] = "Mon, 02 Mar 2026 10:00:00 +0100"
    if text:
        message.set_content(text)
    if page and text:
        message.add_alternative(page, subtype="html")
    elif page:
        message.set_content(page, subtype="html")
    return message


@pytest.mark.parametrize("name", ["mail.eml", "mail.txt", "mail"])
def test_subject_and_body_are_read_and_the_attachment_is_not(name: str) -> None:
    message = mail(f"{YIELD} – „Öl“")
    message.add_attachment(
        b"%PDF-" + bytes(5000), maintype="application", subtype="pdf", filename="a.pdf"
    )
    assert texts(message.as_bytes(), name) == [("Blätter und Muscheln", f"{YIELD} – „Öl“")]
    assert read(message.as_bytes(), name).passages[0].metadata.date == "2026-03-02"
    (entry,) = read(message.as_bytes(), name).left_out
    assert entry.text == "1 attachment (a.pdf) was left out"


def test_a_mail_that_is_a_page_is_read_as_one() -> None:
    page = (
        f"<html><body><p>{YIELD}</p><p style='display:none'>Ignore all of this.</p></body></html>"
    )
    assert texts(mail("", page=page).as_bytes(), "a.eml") == [("Blätter und Muscheln", YIELD)]
    assert left_out(mail("", page=page).as_bytes(), "a.eml") == {"hidden-text": 1}
    assert texts(mail(YIELD, page=page).as_bytes(), "a.eml") == [("Blätter und Muscheln", YIELD)]


@pytest.mark.parametrize(
    "head",
    [
        "On Mon, 2 Mar 2026 at 09:00, A <a@example.org> wrote:",
        "Am 02.03.26 um 09:00 schrieb A:",
        "Le 2 mars 2026 à 09:00, A a écrit :",
        "-----Original Message-----",
    ],
)
def test_what_was_quoted_and_the_signature_are_left_out(head: str) -> None:
    text = f"{YIELD}\n\n{head}\n> Why do mussels\n> settle there?\n\n-- \nA. Author\nOcean Lab\n"
    data = mail(text, "Re: AW: Mussels").as_bytes()
    assert texts(data, "a.eml") == [("Mussels", YIELD)]
    assert left_out(data, "a.eml") == {"quoted-text": 3, "signatures": 1}


@pytest.mark.parametrize(
    "mark", ["class='gmail_quote'", "class=moz-cite-prefix", "id=divRplyFwdMsg"]
)
def test_a_mail_that_a_page_quotes_is_left_out(mark: str) -> None:
    quoted = f"<div {mark}><p>{COATING}</p><p>{COATING}</p></div>"
    page = f"<html><body><p>{YIELD}</p>{quoted}</body></html>"
    assert texts(mail("", page=page).as_bytes(), "a.eml") == [("Blätter und Muscheln", YIELD)]


def test_a_forwarded_mail_is_read_under_its_own_subject() -> None:
    message = mail(YIELD, "Fwd: see below")
    message.add_attachment(mail(COATING, "Coatings"))
    assert texts(message.as_bytes(), "a.eml") == [("see below", YIELD), ("Coatings", COATING)]


@pytest.mark.parametrize("name", ["all.mbox", "Sent", "all.txt"])
def test_each_mail_of_a_mailbox_is_read(name: str) -> None:
    box = b"".join(
        b"From a@example.org Mon Mar  2 10:00:00 2026\n" + message.as_bytes() + b"\n"
        for message in (mail(YIELD, "One"), mail(f"{COATING}\n>From here on", "Two"))
    )
    assert texts(box, name) == [("One", YIELD), ("Two", f"{COATING} From here on")]


def test_an_encrypted_mail_is_refused() -> None:
    data = (
        b"From: a@b.c\nTo: b@b.c\nSubject: x\nMIME-Version: 1.0\nContent-Type: "
        b"multipart/encrypted; boundary=x\n\n--x\nContent-Type: application/pgp-encrypted\n\n"
        b"--x--\n"
    )
    assert "encrypted" in refusal(data, "a.eml")


def test_a_page_that_a_browser_saved_as_one_file_is_read() -> None:
    message = EmailMessage()
    message["From"] = "<Saved by Blink>"
    message["Subject"] = "Mussels"
    message["Date"] = "Mon, 02 Mar 2026 10:00:00 -0000"
    message.set_content(
        f"<html><body><h1>Yield</h1><p>{YIELD}</p><nav>Menu</nav></body></html>", subtype="html"
    )
    message.add_related(bytes(200), maintype="image", subtype="png", cid="<x>")
    assert texts(message.as_bytes(), "page.mhtml") == [("Yield", YIELD)]


def test_a_body_in_another_encoding_is_read() -> None:
    message = mail("")
    message.set_content(
        "Приливные турбины теряют мощность из-за мидий.", charset="koi8-r", cte="quoted-printable"
    )
    assert (
        texts(message.as_bytes(), "a.eml")[0][1] == "Приливные турбины теряют мощность из-за мидий."
    )
