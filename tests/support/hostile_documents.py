"""Documents that are small to store and expensive to read, made when they are needed.

Each maker returns the bytes. `SMALL` end at once, by a reader's own limits; `LARGE` need the limits
of the process that reads them.
"""

from __future__ import annotations

import io
import json
import struct
import zipfile
import zlib
from collections.abc import Callable

from support import office_files

Maker = Callable[[], bytes]
SENTENCE = "The ice on the lake breaks up earlier each spring than it did before."
LAUGHS = "".join(
    f'<!ENTITY l{level} "{f"&l{level - 1};" * 10}">' if level else f'<!ENTITY l0 "{SENTENCE}">'
    for level in range(10)
)
DOCTYPE = f"<!DOCTYPE lolz [{LAUGHS}]>"
OUTSIDE = '<!DOCTYPE d [<!ENTITY out SYSTEM "file:///etc/passwd">]>'
WORD = b'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'


def sound_word_file() -> bytes:
    """Return a Word file with one sentence."""
    return office_files.word_file(office_files.paragraph(SENTENCE))


def sound_pdf() -> bytes:
    """Return a PDF with one sentence."""
    return pdf_pages(1)


def word_file(body: bytes, before: bytes = b"", copies: int = 1) -> bytes:
    """Return a Word file whose main part has copies of this content, deflated."""
    out = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(sound_word_file())) as sound,
        zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive,
    ):
        for name in sound.namelist():
            if name != "word/document.xml":
                archive.writestr(name, sound.read(name))
                continue
            with archive.open(name, "w") as part:  # piece by piece: it may be large
                part.write(b"<?xml version='1.0'?>%s<w:document %s><w:body>" % (before, WORD))
                for _ in range(copies):
                    part.write(body)
                part.write(b"</w:body></w:document>")
    return out.getvalue()


def word_bomb(megabytes: int) -> bytes:
    """Return a Word file that unpacks to this size."""
    paragraph = b"<w:p><w:r><w:t>%s</w:t></w:r></w:p>" % (b"a" * 1000)
    return word_file(paragraph * (1_000_000 // len(paragraph)), copies=megabytes)


def lying_word_bomb(megabytes: int) -> bytes:
    """Return such a file whose directory says that it unpacks to 5,000 bytes."""
    data = bytearray(word_bomb(megabytes))
    entry = data.rfind(b"word/document.xml") - 46  # of the central directory
    data[entry + 24 : entry + 28] = struct.pack("<I", 5000)
    return bytes(data)


def zip_bomb(megabytes: int) -> bytes:
    """Return an archive of one text file of this size."""
    out = io.BytesIO()
    archive = zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED)
    with archive, archive.open("notes.txt", "w") as part:
        for _ in range(megabytes):
            part.write(f"{SENTENCE}\n".encode() * (1_000_000 // 70))
    return out.getvalue()


def nested_zip(levels: int) -> bytes:
    """Return archives in archives, with ten copies of the next at each level."""
    data = zip_bomb(1)
    for level in range(levels):
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
            for copy in range(10):
                archive.writestr(f"{level}-{copy}.zip", data)
        data = out.getvalue()
    return data


def pdf(stream: bytes, filters: str = "/FlateDecode", pages: int = 1, kids: str = "") -> bytes:
    """Return a PDF whose pages share one content stream."""
    names = kids or " ".join(f"{5 + page} 0 R" for page in range(pages))
    page = (
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents 4 0 R "
        b"/Resources << /Font << /F1 3 0 R >> >> >>"
    )
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        f"<< /Type /Pages /Kids [{names}] /Count {pages} >>".encode(),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
        f"<< /Length {len(stream)} /Filter {filters} >>\nstream\n".encode()
        + stream
        + b"\nendstream",
        *[page] * pages,
    ]
    out, places = io.BytesIO(b"%PDF-1.4\n"), []
    out.seek(0, io.SEEK_END)
    for number, content in enumerate(objects, 1):
        places.append(out.tell())
        out.write(b"%d 0 obj\n%s\nendobj\n" % (number, content))
    start, size = out.tell(), len(objects) + 1
    out.write(f"xref\n0 {size}\n0000000000 65535 f \n".encode())
    out.write("".join(f"{place:010d} 00000 n \n" for place in places).encode())
    out.write(f"trailer\n<< /Size {size} /Root 1 0 R >>\nstartxref\n{start}\n%%EOF\n".encode())
    return out.getvalue()


def pdf_stream(megabytes: int) -> bytes:
    """Return a PDF with one content stream that unpacks to this size."""
    operator = f"BT /F1 12 Tf 72 720 Td ({SENTENCE}) Tj ET\n".encode()
    return pdf(_deflated(operator, megabytes))


def pdf_packed_twice(megabytes: int) -> bytes:
    """Return a PDF with a stream of zeros that is packed twice."""
    packed = zlib.compress(_deflated(b"\0" * 1000, megabytes))
    return pdf(packed, "[/FlateDecode /FlateDecode]")


def _deflated(block: bytes, megabytes: int) -> bytes:
    """Pack many copies of a block without holding them all."""
    packer, parts = zlib.compressobj(), []
    many = block * max(1, 1_000_000 // len(block))
    for _ in range(megabytes):
        parts.append(packer.compress(many))
    return b"".join([*parts, packer.flush()])


def pdf_pages(pages: int) -> bytes:
    """Return a PDF with many pages."""
    return pdf(zlib.compress(f"BT /F1 12 Tf 72 720 Td ({SENTENCE}) Tj ET".encode()), pages=pages)


def page_tree_loop() -> bytes:
    """Return a PDF whose pages are their own child."""
    return pdf(zlib.compress(b""), kids="2 0 R")


def web_page(body: str) -> bytes:
    """Return an HTML page."""
    return f"<!doctype html><html><body>{body}</body></html>".encode()


def xhtml(before: str, text: str) -> bytes:
    """Return an XHTML page with a document type."""
    return f"{before}<html><body><p>{text}</p></body></html>".encode()


def nested_tables(levels: int) -> bytes:
    """Return the body of a Word file with tables in tables."""
    opening = b"<w:tbl><w:tr><w:tc>" * levels
    closing = b"<w:p/></w:tc></w:tr></w:tbl>" * levels
    return word_file(opening + b"<w:p><w:r><w:t>x</w:t></w:r></w:p>" + closing)


def json_record(text: str) -> bytes:
    """Return a line of JSON Lines."""
    return json.dumps({"title": "a", "text": text}).encode() + b"\n"


LAUGHING_TEXT = b"<w:p><w:r><w:t>&l9;</w:t></w:r></w:p>"
OUTSIDE_TEXT = b"<w:p><w:r><w:t>&out;</w:t></w:r></w:p>"
SMALL: dict[str, Maker] = {
    "laughs.xhtml": lambda: xhtml(DOCTYPE, "&l9;"),
    "outside.docx": lambda: word_file(OUTSIDE_TEXT, OUTSIDE.encode()),
    "outside.xhtml": lambda: xhtml(OUTSIDE, "&out;"),
    "loop.pdf": page_tree_loop,
    "deep.json": lambda: b"[" * 100_000 + b"]" * 100_000,
    "deep.jsonl": lambda: b'{"text": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    "braces.bib": lambda: b"@article{a, title = " + b"{" * 50_000 + b"}" * 50_000 + b"}",
    "nul.txt": lambda: SENTENCE.encode() + b"\0" + SENTENCE.encode(),
    "nested.zip": lambda: nested_zip(3),
    "lying.docx": lambda: lying_word_bomb(5),
}
LARGE: dict[str, Maker] = {
    "tables.docx": lambda: nested_tables(3000),
    "laughs.docx": lambda: word_file(LAUGHING_TEXT, DOCTYPE.encode()),
    "bomb100.docx": lambda: word_bomb(100),
    "bomb600.docx": lambda: word_bomb(600),
    "lying100.docx": lambda: lying_word_bomb(100),
    "bomb.zip": lambda: zip_bomb(600),
    "stream60.pdf": lambda: pdf_stream(60),
    "stream600.pdf": lambda: pdf_stream(600),
    "twice.pdf": lambda: pdf_packed_twice(600),
    "pages.pdf": lambda: pdf_pages(10_000),
    "deep.html": lambda: web_page("<div>" * 200_000 + SENTENCE),
    "open.html": lambda: web_page("<b><i>" * 150_000 + SENTENCE),
    "attributes.html": lambda: web_page(
        f"<p {' '.join(f'a{number}' for number in range(500_000))}>{SENTENCE}</p>"
    ),
    "paragraphs.html": lambda: web_page(f"<p>{SENTENCE}</p>" * 300_000),
    "columns.csv": lambda: ("," * 999_999 + "\n").encode() * 2,
    "line.jsonl": lambda: json_record(f"{SENTENCE} " * 700_000),
    "line.txt": lambda: b"a" * 50_000_000,
    "records.jsonl": lambda: json_record(SENTENCE) * 500_000,
    "emphasis.md": lambda: b"*a _b " * 100_000,
    "entries.bib": lambda: b"".join(
        b"@article{k%d, title = {%s}, abstract = {%s}}\n" % (n, b"a", SENTENCE.encode())
        for n in range(20_000)
    ),
    "quotes.md": lambda: b">" * 200_000 + b" a",
    "brackets.md": lambda: b"[" * 200_000 + b"a",
}
