"""The content says what a file is. What is no document is skipped; what is not read has its fix."""

from __future__ import annotations

import gzip
import io
import plistlib
import tarfile

import pytest

from daydream_memory.reading import read_document
from support.office_files import paragraph, word_file, zipped
from support.readings import COATING, YIELD, left_out, read, refusal, texts

HASH = "sha512-" + "Abc9" * 20 + "=="


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ('{"name": "x", "lockfileVersion": 3, "packages": {}}', "package-lock.json"),
        ('{"name": "x", "lockfileVersion": 3, "packages": {}}', "other.json"),
        (f'# yarn lockfile v1\n\na@^1:\n  version "1"\n  integrity {HASH}\n', "yarn.lock"),
        ("\n".join(f"name=={at} --hash=sha256:{'0a' * 32}" for at in range(9)), "constraints.txt"),
        ('[[package]]\nname = "x"\nversion = "1"\nchecksum = "aa"\n', "Cargo.lock"),
        ("!function(e,t){for(var n=0;n<t.length;n++)e[n]=t[n];return e}" * 30, "app.min.js"),
        ("!function(e,t){for(var n=0;n<t.length;n++)e[n]=t[n];return e}" * 30, "bundle.txt"),
        (".a{color:red;margin:0}.b{color:blue;padding:0}" * 30, "site.css"),
        ('{"version":3,"sources":["a.js"],"mappings":"AAAA,SAAS"}', "a.json"),
        ("import os\n\n\ndef clean(blade):\n    return os.path.join(blade)\n", "clean.py"),
        ("#!/bin/sh\necho hello\n", "run"),
        ('#include <stdio.h>\nint main(void) {\n  puts("x");\n  return 0;\n}\n', "a.txt"),
        ("[tool.x]\nname = 'y'\n", "settings.toml"),
        ("key: value\nother: 3\n", "config.yaml"),
        ('{"name": "x", "description": "a package of things that does something"}', "package.json"),
    ],
)
def test_locks_code_and_settings_are_skipped_with_the_reason(text: str, name: str) -> None:
    result = read_document(text.encode(), name)
    assert (result.status, result.passages) == ("skipped", ())
    assert "not a document" in result.note


@pytest.mark.parametrize(
    ("data", "name", "why"),
    [
        (b"\xff\xd8\xff\xe0\x00\x10JFIF" + bytes(range(256)), "photo.jpg", "OCR"),
        (b"\x89PNG\r\n\x1a\n" + bytes(50), "photo", "OCR"),
        (b"RIFF\x00\x00\x00\x00WEBPVP8 " + bytes(50), "a.webp", "OCR"),
        (b"\x00\x00\x00\x20ftypmp42" + bytes(50), "talk.mp4", "subtitles"),
        (b"ID3\x04" + bytes(50), "talk.mp3", "transcript"),
        (b"x" * 60 + b"BOOKMOBI" + bytes(50), "book.mobi", "EPUB"),
        (b"%!PS-Adobe-3.0\n", "a.ps", "PDF"),
        (b"AT&TFORM\x00\x00", "a.djvu", "PDF"),
        (b"SQLite format 3\x00" + bytes(100), "a.db", "CSV"),
        (b"PAR1" + bytes(100), "a.parquet", "CSV"),
        (b"7z\xbc\xaf\x27\x1c" + bytes(10), "a.7z", "unpack"),
        (b"Rar!\x1a\x07" + bytes(10), "a.rar", "unpack"),
        (b"\x7fELF" + bytes(100), "a.out", "program"),
        (bytes(range(256)) * 4, "unknown", "binary file"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + "__substg1.0_".encode("utf-16-le"), "a.msg", ".eml"),
    ],
)
def test_a_kind_that_is_not_read_is_refused_with_the_fix(data: bytes, name: str, why: str) -> None:
    assert why in refusal(data, name)


@pytest.mark.parametrize("data", [b"", b" \n\n\t\n", b"\n"])
@pytest.mark.parametrize("name", ["empty.md", "empty.pdf", "blank.txt"])
def test_an_empty_file_is_skipped(data: bytes, name: str) -> None:
    assert read_document(data, name).status == "skipped"
    assert refusal(data, name) == "empty"


def test_a_note_with_nothing_but_front_matter_has_no_passages() -> None:
    assert read("---\ntitle: x\n---\n", "a.md").passages == ()
    assert (
        read("# Idea\n\nCopper kills mussels.\n", "a.md").passages[0].text
        == "Copper kills mussels."
    )


@pytest.mark.parametrize(
    "name",
    [
        b"M\xfcsli.txt".decode("utf-8", "surrogateescape"),
        "new\nline.txt",
        "[bold]x.txt",
        "",
        "-",
        "..",
        "a/",
    ],
)
def test_any_name_is_read(name: str) -> None:
    (passage,) = read(YIELD, name).passages
    assert passage.text == YIELD
    passage.title.encode()  # a title can be written


# --- archives ---


def tar(files: dict[str, bytes], mode: str = "w") -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode=mode) as archive:  # type: ignore[call-overload]
        for name, data in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    return out.getvalue()


FILES = {
    "notes/a.md": f"# Yield\n\n{YIELD}".encode(),
    "b.docx": word_file(paragraph(COATING)),
    "__MACOSX/._a.md": b"\x00\x05\x16\x07",
    "photo.jpg": b"\xff\xd8\xff\xe0" + bytes(50),
}


@pytest.mark.parametrize(
    ("data", "name"),
    [
        (zipped(FILES), "all.zip"),
        (tar(FILES), "all.tar"),
        (tar(FILES, "w:gz"), "all.tar.gz"),
        (tar(FILES, "w:bz2"), "all.tbz"),
        (tar(FILES, "w:xz"), "all"),
        (zipped({"inner.zip": zipped(FILES)}), "outer.zip"),
    ],
)
def test_the_documents_in_an_archive_are_read(data: bytes, name: str) -> None:
    got = [text for _, text in texts(data, name)]
    assert got == [YIELD, COATING]
    assert left_out(data, name) == {"archived-files": 1}


def test_a_compressed_document_is_read() -> None:
    assert texts(gzip.compress(f"# Yield\n\n{YIELD}".encode()), "a.md.gz") == [("Yield", YIELD)]


def test_an_archive_that_unpacks_without_end_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    # the real limit would take a second
    monkeypatch.setattr("daydream_memory.reading.archives.UNPACKED_BYTES_MAX", 2 << 20)
    assert "more than 2 MB" in refusal(gzip.compress(bytes(3 << 20), 1), "bomb.gz")
    many = {f"{at}.txt": b"x" * (1 << 20) for at in range(4)}
    assert "more than 2 MB" in refusal(zipped(many), "bomb.zip")


def test_archives_in_archives_and_those_without_documents_are_refused() -> None:
    nested = zipped({"a.zip": zipped({"b.zip": zipped({"c.zip": zipped(FILES)})})})
    assert "archives" in refusal(nested, "nested.zip")
    assert "no document" in refusal(zipped({"photo.jpg": FILES["photo.jpg"]}), "a.zip")
    assert "archive" in refusal(b"PK\x03\x04broken", "a.zip")


def test_a_web_archive_gives_its_page() -> None:
    page = f"<html><body><h1>Yield</h1><p>{YIELD}</p></body></html>".encode()
    data = plistlib.dumps({"WebMainResource": {"WebResourceData": page}}, fmt=plistlib.FMT_BINARY)
    assert texts(data, "a.webarchive") == [("Yield", YIELD)]


@pytest.mark.parametrize(
    "xml",
    [
        "<article><front><journal-meta><p>no</p></journal-meta><article-meta><title-group>"
        "<article-title>Mussels</article-title></title-group></article-meta></front>"
        f"<body><sec><title>Yield</title><p>{YIELD}</p></sec></body>"
        "<back><ref-list><ref><p>no</p></ref></ref-list></back></article>",
        "<TEI><teiHeader><p>no</p></teiHeader><text><body><div><head>Yield</head>"
        f"<p>{YIELD}</p></div></body></text></TEI>",
        "<rss><channel><item><title>Yield</title>"
        f"<description>&lt;p&gt;{YIELD}&lt;/p&gt;</description></item></channel></rss>",
        f"<book><chapter><title>Yield</title><para>{YIELD}</para></chapter></book>",
    ],
)
def test_xml_of_publishers_gives_its_paragraphs(xml: str) -> None:
    (passage,) = read(f'<?xml version="1.0"?>\n{xml}', "a.xml").passages
    assert passage.text == YIELD
    assert passage.title.endswith("Yield")


def test_entities_of_xml_are_not_expanded() -> None:
    entities = '<!ENTITY a "ha"><!ENTITY b SYSTEM "file:///etc/passwd">'
    bomb = f'<?xml version="1.0"?><!DOCTYPE x [{entities}]>'
    got = read(f"{bomb}<article><p>{YIELD} &a;&b;</p></article>", "a.xml")
    assert got.passages[0].text == YIELD


def test_a_reader_that_fails_refuses_its_document_only(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(document: object) -> None:
        raise ZeroDivisionError("in a\nlibrary")

    monkeypatch.setattr("daydream_memory.reading.plain_text.read_plain_text", fail)
    assert refusal(YIELD, "a.txt") == "not a readable text: ZeroDivisionError: in a library"
