"""A memory of an earlier build is brought up to date when it is opened, and loses nothing."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path

import numpy as np

from daydream_contracts.rpc import ListDocuments
from daydream_memory.sqlite import open_sqlite_store
from daydream_memory.sqlite.schema import SCHEMA, STEPS


async def test_a_file_of_the_first_build_is_brought_up_to_date_once(tmp_path: Path) -> None:
    db = sqlite3.connect(tmp_path / "memory.db")
    db.executescript(SCHEMA)
    db.execute(
        "insert into documents values('doc', '/notes/doc.md', 'read', '', '2026-01-01T00:00:00+00:00')"
    )
    vectors = np.eye(3, dtype=np.float32)
    for at, (kind, parents) in enumerate(
        (("document", []), ("document", []), ("insight", ["id 0", "id 1"]))
    ):
        row = (
            f"id {at}",
            at,
            f"text {at}",
            kind,
            "doc" if kind == "document" else "",
            json.dumps(parents),
            vectors[at].tobytes(),
        )
        db.execute(
            "insert into facts(fact_id, ordinal, text, title, source, domain, kind, depth, place, document_id, parents, vector) "
            "values(?, ?, ?, '', '', '', ?, 0, 0, ?, ?, ?)",
            row,
        )
    db.commit()
    db.close()
    for _ in range(2):
        store = open_sqlite_store(tmp_path, "model")
        assert (await store.maintenance.counts()).hidden == 0
        assert [fact.fact_id for fact, _ in await store.facts.find_nearest(vectors[0], 3)] == [
            "id 0",
            "id 1",
            "id 2",
        ]
        (report,) = await store.documents.reports(ListDocuments())
        assert (report.facts, report.current) == (2, True)
        (standing,) = await store.visibility.resolve(["id 0"])
        assert standing.descendants == 1
        await store.close()
    assert sqlite3.connect(tmp_path / "memory.db").execute("pragma user_version").fetchone() == (
        len(STEPS),
    )
