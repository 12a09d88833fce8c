"""Tables, JSON and what programs export in them: a passage for each record with a text."""

from __future__ import annotations

import json

import pytest

from daydream_memory.chunking import texts_of
from support.readings import COATING, YIELD, left_out, read, refusal, texts

FELT = "Felt forms when wet wool is rubbed, since the scales of its fibres creep one way only."
QUESTION = "Why do mussels settle on turbine blades?"
READ = [("x", YIELD), ("x", COATING)]


def bodies(document: object, name: str = "x.json") -> list[str]:
    return [text for _, text in texts(json.dumps(document), name)]


def json_lines(*records: object) -> str:
    return "\n".join(map(json.dumps, records))


# --- chats ---


def node(role: str, text: str, parent: str | None = None) -> dict[str, object]:
    content = {"content_type": "text", "parts": [text]}
    return {"message": {"author": {"role": role}, "content": content}, "parent": parent}


@pytest.mark.parametrize(
    "export",
    [
        [
            {
                "title": "Mussels",
                "mapping": {
                    "a": {"message": None},
                    "b": node("user", QUESTION),
                    "c": node("assistant", YIELD),
                },
            }
        ],
        [
            {
                "name": "Mussels",
                "chat_messages": [
                    {"sender": "human", "text": QUESTION},
                    {"sender": "assistant", "content": [{"type": "text", "text": YIELD}]},
                ],
            }
        ],
        {
            "title": "Mussels",
            "messages": [
                {"role": "user", "content": QUESTION},
                {"role": "assistant", "content": YIELD},
            ],
        },
        {
            "chats": [
                {
                    "title": "Mussels",
                    "conversations": [
                        {"from": "human", "value": QUESTION},
                        {"from": "gpt", "value": YIELD},
                    ],
                }
            ]
        },
        {
            "name": "Mussels",
            "messages": [
                {"type": "message", "from": "A", "text": QUESTION},
                {
                    "type": "message",
                    "from": "B",
                    "text": [YIELD[:20], {"type": "bold", "text": YIELD[20:]}],
                },
            ],
        },
    ],
)
def test_an_exported_chat_gives_its_messages_under_its_title(export: object) -> None:
    assert texts(json.dumps(export), "conversations.json") == [
        ("Mussels", QUESTION),
        ("Mussels", YIELD),
    ]


def test_what_systems_and_tools_say_is_left_out() -> None:
    chat = {
        "messages": [
            {"role": "system", "content": "You are a helpful assistant who answers in one word."},
            {"role": "user", "content": QUESTION},
            {"role": "assistant", "content": None, "tool_calls": [{"x": 1}]},
            {"role": "tool", "content": "a long result of a tool that nobody wrote"},
            {
                "role": "assistant",
                "content": [
                    {"type": "thinking", "thinking": "hm"},
                    {"type": "text", "text": YIELD},
                ],
            },
        ]
    }
    assert bodies(chat) == [QUESTION, YIELD]
    assert left_out(json.dumps(chat), "x.json") == {"messages": 3}


def test_a_channel_of_a_team_chat_gives_its_messages() -> None:
    channel = [
        {"type": "message", "user": "U1", "text": YIELD, "ts": "1700000000.0"},
        {"type": "message", "user": "U2", "text": COATING, "ts": "1700000001.0"},
    ]
    assert bodies(channel) == [YIELD, COATING]


@pytest.mark.parametrize(
    "content",
    [
        [{"type": "text", "text": YIELD}, {"type": "image_url", "image_url": {"url": "data:x"}}],
        {"content_type": "text", "parts": [YIELD]},
        [{"type": "input_text", "text": YIELD}, {"type": "input_image", "source": "data:xxxx"}],
        {"parts": [YIELD, {"content_type": "image_asset_pointer", "asset_pointer": "file"}]},
        [YIELD],
        {"text": YIELD},
    ],
)
def test_content_in_blocks_gives_its_text(content: object) -> None:
    assert texts(json_lines({"title": "x", "content": content}), "chat.jsonl") == [("x", YIELD)]
    chat = {"role": "user", "content": content}
    assert [text for _, text in texts(json_lines(chat, chat), "chat.jsonl")] == [YIELD, YIELD]


def test_fine_tuning_records_give_their_messages() -> None:
    records = [
        {"messages": [{"role": "user", "content": "Why?"}, {"role": "assistant", "content": text}]}
        for text in (YIELD, COATING)
    ]
    assert [text for _, text in texts(json_lines(*records), "sft.jsonl")] == [
        "Why?",
        YIELD,
        "Why?",
        COATING,
    ]


# --- records ---


@pytest.mark.parametrize(
    "document",
    [
        [{"title": "x", "abstract": YIELD}, {"title": "x", "abstract": COATING}],
        [{"question": "x", "answer": YIELD}, {"question": "x", "answer": COATING}],
        {"data": [{"title": "x", "text": YIELD}, {"title": "x", "text": COATING}]},
        {
            "took": 3,
            "hits": {
                "hits": [
                    {"_source": {"title": "x", "body": YIELD}},
                    {"_source": {"title": "x", "body": COATING}},
                ]
            },
        },
        {"a1": {"title": "x", "summary": YIELD}, "a2": {"title": "x", "summary": COATING}},
        [
            {"author": "A", "title": "x", "content": YIELD},
            {"author": "B", "title": "x", "content": COATING},
        ],
    ],
)
def test_records_are_read_wherever_their_list_lies(document: object) -> None:
    assert texts(json.dumps(document), "array.json") == READ
    assert texts(json.dumps(document, indent=2), "array.txt") == READ


def test_each_text_of_a_list_is_a_passage() -> None:
    record = {"text": [YIELD, COATING], "title": "x"}
    assert texts(json_lines(record), "list.jsonl") == READ
    assert texts(json.dumps(record), "list.json") == READ


def test_json_lines_with_a_mark_and_windows_line_ends_are_read() -> None:
    lines = "\ufeff" + "\r\n".join(
        json.dumps({"title": "x", "text": text}) for text in (YIELD, COATING)
    )
    for name in ("a.jsonl", "a.json", "a.txt", "a"):
        assert texts(lines, name) == READ


def test_sentences_under_unknown_names_are_read_and_it_is_said() -> None:
    result = read(
        json.dumps([{"id": 1, "observation": YIELD}, {"id": 2, "observation": COATING}]), "x.json"
    )
    assert [passage.text for passage in result.passages] == [YIELD, COATING]
    assert "sentences" in result.note


def test_json_without_texts_is_refused_with_the_names_that_are_looked_for() -> None:
    assert "text, content" in refusal('{"id": 1, "size": [1, 2, 3]}', "a.json")
    assert "not valid JSON" in refusal('{"id": 1, "size": [1, 2, 3', "a.json")


def test_deep_json_is_refused() -> None:
    assert "JSON" in refusal("[" * 100_000 + "]" * 100_000, "a.json")


# --- canvases, drawings, notebooks ---


def test_the_texts_on_the_cards_of_a_canvas_are_read() -> None:
    canvas = {
        "nodes": [
            {"id": "a", "type": "text", "text": f"## Yield\n{YIELD} See [[Tidal power|power]]."},
            {"id": "b", "type": "file", "file": "Tidal power.md"},
            {"id": "c", "type": "link", "url": "https://example.org"},
        ],
        "edges": [{"id": "e", "fromNode": "a", "toNode": "b"}],
    }
    assert texts(json.dumps(canvas, indent=1), "Map.canvas") == [("Yield", f"{YIELD} See power.")]
    assert read(json.dumps(canvas), "Map.canvas").kind == "canvas"
    assert left_out(json.dumps(canvas), "Map.canvas") == {"embedded-files": 2}


def test_the_texts_of_a_drawing_are_read() -> None:
    drawing = {
        "type": "excalidraw",
        "elements": [
            {"type": "text", "text": YIELD[:30], "originalText": YIELD},
            {"type": "text", "text": "gone", "isDeleted": True},
            {"type": "arrow", "points": [[0, 0], [1, 1]]},
        ],
        "files": {"x": {"dataURL": "data:image/png;base64,xxxx"}},
    }
    assert texts(json.dumps(drawing), "Plan.excalidraw") == [("Plan", YIELD)]
    assert left_out(json.dumps(drawing), "Plan.excalidraw") == {"drawings": 1}


def test_a_notebook_gives_its_text_and_apart_its_code() -> None:
    notebook = {
        "nbformat": 4,
        "metadata": {},
        "cells": [
            {
                "cell_type": "markdown",
                "source": ["# Yield\n", "\n", YIELD],
                "attachments": {"x.png": {}},
            },
            {
                "cell_type": "code",
                "source": "plot(years)",
                "outputs": [{"data": {"image/png": "iVBOR" * 500}}],
            },
            {"cell_type": "markdown", "source": f"![x](attachment:x.png)\n\n{COATING}"},
            {"cell_type": "raw", "source": "raw"},
        ],
    }
    data = json.dumps(notebook)
    assert texts(data, "yield.ipynb") == [("Yield", YIELD), ("Yield", COATING)]
    assert texts(data, "yield.ipynb", "code") == [("Yield", "plot(years)")]
    assert read(data, "yield").kind == "notebook"
    assert left_out(data, "yield.ipynb") == {"outputs": 1, "pictures": 1}


# --- tables ---

TABLE = [("Titel", "Zusammenfassung", "Jahr"), ("x", YIELD, "2,5"), ("x", COATING, "2,5")]


def rows(delimiter: str, *, quoted: bool = True) -> str:
    mark = '"' if quoted else ""
    return "\r\n".join(delimiter.join(f"{mark}{cell}{mark}" for cell in row) for row in TABLE)


@pytest.mark.parametrize(
    "encoding", ["utf-8-sig", "latin-1", "utf-16", "utf-16-le", "utf-16-be", "cp1252"]
)
@pytest.mark.parametrize("delimiter", [";", ",", "\t", "|"])
def test_a_table_is_read_with_any_delimiter_and_encoding(encoding: str, delimiter: str) -> None:
    assert texts(rows(delimiter).encode(encoding), "a.csv") == READ


def test_a_table_in_shift_jis_is_read() -> None:
    sentence = "被覆から溶け出す銅は付着を防ぐが、牡蠣の幼生にも害を与える。"
    table = f"題名,要旨\n海峡,{sentence}\n銅,{sentence}\n"
    assert [text for _, text in texts(table.encode("shift_jis"), "sjis.csv")] == [
        sentence,
        sentence,
    ]


@pytest.mark.parametrize(
    "table",
    [
        f'"{YIELD}"\n"{COATING}"\n"{FELT}"\n',
        f'1,"{YIELD}"\n2,"{COATING}"\n3,"{FELT}"\n',
        f"a;{YIELD}\nb;{COATING}\nc;{FELT}\n",
        f'text\n"{YIELD}"\n"{COATING}"\n"{FELT}"\n',
        f"2019-01-01\t{YIELD}\n2020-01-01\t{COATING}\n2021-01-01\t{FELT}\n",
    ],
)
def test_a_table_with_and_without_a_header_keeps_each_row(table: str) -> None:
    assert [text for _, text in texts(table, "facts.csv")] == [YIELD, COATING, FELT]


@pytest.mark.parametrize("empty", ["n/a", "", "NA", "-", "none"])
def test_the_column_that_holds_the_texts_is_taken(empty: str) -> None:
    table = (
        f'id,question,abstract,findings\n1,Why?,{empty},"{YIELD}"\n2,What?,{empty},"{COATING}"\n'
    )
    assert texts(table, "survey.csv") == [("Why?", YIELD), ("What?", COATING)]
    assert "'findings'" in read(table, "survey.csv").note


def test_all_columns_with_texts_are_read_as_one_passage_for_each_row() -> None:
    table = f'title,method,finding\nx,"{FELT}","{YIELD}"\n'
    assert texts(table, "a.csv") == [("x", f"{FELT} {YIELD}")]


def test_remarks_above_a_table_are_no_rows() -> None:
    table = f"# exported in 2026\nid;text\n1;{YIELD}\n2;{COATING}\n"
    assert [text for _, text in texts(table, "a.csv")] == [YIELD, COATING]


def test_pages_inside_records_become_words() -> None:
    page = f"<p>{YIELD}</p><p style='display:none'>Hidden.</p>"
    assert texts(json.dumps({"notes": [{"title": "x", "content": page}]}), "a.json") == [
        ("x", YIELD)
    ]
    assert texts(f'id,text\n1,"{page}"\n2,"{page}"\n', "a.csv") == [("a", YIELD), ("a", YIELD)]


def test_a_table_without_its_ending_is_recognised() -> None:
    assert read(rows(";"), "export").kind == "table"
    assert texts(rows("\t", quoted=False), "export.txt") == READ


def test_prose_with_commas_is_no_table() -> None:
    prose = "First, this is prose.\nThen, this is too.\nLast, it ends.\n"
    assert read(prose, "a.txt").kind == "text"


def test_bad_lines_are_counted_and_the_others_read() -> None:
    lines = [
        '{"title": "Ants", "text": "one"}',
        "not json",
        '{"content": "two"}',
        "",
        '"three"',
        '{"text": ""}',
        '{"number": 4}',
        "[5]",
        "null",
    ]
    assert texts("\n".join(lines), "facts.jsonl") == [
        ("Ants", "one"),
        ("facts", "two"),
        ("facts", "three"),
    ]
    assert left_out("\n".join(lines), "facts.jsonl") == {"unreadable-records": 5}


@pytest.mark.parametrize("odd", ["\u2028", "\u2029", "\x85"])
def test_an_odd_separator_does_not_divide_a_record(odd: str) -> None:
    record = json.dumps({"text": f"one{odd}two"}, ensure_ascii=False)
    assert texts(record, "facts.jsonl") == [("facts", "one two")]


def test_a_record_keeps_its_tags_licence_and_date_in_its_facts() -> None:
    record = {"text": FELT, "Tags": "wool, felt", "licence": "CC0", "year": 1900}
    result = read(json.dumps(record), "a.jsonl")
    (fact,) = texts_of(result, source="/a.jsonl", chars_max=900).texts
    about = fact.passage.metadata
    assert (about.tags, about.licence, about.date, about.domain) == (
        ("wool", "felt"),
        "CC0",
        "1900",
        "",
    )


def test_xml_text_beside_paragraphs_is_read_too() -> None:
    sentence = "The ice on the lake breaks up earlier each spring than it did before."
    other = "Warm autumns delay the first frost, and the lake freezes later than before."
    text = f"<?xml version='1.0'?><doc><item>{sentence}<p>{other}</p></item></doc>"
    assert [passage.text for passage in read(text, "a.xml").passages] == [f"{sentence}\n\n{other}"]


def test_broken_xml_is_reported_with_its_line() -> None:
    sentence = "The ice on the lake breaks up earlier each spring than it did before."
    result = read(f"<?xml version='1.0'?>\n<doc>\n<p>{sentence}</p>\n<p>x < y</p></doc>", "a.xml")
    assert any("broken in line 4" in part.text for part in result.left_out)
