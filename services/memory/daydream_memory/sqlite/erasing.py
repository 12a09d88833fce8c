"""Erasure in the embedded store. All functions run inside the caller's transaction; erasing twice finds nothing more to erase."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence

from daydream_contracts.events import VerdictReached
from daydream_memory.erasure_record import ERASED, without
from daydream_memory.sqlite import visibility

HOLDING = """select seq, body from verdicts where json_extract(body, '$.hypothesis.pair.first.fact_id') in (select value from json_each(?))
  or json_extract(body, '$.hypothesis.pair.second.fact_id') in (select value from json_each(?))
  or json_extract(body, '$.nearest.id') in (select value from json_each(?))
  or exists (select 1 from json_each(verdicts.body, '$.examination.statements') s where json_extract(s.value, '$.id') in (select value from json_each(?)))"""


def erase_documents(db: sqlite3.Connection, sources: Sequence[str], note: str) -> set[str]:
    """Take documents out, keep the word that they are not wanted; the facts that nobody else holds."""
    found: set[str] = set()
    for source in sources:
        held = {
            row[0] for row in db.execute("select fact_id from mentions where source = ?", (source,))
        }
        held |= {
            row[0]
            for row in db.execute(
                "select fact_id from facts where source = ? and kind <> 'insight'", (source,)
            )
        }
        db.execute("delete from mentions where source = ?", (source,))
        db.execute(
            "update documents set status = 'refused', note = ?, current = 0 where source = ?",
            (note, source),
        )
        before = """select f.fact_id from facts f join documents d on d.document_id = f.document_id join withdrawn w on w.fact_id = f.fact_id
                    where d.source = ? and w.root = ?"""
        found |= {row[0] for row in db.execute(before, (source, ERASED))}
        others = "select fact_id from mentions where fact_id in (select value from json_each(?))"
        found |= held - {row[0] for row in db.execute(others, (json.dumps(sorted(held)),))}
    return found


def erase_facts(db: sqlite3.Connection, fact_ids: set[str]) -> None:
    """Remove what they say and where it stood, and hide them for good."""
    for fact_id in sorted(fact_ids):
        db.execute("delete from mentions where fact_id = ?", (fact_id,))
        db.execute("delete from next_vectors where kind = 'fact' and key = ?", (fact_id,))
        db.execute("insert or ignore into withdrawn values(?, ?)", (fact_id, ERASED))
        db.execute(
            "update facts set text = ?, title = '', source = iif(kind = 'insight', source, ''), domain = '', tags = '[]', licence = '', written = '', "
            "vector = zeroblob(length(vector)) where fact_id = ?",  # an insight's source is its verdict
            (ERASED, fact_id),
        )


def erase_from_verdicts(
    db: sqlite3.Connection, fact_ids: set[str], *, derived: bool
) -> dict[str, bool]:
    """Remove them from the records of daydreams; the ids of those that held them, and whether the hypothesis went too."""
    ids = json.dumps(sorted(fact_ids))
    found: dict[str, bool] = {}
    for seq, body in db.execute(HOLDING, (ids,) * 4).fetchall():
        verdict = VerdictReached.model_validate_json(body)
        clean = without(verdict, fact_ids, derived=derived)
        if clean == verdict:
            continue
        silenced = clean.hypothesis.synthesis != verdict.hypothesis.synthesis
        found[verdict.verdict_id] = silenced
        text = clean.hypothesis.synthesis.hypothesis if clean.hypothesis.synthesis else ""
        db.execute(
            "update verdicts set body = ?, text = ? where seq = ?",
            (clean.model_dump_json(), text, seq),
        )
        if silenced:
            db.execute(
                "update verdicts set vector = zeroblob(length(vector)) where seq = ?", (seq,)
            )
            db.execute(
                "delete from next_vectors where kind = 'hypothesis' and key = ?",
                (verdict.verdict_id,),
            )
    return found


def erased_among(db: sqlite3.Connection, fact_ids: Sequence[str]) -> set[str]:
    """Those of these facts that were erased."""
    query = "select fact_id from withdrawn where root = ? and fact_id in (select value from json_each(?))"
    return {row[0] for row in db.execute(query, (ERASED, json.dumps(list(fact_ids))))}


def descendants(db: sqlite3.Connection, fact_ids: set[str]) -> set[str]:
    """What descends from them."""
    return {
        row[0] for fact_id in fact_ids for row in db.execute(visibility.DESCENDANTS, (fact_id,))
    } - fact_ids
