"""Office files: text by headings as a reader sees it; what is hidden or deleted is reported."""

from __future__ import annotations

import pytest

from support.office_files import (
    epub,
    open_document,
    paragraph,
    run,
    shape,
    slide,
    slides_file,
    table,
    word_file,
    workbook,
    zipped,
)
from support.readings import COATING, YIELD, left_out, read, refusal, texts, words

HIDDEN = "A hidden sentence that its author marked as hidden text."
DELETED = '<w:del w:id="1"><w:r><w:delText xml:space="preserve">third </w:delText></w:r></w:del>'
INSERTED = f'<w:ins w:id="2">{run("tenth ")}</w:ins>'


def equation(content: str) -> str:
    return f"<m:oMath>{content}</m:oMath>"


def letters(text: str) -> str:
    return f"<m:r><m:t>{text}</m:t></m:r>"


def test_a_word_document_is_read_by_its_headings() -> None:
    data = word_file(
        paragraph(YIELD)
        + paragraph("Valleys", style="Heading1")
        + paragraph(YIELD)
        + paragraph("Rivers", style="Heading2")
        + paragraph(COATING)
    )
    assert texts(data, "a.docx") == [
        ("a", YIELD),
        ("Valleys", YIELD),
        ("Valleys / Rivers", COATING),
    ]


def test_headings_are_found_by_style_outline_and_inheritance() -> None:
    styles = (
        '<w:style w:styleId="berschrift1"><w:name w:val="Überschrift 1"/></w:style>'
        '<w:style w:styleId="own"><w:name w:val="Own"/><w:basedOn w:val="berschrift1"/></w:style>'
        '<w:style w:styleId="lined"><w:name w:val="L"/><w:pPr><w:outlineLvl w:val="1"/></w:pPr>'
        "</w:style>"
    )
    body = "".join(
        paragraph(name, style=name) + paragraph(COATING) for name in ("berschrift1", "own", "lined")
    )
    assert [title for title, _ in texts(word_file(body, styles), "a.docx")] == [
        "berschrift1",
        "own",
        "own / lined",
    ]


def test_tracked_changes_are_read_as_accepted() -> None:
    moved = f"<w:moveFrom>{run('gone ')}</w:moveFrom><w:moveTo>{run('moved ')}</w:moveTo>"
    data = word_file(paragraph("They lose a ", DELETED, INSERTED, moved, "of it."))
    assert texts(data, "a.docx") == [("a", "They lose a tenth moved of it.")]
    assert left_out(data, "a.docx") == {"deleted-text": 2}


def test_a_deleted_paragraph_is_left_out() -> None:
    mark = '<w:pPr><w:rPr><w:del w:id="9"/></w:rPr></w:pPr>'
    gone = f"<w:p>{mark}<w:del><w:r><w:delText>Gone.</w:delText></w:r></w:del></w:p>"
    assert texts(word_file(gone + paragraph(YIELD)), "a.docx") == [("a", YIELD)]


@pytest.mark.parametrize(
    "properties",
    [
        "<w:vanish/>",
        '<w:vanish w:val="1"/>',
        '<w:rStyle w:val="secret"/>',
        '<w:color w:val="FFFFFF"/>',
        '<w:sz w:val="2"/>',
    ],
)
def test_hidden_runs_are_left_out_and_reported(properties: str) -> None:
    styles = '<w:style w:styleId="secret"><w:name w:val="s"/><w:rPr><w:vanish/></w:rPr></w:style>'
    data = word_file(paragraph(YIELD, run(f" {HIDDEN}", properties)), styles)
    assert texts(data, "a.docx") == [("a", YIELD)]
    assert left_out(data, "a.docx") == {"hidden-text": 1}


@pytest.mark.parametrize(
    "properties",
    [
        '<w:vanish w:val="0"/>',
        '<w:color w:val="FFFFFF"/><w:shd w:val="clear" w:fill="000080"/>',
        '<w:sz w:val="16"/>',
        "<w:webHidden/>",
    ],
)
def test_runs_that_can_be_seen_are_read(properties: str) -> None:
    assert HIDDEN in words(word_file(paragraph(YIELD, run(f" {HIDDEN}", properties))), "a.docx")


@pytest.mark.parametrize(
    ("content", "latex"),
    [
        (letters("η=k t^2"), "η=k t^2"),
        (
            f"<m:f><m:fPr/><m:num>{letters('a')}</m:num><m:den>{letters('b+c')}</m:den></m:f>",
            r"\frac{a}{b+c}",
        ),
        (f"<m:sSup><m:e>{letters('t')}</m:e><m:sup>{letters('2')}</m:sup></m:sSup>", "t^2"),
        (f"<m:sSub><m:e>{letters('t')}</m:e><m:sub>{letters('max')}</m:sub></m:sSub>", "t_{max}"),
        (f"<m:rad><m:deg/><m:e>{letters('x')}</m:e></m:rad>", r"\sqrt{x}"),
        (
            f'<m:nary><m:naryPr><m:chr m:val="∑"/></m:naryPr><m:sub>{letters("i")}</m:sub>'
            f"<m:sup>{letters('n')}</m:sup><m:e>{letters('x')}</m:e></m:nary>",
            "∑_i^n x",
        ),
        (f"<m:d><m:e>{letters('x+y')}</m:e></m:d>", "(x+y)"),
    ],
)
def test_an_equation_becomes_latex(content: str, latex: str) -> None:
    data = word_file(paragraph("It follows ", equation(content), " from that."))
    assert texts(data, "a.docx") == [("a", f"It follows ${latex}$ from that.")]
    (entry,) = read(data, "a.docx").left_out
    assert (entry.kind, entry.text) == ("equations", "1 equation was kept as LaTeX")


def test_text_boxes_content_controls_and_notes_are_read_once() -> None:
    box = f"<w:txbxContent>{paragraph('A text box says this.')}</w:txbxContent>"
    both = (
        f'<w:p><w:r><mc:AlternateContent><mc:Choice Requires="wps">{box}</mc:Choice><mc:Fallback>'
        f"<w:pict><v:shape><v:textbox>{box}</v:textbox></v:shape></w:pict></mc:Fallback>"
        "</mc:AlternateContent></w:r></w:p>"
    )
    control = (
        f"<w:sdt><w:sdtPr/><w:sdtContent>{paragraph('A control says that.')}</w:sdtContent></w:sdt>"
    )
    notes = (
        '<w:footnotes xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main">'
        f"<w:footnote>{paragraph('A note says more.')}</w:footnote></w:footnotes>"
    )
    data = word_file(paragraph(YIELD) + both + control, footnotes=notes, header1="<x/>")
    (passage,) = read(data, "a.docx").passages
    assert passage.text.split("\n\n") == [
        YIELD,
        "A text box says this.",
        "A control says that.",
        "A note says more.",
    ]
    assert left_out(data, "a.docx") == {"page-headers": 1}


def test_a_raised_digit_of_word_stays_raised() -> None:
    two = run("2", '<w:vertAlign w:val="superscript"/>')
    assert texts(word_file(paragraph("10 m", two, " each")), "a.docx") == [("a", "10 m² each")]


def test_short_lines_in_bold_are_headings() -> None:
    bold = "<w:b/>"
    data = word_file(
        paragraph(run("Ertrag", bold))
        + paragraph(YIELD)
        + paragraph(run("Beschich", bold), run("tung:", bold))
        + paragraph(COATING)
        + paragraph(run("A whole sentence in bold is no heading.", bold))
        + paragraph(run("Not", bold), " all of it is bold")
        + paragraph(YIELD)
    )
    got = texts(data, "a.docx")
    assert got[0] == ("Ertrag", YIELD)
    assert got[1][0] == "Beschichtung"
    assert "A whole sentence in bold" in got[1][1]
    assert "Not all of it is bold" in got[1][1]


def test_rows_of_a_word_table_are_words() -> None:
    data = word_file(
        paragraph("Costs", style="Heading1") + table(("Method", "Cost"), ("Divers", "1200"))
    )
    assert texts(data, "a.docx", "table") == [("Costs", "Method; Cost Divers; 1200")]


@pytest.mark.parametrize("name", ["macro.docm", "template.dotx", "report", "report.md"])
def test_a_word_document_is_told_by_its_content(name: str) -> None:
    assert read(word_file(paragraph(YIELD)), name).kind == "word"


@pytest.mark.parametrize(
    ("data", "name", "why"),
    [
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(3000), "locked.docx", "password"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(2000), "old.doc", "save it as .docx"),
        (
            b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + "PowerPoint Document".encode("utf-16-le"),
            "x",
            ".pptx",
        ),
        (
            b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + "EncryptedPackage".encode("utf-16-le"),
            "x",
            "password",
        ),
        (b"\x05owner" + bytes(150), "~$report.docx", "lock file"),
        (zipped({"word/other.xml": "<a/>"}), "nodoc.docx", "Word document"),
        (b"PK\x03\x04 not really", "a.docx", "Word document"),
        (
            zipped({"Index/Document.iwa": b"x", "preview.jpg": b"x"}),
            "talk.key",
            "Keynote file: open it and export it as PDF",
        ),
        (
            zipped({"Index/Document.iwa": b"x"}),
            "a.pages",
            "Pages file: open it and export it as PDF",
        ),
        (
            zipped({"Index/Tables/DataList.iwa": b"x", "Index/Document.iwa": b"y"}),
            "a.numbers",
            "Numbers",
        ),
    ],
)
def test_an_office_file_that_is_not_read_is_refused_with_the_fix(
    data: bytes, name: str, why: str
) -> None:
    assert why in refusal(data, name)


def test_a_broken_word_document_is_refused_with_the_reason() -> None:
    assert "Word document" in refusal(zipped({"word/document.xml": "no XML"}), "a.docx")


# --- slides ---


def test_slides_are_read_with_their_titles_and_hidden_ones_are_reported() -> None:
    data = slides_file(
        slide(shape("Blades", kind="title"), shape(YIELD, COATING), shape("3", kind="sldNum")),
        slide(shape("Secret", kind="title"), shape(HIDDEN), hidden=True),
        slide(shape("End", kind="ctrTitle"), shape("Thanks to all who helped.")),
        title="Mussels",
    )
    assert texts(data, "talk.pptx") == [
        ("Mussels / Blades", f"{YIELD} {COATING}"),
        ("Mussels / End", "Thanks to all who helped."),
    ]
    assert left_out(data, "talk.pptx") == {"hidden-text": 1}


def test_a_table_and_an_equation_on_a_slide_are_read() -> None:
    cells = "".join(
        f"<a:tc><a:txBody><a:p><a:r><a:t>{text}</a:t></a:r></a:p></a:txBody></a:tc>"
        for text in ("Divers", "1200")
    )
    rows = f"<a:tbl><a:tr>{cells}</a:tr></a:tbl>"
    frame = f"<p:graphicFrame><a:graphic>{rows}</a:graphic></p:graphicFrame>"
    formula = (
        "<p:sp><p:txBody><a:p><a:r><a:t>So </a:t></a:r><m:oMath><m:r><m:t>x</m:t></m:r></m:oMath>"
        "</a:p></p:txBody></p:sp>"
    )
    data = slides_file(slide(frame, formula))
    assert texts(data, "a.pptx", "table") == [("a", "Divers; 1200")]
    assert texts(data, "a.pptx") == [("a", "So $x$")]


# --- spreadsheets ---


def test_the_rows_with_texts_of_each_visible_sheet_are_read() -> None:
    data = workbook(
        {
            "Papers": [
                ["title", "abstract", "year"],
                ["Blades", YIELD, 2019],
                ["None", None, 2020],
            ],
            "Numbers": [["a", "b"], [1, 2], [3, 4]],
            "Drafts": [["title", "abstract"], ["Secret", HIDDEN]],
        },
        hidden=["Drafts"],
    )
    assert texts(data, "table.xlsx") == [("Blades", YIELD)]
    assert read(data, "table.xlsx").passages[0].metadata.date == "2019"
    assert left_out(data, "table.xlsx") == {"rows": 1, "hidden-text": 1, "tables": 1}
    assert "no column" in refusal(workbook({"Numbers": [[1, 2], [3, 4]]}), "a.xlsx")


# --- OpenDocument, RTF, EPUB ---


def test_an_open_document_is_read_without_hidden_and_deleted_text() -> None:
    data = open_document(
        "<text:tracked-changes><text:p>Deleted text</text:p></text:tracked-changes>"
        '<text:h text:outline-level="1">Yield</text:h>'
        f"<text:p>{YIELD}<office:annotation><text:p>A remark</text:p></office:annotation></text:p>"
        f'<text:p>{COATING} <text:span text:style-name="T1">{HIDDEN}</text:span>'
        f'<text:hidden-text text:string-value="x">{HIDDEN}</text:hidden-text></text:p>'
        "<text:list><text:list-item><text:p>One<text:s/>item</text:p></text:list-item></text:list>"
        "<table:table><table:table-row><table:table-cell><text:p>Divers</text:p></table:table-cell>"
        "<table:table-cell><text:p>1200</text:p></table:table-cell>"
        "</table:table-row></table:table>",
        '<style:style style:name="T1"><style:text-properties text:display="none"/></style:style>',
    )
    assert texts(data, "a.odt") == [("Yield", f"{YIELD} {COATING} One item")]
    assert texts(data, "a.odt", "table") == [("Yield", "Divers; 1200")]
    assert left_out(data, "a.odt") == {"hidden-text": 2, "comments": 1}


def test_a_formula_of_an_open_document_becomes_latex() -> None:
    fraction = "<mfrac><mi>a</mi><mi>b</mi></mfrac>"
    math = f'<math xmlns="http://www.w3.org/1998/Math/MathML">{fraction}</math>'
    frame = '<draw:frame><draw:object xlink:href="./Object 1"/></draw:frame>'
    data = open_document(f"<text:p>So {frame} holds.</text:p>", **{"Object 1/content.xml": math})
    assert texts(data, "a.odt") == [("a", r"So $\frac{a}{b}$ holds.")]
    assert left_out(data, "a.odt") == {"equations": 1}


RTF = (
    r"{\rtf1\ansi\ansicpg1252\deff0{\fonttbl{\f0\fswiss Helvetica;}}"
    r"{\colortbl;\red255\green0\blue0;}{\info{\title Blades}}\f0\fs24 The bl\'e4des lose\u8212? "
    r"a tenth.\par %s The coating helps.\par}"
)


@pytest.mark.parametrize(
    "hidden",
    [
        r"{\v Hidden words.}",
        r"\v Hidden words.\v0 ",
        r"{\f0\fs20\v Hidden words.}",
        r"\v1 Hidden words.\v0 ",
    ],
)
def test_rich_text_is_read_without_its_codes_and_hidden_words(hidden: str) -> None:
    data = RTF % hidden
    assert texts(data, "old.rtf") == [("Blades", "The blädes lose— a tenth. The coating helps.")]
    assert left_out(data, "old.rtf") == {"hidden-text": 1}
    assert read(data, "old.doc").kind == "rtf"


def test_a_book_is_read_chapter_by_chapter() -> None:
    data = epub(
        {"two.xhtml": f"<h1>Yield</h1><p>{YIELD}</p>", "one.xhtml": f"<p>{COATING}</p>"}, "Sea"
    )
    assert texts(data, "book.epub") == [("Yield", YIELD), ("Sea", COATING)]


def test_a_book_without_a_table_of_its_parts_is_read() -> None:
    data = zipped(
        {
            "mimetype": "application/epub+zip",
            "OEBPS/c1.xhtml": f"<html><body><p>{YIELD}</p></body></html>",
        }
    )
    assert texts(data, "book.epub") == [("book", YIELD)]


def test_a_protected_book_is_refused() -> None:
    data = epub({"one.xhtml": YIELD}, **{"META-INF/encryption.xml": "<e Algorithm='aes256'/>"})
    assert "copy protection" in refusal(data, "book.epub")


def test_a_part_that_unpacks_without_end_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    # the real limit would take a second
    monkeypatch.setattr("daydream_memory.reading.zip_parts.PART_BYTES_MAX", 1 << 20)
    data = zipped({"word/document.xml": b" " * (2 << 20)})
    assert "more than 1 MB; split the document" in refusal(data, "bomb.docx")


@pytest.mark.parametrize("colours", [r"\red255\green255\blue255;", r"\red254\green255\blue254;"])
def test_white_words_of_rich_text_are_left_out_and_reported(colours: str) -> None:
    data = RTF.replace(r"\red255\green0\blue0;", colours) % r"\cf1 Hidden words.\cf0 "
    assert texts(data, "old.rtf") == [("Blades", "The blädes lose— a tenth. The coating helps.")]
    assert left_out(data, "old.rtf") == {"hidden-text": 1}


def test_white_words_of_rich_text_on_a_coloured_ground_are_read() -> None:
    data = RTF.replace(r"\red255\green0\blue0;", r"\red255\green255\blue255;\red0\green0\blue0;")
    ((_, text),) = texts(data % r"{\cf1\highlight2 Seen words.}", "old.rtf")
    assert "Seen words." in text


WHITE = '<a:rPr><a:solidFill><a:srgbClr val="FFFFFF"/></a:solidFill></a:rPr>'
BLACK_GROUND = '<p:bg><p:bgPr><a:solidFill><a:srgbClr val="000000"/></a:solidFill></p:bgPr></p:bg>'


def test_white_text_on_a_white_slide_is_left_out_and_on_a_dark_one_read() -> None:
    page = slide(shape(YIELD, HIDDEN)).replace(f"<a:t>{HIDDEN}", f"{WHITE}<a:t>{HIDDEN}")
    assert texts(slides_file(page), "a.pptx") == [("a", YIELD)]
    assert left_out(slides_file(page), "a.pptx") == {"hidden-text": 1}
    dark = slides_file(page.replace("<p:spTree>", f"{BLACK_GROUND}<p:spTree>"))
    assert texts(dark, "a.pptx") == [("a", f"{YIELD} {HIDDEN}")]
