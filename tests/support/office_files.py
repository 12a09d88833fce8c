"""Office files for tests, made of the XML that the programs write."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping, Sequence

import openpyxl

W = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
M = "http://schemas.openxmlformats.org/officeDocument/2006/math"
MC = "http://schemas.openxmlformats.org/markup-compatibility/2006"
VML = "urn:schemas-microsoft-com:vml"
A = "http://schemas.openxmlformats.org/drawingml/2006/main"
P = "http://schemas.openxmlformats.org/presentationml/2006/main"
R = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
RELATIONS = "http://schemas.openxmlformats.org/package/2006/relationships"
DC = "http://purl.org/dc/elements/1.1/"
STYLES = "".join(
    f'<w:style w:type="paragraph" w:styleId="Heading{level}">'
    f'<w:name w:val="heading {level}"/></w:style>'
    for level in (1, 2, 3)
)


def zipped(parts: Mapping[str, str | bytes]) -> bytes:
    """A ZIP archive of parts by name."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return out.getvalue()


def word_file(body: str, styles: str = STYLES, **parts: str) -> bytes:
    """A Word document with this XML in its body. `parts`: others in word/, such as footnotes."""
    spaces = f'xmlns:w="{W}" xmlns:m="{M}" xmlns:mc="{MC}" xmlns:v="{VML}"'
    return zipped(
        {
            "[Content_Types].xml": "<Types/>",
            "word/document.xml": f"<w:document {spaces}><w:body>{body}</w:body></w:document>",
            "word/styles.xml": f'<w:styles xmlns:w="{W}">{styles}</w:styles>',
            **{f"word/{name}.xml": content for name, content in parts.items()},
        }
    )


def paragraph(*runs: str, style: str = "") -> str:
    """A paragraph of Word: runs are XML, or plain text."""
    properties = f'<w:pPr><w:pStyle w:val="{style}"/></w:pPr>' if style else ""
    content = "".join(item if item.startswith("<") else run(item) for item in runs)
    return f"<w:p>{properties}{content}</w:p>"


def run(text: str, properties: str = "") -> str:
    """A run of Word with properties such as <w:vanish/>."""
    return f'<w:r><w:rPr>{properties}</w:rPr><w:t xml:space="preserve">{text}</w:t></w:r>'


def table(*rows: Sequence[str]) -> str:
    """A table of Word."""
    cells = ("".join(f"<w:tc>{paragraph(text)}</w:tc>" for text in row) for row in rows)
    return f"<w:tbl>{''.join(f'<w:tr>{row}</w:tr>' for row in cells)}</w:tbl>"


def slides_file(*slides: str, title: str = "") -> bytes:
    """A presentation with the XML of the shapes of each slide, made by `shape`."""
    spaces = f'xmlns:a="{A}" xmlns:p="{P}" xmlns:r="{R}" xmlns:m="{M}"'
    ids = "".join(f'<p:sldId id="{256 + at}" r:id="r{at}"/>' for at in range(len(slides)))
    relations = "".join(
        f'<Relationship Id="r{at}" Type="slide" Target="slides/slide{at + 1}.xml"/>'
        for at in range(len(slides))
    )
    return zipped(
        {
            "ppt/presentation.xml": f"<p:presentation {spaces}><p:sldIdLst>{ids}</p:sldIdLst>"
            "</p:presentation>",
            "ppt/_rels/presentation.xml.rels": f'<Relationships xmlns="{RELATIONS}">{relations}'
            "</Relationships>",
            "docProps/core.xml": f'<c xmlns:dc="{DC}"><dc:title>{title}</dc:title></c>',
            **{
                f"ppt/slides/slide{at}.xml": slide.replace("<p:sld", f"<p:sld {spaces}", 1)
                for at, slide in enumerate(slides, 1)
            },
        }
    )


def slide(*shapes: str, hidden: bool = False) -> str:
    """A slide of shapes."""
    show = ' show="0"' if hidden else ""
    return f"<p:sld{show}><p:cSld><p:spTree>{''.join(shapes)}</p:spTree></p:cSld></p:sld>"


def shape(*paragraphs: str, kind: str = "body") -> str:
    """A shape of a slide with paragraphs. `kind`: of its placeholder, such as "title"."""
    texts = "".join(f"<a:p><a:r><a:t>{text}</a:t></a:r></a:p>" for text in paragraphs)
    return (
        f'<p:sp><p:nvSpPr><p:cNvPr id="1" name="x"/><p:nvPr><p:ph type="{kind}"/></p:nvPr>'
        "</p:nvSpPr>"
        f"<p:txBody>{texts}</p:txBody></p:sp>"
    )


def workbook(
    sheets: Mapping[str, Sequence[Sequence[object]]],
    hidden: Sequence[str] = (),
    hidden_rows: Sequence[int] = (),
    hidden_columns: Sequence[str] = (),
) -> bytes:
    """A spreadsheet with the rows of each sheet. Rows have numbers from 1, columns letters."""
    book = openpyxl.Workbook()
    book.remove(book.active)
    for name, rows in sheets.items():
        sheet = book.create_sheet(name)
        for row in rows:
            sheet.append(list(row))
        if name in hidden:
            sheet.sheet_state = "hidden"
        for number in hidden_rows:
            sheet.row_dimensions[number].hidden = True
        for letter in hidden_columns:
            sheet.column_dimensions[letter].hidden = True
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def open_document(body: str, styles: str = "", **parts: str) -> bytes:
    """An OpenDocument text with this XML in its body."""
    names = ("office", "text", "table", "style")
    spaces = " ".join(
        f'xmlns:{name}="urn:oasis:names:tc:opendocument:xmlns:{name}:1.0"' for name in names
    )
    spaces += (
        ' xmlns:draw="urn:oasis:names:tc:opendocument:xmlns:drawing:1.0"'
        ' xmlns:fo="urn:oasis:names:tc:opendocument:xmlns:xsl-fo-compatible:1.0"'
        ' xmlns:xlink="http://www.w3.org/1999/xlink"'
    )
    content = (
        f"<office:document-content {spaces}><office:automatic-styles>{styles}"
        f"</office:automatic-styles><office:body><office:text>{body}</office:text></office:body>"
        "</office:document-content>"
    )
    return zipped(
        {"mimetype": "application/vnd.oasis.opendocument.text", "content.xml": content, **parts}
    )


def epub(chapters: Mapping[str, str], title: str = "", **parts: str) -> bytes:
    """A book with the body of each chapter by its file's name, in this order."""
    items = "".join(f'<item id="{name}" href="{name}" media-type="x"/>' for name in chapters)
    refs = "".join(f'<itemref idref="{name}"/>' for name in chapters)
    return zipped(
        {
            "mimetype": "application/epub+zip",
            "META-INF/container.xml": '<container><rootfiles><rootfile full-path="OEBPS/book.opf"/>'
            "</rootfiles></container>",
            "OEBPS/book.opf": f'<package><metadata xmlns:dc="{DC}"><dc:title>{title}</dc:title>'
            f"</metadata><manifest>{items}</manifest><spine>{refs}</spine></package>",
            **{
                f"OEBPS/{name}": f"<html><body>{body}</body></html>"
                for name, body in chapters.items()
            },
            **parts,
        }
    )
