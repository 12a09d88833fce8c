"""A file whose name can't be stored has a report, and its neighbours are read."""

from __future__ import annotations

import os
from pathlib import Path

from daydream_console.files import files_under
from daydream_console.ingest import Content, Offered, _read


def test_a_file_with_a_name_that_is_no_text_is_refused_and_the_others_are_read(
    tmp_path: Path,
) -> None:
    (tmp_path / "good.md").write_text("A fact.")
    Path(os.fsdecode(os.fsencode(tmp_path) + b"/bad\xff.md")).write_text("Another one.")
    documents = [_read(file, str(file)) for file in files_under([tmp_path])]
    assert sorted(type(document).__name__ for document in documents) == ["Content", "Offered"]
    for document in documents:
        if isinstance(document, Content):
            assert document.source.endswith("good.md")
        else:
            assert isinstance(document, Offered)
            assert document.report is not None
            assert (document.report.status, document.report.note) == (
                "refused",
                "its name is no UTF-8 text. Rename it",
            )
            document.report.model_dump_json()
