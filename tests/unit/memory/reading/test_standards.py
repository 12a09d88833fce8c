"""What the standards of formats allow is read, though most programs write something simpler."""

from __future__ import annotations

import io
import json
import zipfile

import pytest

from support.office_files import paragraph, word_file, zipped
from support.readings import COATING, YIELD, facts, left_out

MAIL = "From: a@example.org\nTo: b@example.org\nSubject: Tides\nMIME-Version: 1.0\n"


def test_a_word_document_of_the_strict_form_is_read() -> None:
    out = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(word_file(paragraph(YIELD)))) as usual,
        zipfile.ZipFile(out, "w") as strict,
    ):
        for name in usual.namelist():
            part = usual.read(name).replace(
                b"http://schemas.openxmlformats.org/wordprocessingml/2006/main",
                b"http://purl.oclc.org/ooxml/wordprocessingml/main",
            )
            strict.writestr(name, part)
    assert facts(out.getvalue(), "a.docx") == [("a", YIELD)]


def test_how_letters_are_spoken_and_what_was_deleted_are_no_text_of_a_page() -> None:
    page = "<html><body><p>{}</p></body></html>"
    spoken = "<ruby>潮汐<rp>(</rp><rt>ちょうせき</rt><rp>)</rp></ruby>"
    ruby = f"{spoken}発電の費用は保守で決まり、貝が効率を下げる。"
    assert facts(page.format(ruby), "a.html") == [
        ("a", "潮汐発電の費用は保守で決まり、貝が効率を下げる。")
    ]
    changed = page.format(f"<del>Old words. </del><ins>{YIELD}</ins>")
    assert facts(changed, "a.html") == [("a", YIELD)]
    assert left_out(changed, "a.html") == {"deleted-text": 1}


def test_a_table_that_places_a_menu_beside_the_text_is_no_table() -> None:
    menu = "<td><a href=a>Home</a><br><a href=b>Links</a><br><a href=c>Guests</a></td>"
    row = f"<tr>{menu}<td>{YIELD}<br><br>{COATING}</td></tr>"
    page = f"<html><body><table>{row}</table></body></html>"
    assert " ".join(text for _, text in facts(page, "a.html")) == f"{YIELD} {COATING}"


def test_lines_of_set_text_in_a_page_are_joined() -> None:
    lines = YIELD.replace(" their ", "\n their ").replace(" on ", "\n on ")
    page = f"<html><body><pre>{lines}\n\n- {COATING}</pre></body></html>"
    assert " ".join(text for _, text in facts(page, "a.html")) == f"{YIELD} - {COATING}"


def test_an_editors_link_is_no_part_of_a_heading() -> None:
    heading = "<h2>Threads<span class=mw-editsection>[<a href=e>edit</a>]</span></h2>"
    page = f"<html><body>{heading}<p>{YIELD}</p></body></html>"
    assert facts(page, "a.html") == [("Threads", YIELD)]


@pytest.mark.parametrize("between", ["\n\n", "\n\f\n"])
def test_heads_and_feet_of_printed_pages_are_left_out_and_sentences_go_on(between: str) -> None:
    first, rest = YIELD.split(" of their ")
    foot = "Doe                          Informational                      [Page {}]"
    head = "Memo 9999                     Slow senders                      May 1999"
    text = (
        f"   {first}\n\n{foot.format(1)}{between}{head}\n\n   of their {rest}\n\n   {COATING}\n\n"
        f"{foot.format(2)}\n"
    )
    assert [fact for _, fact in facts(text, "rfc.txt")] == [f"{YIELD} {COATING}"]
    assert left_out(text, "rfc.txt") == {"running-heads": 3}


def test_values_that_follow_one_another_over_several_lines_are_records() -> None:
    records = [{"title": "Tides", "text": YIELD}, {"text": COATING}]
    text = "\n".join(json.dumps(record, indent=2) for record in records)
    assert facts(text, "a.jsonl") == [("Tides", YIELD), ("a", COATING)]
    assert facts(text, "a.json") == facts(text, "a.jsonl")
    broken = text.replace("{", '{"x": \n{', 1)
    assert ("a", COATING) in facts(broken, "a.jsonl")


def test_the_signs_that_team_chats_escape_are_read() -> None:
    message = {"type": "message", "user": "U1", "text": f"A &amp; B &lt;C&gt;: {YIELD}"}
    assert facts(json.dumps([message]), "a.json") == [("a", f"A & B <C>: {YIELD}")]


@pytest.mark.parametrize(("space", "parameter"), [(" ", ""), ("", "; delsp=yes")])
def test_paragraphs_of_a_mail_flow_over_its_lines(space: str, parameter: str) -> None:
    first, rest = YIELD[:40], YIELD[40:]
    cut = first.rstrip() if space else first
    text = (
        f"{MAIL}Content-Type: text/plain; format=flowed{parameter}\n\n"
        f"{cut} \n{rest.lstrip() if space else rest}\n \n> And what about the coatings that \n"
        f"> were tried before?\n\n-- \nA. Author\n"
    )
    assert facts(text, "a.eml") == [("Tides", YIELD)]
    assert left_out(text, "a.eml") == {"quoted-text": 1, "signatures": 1}


def test_a_mail_that_a_page_answers_is_left_out() -> None:
    fields = "<b>From:</b> Bo<br><b>Sent:</b> Monday<br><b>To:</b> Ann<br><b>Subject:</b> Tides"
    page = f"<html><body><p>{YIELD}</p><div><p>{fields}</p></div><p>{COATING}</p></body></html>"
    text = f"{MAIL}Content-Type: text/html\n\n{page}\n"
    assert facts(text, "a.eml") == [("Tides", YIELD)]
    assert left_out(text, "a.eml") == {"quoted-text": 5}


def test_names_for_words_are_read_as_what_they_stand_for() -> None:
    restructured = f".. |ocean| replace:: Pacific ocean\n\nThe |ocean| is wide [Doe99]_. {YIELD}\n"
    assert facts(restructured, "a.rst") == [("a", f"The Pacific ocean is wide. {YIELD}")]
    asciidoc = f"= Tides\n:core: rubble core\n\n== Walls\n\nThe {{core}} settles. {YIELD}\n"
    assert facts(asciidoc, "a.adoc") == [("Tides / Walls", f"The rubble core settles. {YIELD}")]
    entry = f"@article(a, title = {{T}}, abstract = where # {{{YIELD}}})"
    bibtex = f'@string{{where = "In straits "}}\n{entry}\n'
    assert facts(bibtex, "a.bib") == [("T", f"In straits {YIELD}")]
    pep = f"See :pep:`8` and :rfc:`9000` on this. {YIELD}"
    assert facts(pep, "a.rst") == [("a", f"See PEP 8 and RFC 9000 on this. {YIELD}")]


def test_sections_of_notes_that_are_not_exported_are_left_out() -> None:
    notes = (
        f"#+TITLE: Sea\n* Tides\n{YIELD}\n* COMMENT Private\n{COATING}\n** Below\n{COATING}\n"
        f"* Old :noexport:\n{COATING}\n* Coatings\nAlso {COATING}\n"
    )
    assert facts(notes, "a.org") == [("Tides", YIELD), ("Coatings", f"Also {COATING}")]
    assert left_out(notes, "a.org") == {"hidden-text": 2}


def test_codes_of_fields_and_drawings_are_no_text() -> None:
    link = r'{\field{\*\fldinst{HYPERLINK "https://example.org/a"}}{\fldrslt{Tidal}}}'
    rich = r"{\rtf1\ansi " + YIELD.replace("Tidal", link, 1) + r"\par}"
    assert facts(rich, "a.rtf") == [("a", YIELD)]
    drawn = "{\\p1}m 0 0 l 100 0 100 100{\\p0}"
    line = "Dialogue: 0,0:00:01.00,0:00:02.00,Default,,0,0,0,,"
    captions = f"[Script Info]\n[Events]\n{line}{drawn}\n{line}{YIELD}\n"
    assert facts(captions, "a.ass") == [("a", YIELD)]


def test_a_manual_of_info_is_read_by_its_headings() -> None:
    licence = "The purpose of this License is to make a manual free in the sense of freedom."
    nodes = (
        "Top\n\nTides\n*****\n\n* Menu:\n\n* Yield::      What mussels cost.\n* Index::\n\n",
        f"Yield,  Up: Top\n\n1 Yield\n=======\n\n{YIELD} (*note Top::)\n\n",
        f"L\n\nGNU Free Documentation License\n{'*' * 30}\n\n{licence}\n\n",
        "Index\n\nIndex\n*****\n\n* blades: Yield. (line 3)\n",
    )
    made = "This is a.info, produced by makeinfo.\n\n"
    manual = made + "".join(f"\x1f\nFile: a.info,  Node: {node}" for node in nodes)
    assert facts(manual, "a.txt") == [("Tides / 1 Yield", f"{YIELD} (see Top)")]
    assert left_out(manual, "a.txt") == {"menus": 1, "indexes": 1}


def test_sentences_among_the_forms_of_a_command_are_read() -> None:
    forms = f".SH SYNOPSIS\n.B foul\n[\\-v] FILE...\n.PP\n{COATING}\n"
    page = f".TH foul 1\n{forms}.SH DESCRIPTION\n{YIELD}\n"
    assert [text for _, text in facts(page, "foul.1")] == [COATING, YIELD]


def test_a_drawn_table_has_whole_cells_with_the_names_of_their_columns() -> None:
    rule, names_rule = f"+{'-' * 9}+{'-' * 24}+\n", f"+{'=' * 9}+{'=' * 24}+\n"
    grid = (
        f"{rule}|{'':9}|{'Loss':24}|\n{names_rule}|{'Mussels':9}|{'a tenth of the yield':24}|\n"
        f"|{'':9}|{'within two summers':24}|\n{rule}"
    )
    line = f"{'=' * 9}  {'=' * 24}\n"
    simple = (
        f"{line}Species    Loss\n{line}Mussels    a tenth of the yield\n"
        f"           within two summers\n{line}"
    )
    row = "Mussels has Loss a tenth of the yield within two summers."
    for table in (grid, simple):
        text = f"Yield\n=====\n\n{table}\n{COATING}\n"
        assert [fact for _, fact in facts(text, "a.rst")] == [row, COATING]


def test_a_name_and_what_explains_it_are_one_fact() -> None:
    page = f"<html><body><dl><dt>Fouling</dt><dd>{YIELD}</dd></dl></body></html>"
    assert facts(page, "a.html") == [("a", f"Fouling: {YIELD}")]


def test_a_break_of_a_line_in_a_sentence_divides_nothing() -> None:
    first, rest = YIELD.split(" of their ")
    assert facts(f"# Tides\n\n{first}\\\nof their {rest}\n", "a.md") == [("Tides", YIELD)]


def test_a_page_of_frames_gives_what_it_says_without_them() -> None:
    frames = f"<frameset><frame src=a><noframes><body><p>{YIELD}</p></body></noframes></frameset>"
    assert facts(f"<html><head></head>{frames}</html>", "a.html") == [("a", YIELD)]


def test_records_of_feeds_and_outlines_have_their_text() -> None:
    feed = {"items": [{"title": "Tides", "content_html": f"<p>{YIELD}</p>"}]}
    assert facts(json.dumps(feed), "a.json") == [("Tides", YIELD)]
    outline = f"<outline text='Tides'><outline text='{YIELD}'/></outline>"
    opml = f"<?xml version='1.0'?><opml><body>{outline}</body></opml>"
    assert facts(opml, "a.opml") == [("Tides", YIELD)]


def test_items_of_all_depths_of_asciidoc_are_items() -> None:
    items = f"= Tides\n\n== Yield\n\n* {YIELD}\n** {COATING}\n. {COATING}\n"
    assert "*" not in " ".join(text for _, text in facts(items, "a.adoc"))


def test_a_section_of_a_text_document_that_is_not_shown_is_left_out() -> None:
    space = "urn:oasis:names:tc:opendocument:xmlns"
    hidden = f"<text:section text:display='none'><text:p>{COATING}</text:p></text:section>"
    content = (
        f"<office:document-content xmlns:office='{space}:office:1.0' xmlns:text='{space}:text:1.0'>"
        f"<office:body><office:text><text:p>{YIELD}</text:p>{hidden}</office:text></office:body>"
        "</office:document-content>"
    )
    data = zipped({"mimetype": "application/vnd.oasis.opendocument.text", "content.xml": content})
    assert facts(data, "a.odt") == [("a", YIELD)]
    assert left_out(data, "a.odt") == {"hidden-text": 1}
