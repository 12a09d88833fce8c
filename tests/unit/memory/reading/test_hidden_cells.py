"""Hidden rows and columns of a workbook, and a Word file without a text."""

from __future__ import annotations

import pytest

from support.binary_workbooks import ods_file, xls_file, xlsb_file
from support.office_files import word_file, workbook
from support.readings import COATING, YIELD, read, texts

HIDDEN = "A hidden sentence that its author marked as hidden text."


ROWS = [
    ["title", "text", "draft"],
    ["Yield", YIELD, HIDDEN],
    ["Secret", HIDDEN, ""],
    ["Coating", COATING, HIDDEN],
]


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("a.xlsx", workbook({"Notes": ROWS}, hidden_rows=[3], hidden_columns=["C"])),
        ("a.xls", xls_file()),
        ("a.xlsb", xlsb_file(ROWS)),
        ("a.ods", ods_file(ROWS)),
    ],
)
def test_hidden_rows_and_columns_of_a_sheet_are_left_out_and_reported(
    name: str, data: bytes
) -> None:
    assert texts(data, name) == [("Yield", YIELD), ("Coating", COATING)]
    assert [part.text for part in read(data, name).left_out if "sheet" not in part.text] == [
        "1 hidden row was left out",
        "1 hidden column was left out",
    ]


def test_a_word_document_without_text_is_read_as_nothing() -> None:
    assert texts(word_file(""), "empty.docx") == []
