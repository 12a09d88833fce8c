"""Hidden rows and columns of a workbook, and a Word file without a text."""

from __future__ import annotations

from support.office_files import word_file, workbook
from support.readings import COATING, YIELD, read, texts

HIDDEN = "A hidden sentence that its author marked as hidden text."


def test_hidden_rows_and_columns_of_a_sheet_are_left_out_and_reported() -> None:
    rows = [
        ["title", "text", "draft"],
        ["Yield", YIELD, HIDDEN],
        ["Secret", HIDDEN, ""],
        ["Coating", COATING, HIDDEN],
    ]
    data = workbook({"Notes": rows}, hidden_rows=[3], hidden_columns=["C"])
    assert texts(data, "a.xlsx") == [("Yield", YIELD), ("Coating", COATING)]
    assert [part.text for part in read(data, "a.xlsx").left_out] == [
        "1 hidden row was left out",
        "1 hidden column was left out",
    ]


def test_a_word_document_without_text_is_read_as_nothing() -> None:
    assert texts(word_file(""), "empty.docx") == []
