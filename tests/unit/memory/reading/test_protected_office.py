"""Office documents with a password."""

from __future__ import annotations

import io

from msoffcrypto.format.ooxml import OOXMLFile

from daydream_memory.reading import read_document
from support.office_files import workbook
from support.readings import COATING, refusal


def test_an_office_document_with_a_password_is_opened_by_it() -> None:
    sheets = {"Notes": [["title", "text"], ["Coating", COATING]]}
    locked = io.BytesIO()
    OOXMLFile(io.BytesIO(workbook(sheets))).encrypt("right", locked)
    data = locked.getvalue()
    assert "encrypted Office document" in refusal(data, "a.xlsx")
    assert "none of the passwords" in read_document(data, "a.xlsx", ["wrong"]).note
    assert [passage.title for passage in read_document(data, "a.xlsx", ["right"]).passages] == [
        "Coating"
    ]
