"""What an erasure removes, in SQL.

All functions run inside the caller's transaction. An erasure that is repeated finds nothing more.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence

from daydream_contracts.events import VerdictReached
from daydream_memory.erasure_record import ERASED, without
from daydream_memory.sqlite import visibility_rules

ERASED_WITH_DOCUMENT = """select f.fact_id from facts f
  join documents d on d.document_id = f.document_id join retracted r on r.fact_id = f.fact_id
  where d.source = ? and r.root = ?"""
OF_SOURCE = "select fact_id from facts where source = ? and kind <> 'insight'"
MENTIONED = "select fact_id from mentions where source = ?"
MENTIONED_AMONG = "select fact_id from mentions where fact_id in (select value from json_each(?))"
REFUSE_DOCUMENTS = """update documents set status = 'refused', note = ?, left_out = '[]',
  current = 0
  where source = ?"""
# An insight keeps its source: it names its verdict.
ERASE_FACT = """update facts set text = ?, title = '', source = iif(kind = 'insight', source, ''),
  domain = '', tags = '[]', licence = '', date = '', vector = zeroblob(length(vector))
  where fact_id = ?"""
HOLDING = """select seq, body from verdicts
  where json_extract(body, '$.hypothesis.pair.first.fact_id') in (select value from json_each(?))
  or json_extract(body, '$.hypothesis.pair.second.fact_id') in (select value from json_each(?))
  or json_extract(body, '$.nearest.id') in (select value from json_each(?))
  or exists (select 1 from json_each(verdicts.body, '$.examination.statements') s
    where json_extract(s.value, '$.id') in (select value from json_each(?)))"""
ERASED_AMONG = """select fact_id from retracted
  where root = ? and fact_id in (select value from json_each(?))"""


def erase_documents(db: sqlite3.Connection, sources: Sequence[str], note: str) -> set[str]:
    """Remove documents and refuse them from now on. Return the facts that no other one holds.

    Facts that were erased with these documents before are among them.
    """
    fact_ids: set[str] = set()
    for source in sources:
        fact_ids |= _erase_document(db, source, note)
    return fact_ids


def _erase_document(db: sqlite3.Connection, source: str, note: str) -> set[str]:
    held = _keys(db, MENTIONED, source) | _keys(db, OF_SOURCE, source)
    db.execute("delete from mentions where source = ?", (source,))
    db.execute(REFUSE_DOCUMENTS, (note, source))
    erased_before = _keys(db, ERASED_WITH_DOCUMENT, source, ERASED)
    held_elsewhere = _keys(db, MENTIONED_AMONG, json.dumps(sorted(held)))
    return erased_before | (held - held_elsewhere)


def erase_facts(db: sqlite3.Connection, fact_ids: set[str]) -> None:
    """Remove the texts and sources of these facts and hide them for good."""
    for fact_id in sorted(fact_ids):
        db.execute("delete from mentions where fact_id = ?", (fact_id,))
        db.execute("delete from next_vectors where kind = 'fact' and key = ?", (fact_id,))
        db.execute("insert or ignore into retracted values(?, ?)", (fact_id, ERASED))
        db.execute(ERASE_FACT, (ERASED, fact_id))


def erase_from_verdicts(
    db: sqlite3.Connection, fact_ids: set[str], *, derived: bool
) -> dict[str, bool]:
    """Remove these facts from verdicts.

    Return the ids of the verdicts that held them, and whether the hypothesis is erased too.
    """
    ids = json.dumps(sorted(fact_ids))
    erased: dict[str, bool] = {}
    for seq, body in db.execute(HOLDING, (ids,) * 4).fetchall():
        verdict = VerdictReached.model_validate_json(body)
        cleaned = without(verdict, fact_ids, derived=derived)
        if cleaned == verdict:
            continue
        hypothesis_erased = cleaned.hypothesis.synthesis != verdict.hypothesis.synthesis
        _write_erased(db, seq, cleaned, hypothesis_erased=hypothesis_erased)
        erased[verdict.verdict_id] = hypothesis_erased
    return erased


def _write_erased(
    db: sqlite3.Connection, seq: int, verdict: VerdictReached, *, hypothesis_erased: bool
) -> None:
    synthesis = verdict.hypothesis.synthesis
    row = (verdict.model_dump_json(), synthesis.hypothesis if synthesis else "", seq)
    db.execute("update verdicts set body = ?, text = ? where seq = ?", row)
    if hypothesis_erased:
        db.execute("update verdicts set vector = zeroblob(length(vector)) where seq = ?", (seq,))
        query = "delete from next_vectors where kind = 'hypothesis' and key = ?"
        db.execute(query, (verdict.verdict_id,))


def erased_among(db: sqlite3.Connection, fact_ids: Sequence[str]) -> set[str]:
    """Return those of these facts that are erased."""
    return _keys(db, ERASED_AMONG, ERASED, json.dumps(list(fact_ids)))


def insights_below(db: sqlite3.Connection, fact_ids: set[str]) -> set[str]:
    """Return what descends from these facts, without themselves."""
    below = [visibility_rules.descendants(db, fact_id) for fact_id in fact_ids]
    return set().union(*below) - fact_ids


def _keys(db: sqlite3.Connection, query: str, *values: str) -> set[str]:
    return {key for (key,) in db.execute(query, values)}
