"""Documents as other programs write them: other encodings, mails, chats, subtitles and markup."""

from __future__ import annotations

import json

import pytest

from support.readings import facts

YIELD = "Mussels on the blades of tidal turbines cut the yield by a tenth within one year."
COATING = "Copper coating keeps the shells off the blades but harms the oyster larvae nearby."
GAUGE = "The tide gauge at the old harbour was read twice a day by three families."
QUOTED = "The blades should be cleaned by divers each month, in my opinion at least."
MAIL = (
    "From: Ada <ada@example.org>\nTo: Bo <bo@example.org>\nSubject: Fwd: Turbines\n"
    "Date: Tue, 3 Mar 2026 10:00:00 +0000\nMessage-ID: <1@x>\nMIME-Version: 1.0\n"
    "Content-Type: text/plain; charset=utf-8\n\n"
)
SENTENCES = {
    "ru": "Мидии на лопастях приливных турбин за один год снижают выработку на десятую часть.",
    "uk": "Мідії на лопатях припливних турбін за один рік знижують виробіток на десяту частину.",
    "pl": "Małże na łopatkach turbin pływowych zmniejszają uzysk o jedną dziesiątą w ciągu roku.",
    "cs": "Slávky na lopatkách přílivových turbín snižují výnos během jednoho roku o desetinu.",
    "hu": "A kagylók az árapály-turbinák lapátjain egy éven belül tizedével csökkentik a hozamot.",
    "el": "Τα μύδια στα πτερύγια των παλιρροϊκών στροβίλων μειώνουν την απόδοση κατά ένα δέκατο.",
    "tr": "Gelgit türbinlerinin kanatlarındaki midyeler bir yıl içinde verimi onda bir düşürüyor.",
    "fr": "Les moules fixées sur les pales des hydroliennes réduisent le rendement d'un dixième.",
    "ja": "潮力発電機の羽根に付いたムール貝は、一年で発電量を一割減らす。銅の塗装は貝を防ぐ。",
    "zh": "潮汐涡轮机叶片上的贻贝在一年之内使发电量减少了十分之一。铜涂层可以防止贝类附着。",
    "ko": "조력 터빈 날개에 붙은 홍합은 일 년 안에 발전량을 십분의 일 줄인다. 구리 도장은 막는다.",
    "he": "הצדפות על להבי טורבינות הגאות מפחיתות את התפוקה בעשירית בתוך שנה אחת בלבד.",
}


def text_of(data: str | bytes, name: str) -> str:
    return " ".join(text for _, text in facts(data, name))


@pytest.mark.parametrize(
    ("language", "encoding"),
    [
        ("ru", "koi8-r"),
        ("ru", "cp1251"),
        ("ru", "cp866"),
        ("uk", "cp1251"),
        ("pl", "cp1250"),
        ("pl", "iso8859-2"),
        ("cs", "cp1250"),
        ("hu", "iso8859-2"),
        ("el", "cp1253"),
        ("tr", "cp1254"),
        ("fr", "cp1252"),
        ("fr", "mac_roman"),
        ("ja", "shift_jis"),
        ("ja", "euc-jp"),
        ("ja", "iso-2022-jp"),
        ("zh", "gb18030"),
        ("ko", "euc-kr"),
        ("he", "cp1255"),
    ],
)
def test_a_sentence_is_read_in_the_encoding_that_it_is_in(language: str, encoding: str) -> None:
    sentence = SENTENCES[language]
    assert text_of(sentence.encode(encoding), "a.txt") == sentence


def test_a_page_in_an_encoding_of_seven_bits_is_read_as_it_says() -> None:
    page = f'<html><head><meta charset="iso-2022-jp"></head><body><p>{SENTENCES["ja"]}</p></body>'
    assert text_of(page.encode("iso-2022-jp"), "a.html") == SENTENCES["ja"]


@pytest.mark.parametrize(
    "answered",
    [
        f"-----Original Message-----\nFrom: Bo Ito\nSent: Monday, 2 March\nTo: Ada\n\n{QUOTED}",
        f"________________________________\nVon: Bo Ito\nGesendet: Montag\nAn: Ada\n\n{QUOTED}",
        f"De : Bo Ito <bo@example.org>\nEnvoyé : lundi 2 mars\nÀ : Ada\n\n{QUOTED}",
        f"Bo Ito schrieb am 02.03.26 um 09:12:\n> {QUOTED}",
        f"On Mon, 2 Mar 2026 at 09:12, Bo <bo@example.org> wrote:\n> {QUOTED}\n>> {GAUGE}",
    ],
)
def test_the_mail_that_is_answered_is_no_part_of_the_answer(answered: str) -> None:
    wrapped = YIELD.replace("tidal turbines", "tidal \nturbines")
    assert facts(f"{MAIL}{wrapped}\n\n{answered}\n", "a.eml") == [("Turbines", YIELD)]


@pytest.mark.parametrize(
    "mark", ["---------- Forwarded message ---------", "Begin forwarded message:"]
)
def test_a_mail_that_is_passed_on_is_read_without_its_fields(mark: str) -> None:
    fields = "From: Bo <bo@example.org>\nDate: Mon, 2 Mar 2026\nSubject: Turbines\nTo: Ada"
    assert facts(f"{MAIL}\n{mark}\n{fields}\n\n{YIELD}\n", "a.eml") == [("Turbines", YIELD)]


def test_what_a_page_in_a_mail_quotes_is_no_part_of_it() -> None:
    body = f'<p>{YIELD}</p><blockquote type="cite"><p>{QUOTED}</p></blockquote>'
    mail = MAIL.replace("text/plain", "text/html") + f"<html><body>{body}</body></html>"
    assert text_of(mail, "a.eml") == YIELD


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("12/03/2026, 10:15 - ", "12/03/2026, 10:17 - "),
        ("[12.03.26, 10:15:33] ", "[12.03.26, 10:17:01] "),
        ("[3/12/26, 10:15:33\u202fAM] ", "[3/12/26, 10:17:01\u202fAM] "),
    ],
)
def test_a_chat_of_a_phone_gives_its_messages(first: str, second: str) -> None:
    chat = (
        f"{first}Messages and calls are end-to-end encrypted.\n{first}Ana: {YIELD}\n"
        f"{second}Bo: <Media omitted>\n{second}Bo: \u200eimage omitted\n{second}Bo: {COATING}\n"
        "and this line goes on.\n"
    )
    assert text_of(chat, "chat.txt") == f"{YIELD} {COATING} and this line goes on."


def test_messages_of_a_team_have_the_words_of_their_links() -> None:
    messages = [
        {"type": "message", "subtype": "channel_join", "user": "U2", "text": "<@U2> has joined"},
        {"type": "message", "user": "U1", "text": f"{YIELD} <https://example.org|See the report>."},
    ]
    assert text_of(json.dumps(messages), "slack.json") == f"{YIELD} See the report."


@pytest.mark.parametrize(
    ("name", "subtitles"),
    [
        ("a.sbv", "0:00:01.000,0:00:04.000\n{}\n\n0:00:04.000,0:00:06.000\n{}\n"),
        ("a.srt", "1\n00:00:01,000 --> 00:00:04,000\n{}\n2\n00:00:04,000 --> 00:00:06,000\n{}\n"),
        (
            "a.ass",
            "[Script Info]\nTitle: T\n\n[Events]\n"
            "Dialogue: 0,0:00:01.00,0:00:04.00,Default,Ana,0,0,0,,{{\\i1}}{}\n"
            "Comment: 0,0:00:04.00,0:00:05.00,Default,,0,0,0,,a remark of the translator\n"
            "Dialogue: 0,0:00:05.00,0:00:08.00,Default,,0,0,0,,{}\n",
        ),
        (
            "a.ttml",
            '<?xml version="1.0"?><tt xmlns="http://www.w3.org/ns/ttml"><body><div>'
            '<p begin="00:00:01.000" end="00:00:04.000">{}</p>'
            '<p begin="00:00:04.000" end="00:00:06.000">{}</p></div></body></tt>',
        ),
    ],
)
def test_subtitles_of_all_styles_become_running_text(name: str, subtitles: str) -> None:
    first, second = YIELD[:40].rstrip(), YIELD[40:].lstrip()
    assert (
        text_of(
            subtitles.replace("{{", "{")
            .replace("}}", "}")
            .replace("{}", first, 1)
            .replace("{}", second),
            name,
        )
        == YIELD
    )


def test_a_notebook_of_version_3_has_headings_and_input() -> None:
    cells = [
        {"cell_type": "heading", "level": 1, "source": "Yield"},
        {"cell_type": "markdown", "source": [YIELD]},
        {"cell_type": "code", "input": ["x = 1"], "outputs": [{"text": ["1"]}]},
    ]
    notebook = {"nbformat": 3, "metadata": {}, "worksheets": [{"cells": cells}]}
    assert facts(json.dumps(notebook), "a.ipynb") == [("Yield", YIELD)]


def test_slides_in_latex_are_read_by_their_titles() -> None:
    slides = (
        "\\documentclass{beamer}\\begin{document}\\begin{frame}{Fouling}\n\\begin{itemize}\n"
        f"\\item<1-> {YIELD}\n\\item<2-> \\alert<2>{{{COATING}}}\n\\end{{itemize}}\\pause\n"
        "\\note{Say hello to the audience.}\\end{frame}\\end{document}"
    )
    assert facts(slides, "a.tex") == [("Fouling", f"{YIELD} {COATING}")]


def test_entries_of_endnote_have_title_and_abstract() -> None:
    entries = f"%0 Journal Article\n%T Mussels\n%X {YIELD}\n\n%0 Book\n%T Copper\n%X {COATING}\n"
    assert facts(entries, "a.enw") == [("Mussels", YIELD), ("Copper", COATING)]


def test_a_record_inside_attributes_is_read() -> None:
    items = [{"id": 1, "attributes": {"title": "Mussels", "body": f"<p>{YIELD}</p>"}}]
    value = {"data": {"items": items}, "meta": {"total": 1}}
    assert facts(json.dumps(value), "a.json") == [("Mussels", YIELD)]


def test_an_outline_is_read_by_its_headings() -> None:
    outline = f'<outline text="Fouling"><outline text="{YIELD}" _note="{COATING}"/></outline>'
    opml = f'<?xml version="1.0"?><opml version="2.0"><body>{outline}</body></opml>'
    assert facts(opml, "a.opml") == [("Fouling", f"{YIELD} {COATING}")]


def test_markup_of_wikis_is_read_without_templates_and_files() -> None:
    page = (
        "{{Infobox turbine|name={{X}}}}\n'''Tidal turbines''' are machines in the [[sea|open sea]] "
        "that turn currents into power.<ref>{{cite web|url=https://x}}</ref>\n\n== Fouling ==\n"
        f"{YIELD}\n\n[[File:a.png|thumb|A turbine]]\n[[Category:Energy]]\n"
    )
    sentence = "Tidal turbines are machines in the open sea that turn currents into power."
    assert facts(page, "page.txt") == [("page", sentence), ("Fouling", YIELD)]


def test_asciidoc_is_read_by_headings_without_comments_and_code() -> None:
    document = (
        "= Tides\nAda Berg <ada@example.org>\n:toc:\n\n== Fouling\n\n"
        f"{YIELD} See link:https://example.org[the report].\n\n// a comment of the author\n"
        f"[source,python]\n----\nx = 1\n----\n\nNOTE: {COATING}\n\n|===\n|a |b\n|===\n"
    )
    assert facts(document, "a.adoc") == [
        ("Tides / Fouling", f"{YIELD} See the report."),
        ("Tides / Fouling", COATING),
    ]


def test_words_that_a_line_end_broke_are_whole_in_plain_text() -> None:
    letter = "Bo,\n\nmussels on tidal tur-\nbines cut the yield by a well-\nknown tenth a year.\n"
    assert "mussels on tidal turbines cut the yield by a well-known tenth a year." in text_of(
        letter, "a.txt"
    )
