"""Which facts are hidden, in SQL.

A fact is active while a current document or question holds it, or while it is an insight, and
it is not retracted. Nothing is deleted here. `mentions` says which sources hold a fact now.
`retracted` lists for a fact the roots of its retraction: itself, or a fact that it descends from. A
merged fact has a separate kind of root there, which its descendants do not inherit.
Undoing the retraction of a root undoes exactly what it caused. All functions run inside the
caller's transaction and are idempotent. They return the ids of the facts that a change concerns.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

from daydream_memory.erasure_record import ERASED_NOTE
from daydream_memory.store import MERGED, DocumentRecord, NewFact

HIDDEN = """(exists (select 1 from retracted r where r.fact_id = f.fact_id)
  or f.kind <> 'insight' and not exists (select 1 from mentions m where m.fact_id = f.fact_id))"""
DESCENDANTS = """with recursive below(fact_id) as
  (select ? union select d.fact_id from descents d join below on d.parent = below.fact_id)
  select fact_id from below"""
ANCESTORS = """with recursive above(fact_id) as
  (select ? union select d.parent from descents d join above on d.fact_id = above.fact_id)
  select fact_id from above"""
HIDDEN_AMONG = f"""select f.fact_id from facts f
  where f.fact_id in (select value from json_each(?)) and {HIDDEN}"""
ALL_HIDDEN = f"""select f.fact_id from facts f
  where f.ordinal is not null and {HIDDEN}"""
LATEST_DOCUMENT = """select max(offered_at) from documents
  where source = ? and document_id <> ?"""
WRITE_DOCUMENT = """insert or replace into documents
  (document_id, source, status, note, read_at, offered_at, current, kind, left_out)
  values(?, ?, ?, ?, ?, ?, ?, ?, ?)"""
WRITE_REMOVAL = """insert into removals values(?, ?)
  on conflict(source) do update set at = max(at, excluded.at)"""
END_DOCUMENTS = """update documents set current = 0
  where source = ? and current and offered_at <= ?"""
INHERIT = """insert or ignore into retracted
  select ?, r.root from retracted r where r.fact_id in (select value from json_each(?))
  and substr(r.root, 1, length(?)) <> ?"""
WRITE_DECISION = """insert into visibility_decisions values(?, ?)
  on conflict(root) do update set at = excluded.at where excluded.at >= at"""
HOLDERS = "select m.source from mentions m where m.fact_id = facts.fact_id"
MOVE_SOURCE = f"""update facts set source = ({HOLDERS} order by m.source limit 1)
  where fact_id in (select value from json_each(?)) and kind <> 'insight'
  and exists ({HOLDERS}) and source not in ({HOLDERS})"""


def related(db: sqlite3.Connection, fact_id: str) -> set[str]:
    """Return what a fact descends from, and what descends from it."""
    rows = [row for query in (ANCESTORS, DESCENDANTS) for row in db.execute(query, (fact_id,))]
    return {key for (key,) in rows} - {fact_id}


def descendants(db: sqlite3.Connection, fact_id: str) -> set[str]:
    """Return what descends from a fact, and the fact itself."""
    return {key for (key,) in db.execute(DESCENDANTS, (fact_id,))}


def replace_document(
    db: sqlite3.Connection, record: DocumentRecord, facts: Iterable[NewFact]
) -> set[str]:
    """Put a document in the place of the one that was at its source before.

    Not if that one is newer, or the source was removed since, or the document is erased.
    """
    query = "select offered_at, note from documents where document_id = ? and source = ?"
    known = db.execute(query, (record.document_id, record.source)).fetchone()
    if known and known[1].startswith(ERASED_NOTE):
        return set()
    offered = max(iso(record.offered_at), known[0] if known else "")
    fact_ids = {fact.fact_id for fact in facts}
    current = offered >= _latest_change(db, record)
    _write_document(db, record, offered, current=current)
    if not current:
        return fact_ids
    before = _mentioned(db, record.source)
    db.execute("delete from mentions where source = ?", (record.source,))
    mentions = [(fact_id, record.source) for fact_id in fact_ids]
    db.executemany("insert or ignore into mentions values(?, ?)", mentions)
    return _move_sources(db, before | fact_ids)


def _latest_change(db: sqlite3.Connection, record: DocumentRecord) -> str:
    """Return when another document of this source was offered, or the source removed."""
    query = "select max(at) from removals where source = ?"
    (removed,) = db.execute(query, (record.source,)).fetchone()
    (newest,) = db.execute(LATEST_DOCUMENT, (record.source, record.document_id)).fetchone()
    return max(removed or "", newest or "")


def _write_document(
    db: sqlite3.Connection, record: DocumentRecord, offered: str, *, current: bool
) -> None:
    if current:
        db.execute("update documents set current = 0 where source = ?", (record.source,))
    row = (
        record.document_id,
        record.source,
        record.status,
        record.note,
        iso(record.read_at),
        offered,
        current,
        record.kind,
        json.dumps([part.model_dump() for part in record.left_out]),
    )
    db.execute(WRITE_DOCUMENT, row)


def remove_document(db: sqlite3.Connection, source: str, removed_at: datetime) -> set[str]:
    """Remove what was offered from this source until then."""
    at = iso(removed_at)
    db.execute(WRITE_REMOVAL, (source, at))
    if not db.execute(END_DOCUMENTS, (source, at)).rowcount:
        return set()
    before = _mentioned(db, source)
    db.execute("delete from mentions where source = ?", (source,))
    return _move_sources(db, before)


def inherit(db: sqlite3.Connection, fact: NewFact) -> None:
    """Hide a new fact where a fact that it descends from is retracted."""
    rows = [(parent, fact.fact_id) for parent in fact.parents]
    db.executemany("insert or ignore into descents values(?, ?)", rows)
    db.execute(INHERIT, (fact.fact_id, json.dumps(fact.parents), MERGED, MERGED))


def is_latest_decision(db: sqlite3.Connection, root: str, at: datetime) -> bool:
    """Write down a decision on a fact. Return whether it is the latest one so far."""
    return db.execute(WRITE_DECISION, (root, iso(at))).rowcount > 0


def retract(db: sqlite3.Connection, root: str) -> set[str]:
    """Hide a fact and all that descends from it."""
    below = descendants(db, root)
    rows = [(fact_id, root) for fact_id in below]
    db.executemany("insert or ignore into retracted values(?, ?)", rows)
    return below


def reinstate(db: sqlite3.Connection, root: str) -> set[str]:
    """Undo the retraction of a fact."""
    below = descendants(db, root)
    db.execute("delete from retracted where root = ?", (root,))
    return below


def merge(db: sqlite3.Connection, fact_id: str) -> set[str]:
    """Hide a fact alone: another one says the same."""
    db.execute("insert or ignore into retracted values(?, ?)", (fact_id, MERGED + fact_id))
    return {fact_id}


def separate(db: sqlite3.Connection, fact_id: str) -> set[str]:
    """Undo the merge of a fact."""
    db.execute("delete from retracted where root = ?", (MERGED + fact_id,))
    return {fact_id}


def hidden_among(db: sqlite3.Connection, fact_ids: Sequence[str]) -> set[str]:
    """Return those of these facts that are hidden."""
    return {key for (key,) in db.execute(HIDDEN_AMONG, (json.dumps(list(fact_ids)),))}


def all_hidden(db: sqlite3.Connection) -> list[str]:
    """Return all hidden facts that have an ordinal."""
    return [key for (key,) in db.execute(ALL_HIDDEN)]


def _move_sources(db: sqlite3.Connection, fact_ids: set[str]) -> set[str]:
    """Name another source for facts that theirs no longer holds, so that people find them."""
    db.execute(MOVE_SOURCE, (json.dumps(sorted(fact_ids)),))
    return fact_ids


def iso(at: datetime) -> str:
    """Return a time as text that sorts as times do."""
    return at.astimezone(UTC).isoformat(timespec="microseconds")


def _mentioned(db: sqlite3.Connection, source: str) -> set[str]:
    query = "select fact_id from mentions where source = ?"
    return {key for (key,) in db.execute(query, (source,))}
