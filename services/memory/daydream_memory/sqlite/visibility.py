"""Which facts can be drawn: those that a current document or question still holds, or that are insights, and that nobody withdrew.

Nothing is deleted or changed here. `mentions` says which sources hold a fact now; `withdrawn` says for a fact by which roots it is out:
itself, or something that it descends from. Taking a root's word back takes back exactly what it caused. All functions run inside the caller's
transaction, are harmless twice, and give the ids of the facts that a change concerns.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

from daydream_memory.erasure_record import ERASED_NOTE
from daydream_memory.store import DocumentRecord, NewFact

HIDDEN = """(exists (select 1 from withdrawn w where w.fact_id = f.fact_id)
  or f.kind <> 'insight' and not exists (select 1 from mentions m where m.fact_id = f.fact_id))"""
DESCENDANTS = """with recursive below(fact_id) as (select ? union select d.fact_id from descents d join below on d.parent = below.fact_id)
  select fact_id from below"""

ANCESTORS = """with recursive above(fact_id) as (select ? union select d.parent from descents d join above on d.fact_id = above.fact_id)
  select fact_id from above"""


def kin(db: sqlite3.Connection, fact_id: str) -> set[str]:
    """What a fact descends from, and what descends from it."""
    return {
        row[0] for query in (ANCESTORS, DESCENDANTS) for row in db.execute(query, (fact_id,))
    } - {fact_id}


def document_read(
    db: sqlite3.Connection, record: DocumentRecord, facts: Iterable[NewFact]
) -> set[str]:
    """A document replaces the one that was at its source before, unless that is newer or the source was removed since."""
    known = db.execute(
        "select offered_at, note from documents where document_id = ? and source = ?",
        (record.document_id, record.source),
    ).fetchone()
    if known and known[1].startswith(ERASED_NOTE):
        return set()
    offered = max(iso(record.offered_at), known[0] if known else "")
    (removed,) = db.execute(
        "select max(at) from removals where source = ?", (record.source,)
    ).fetchone()
    (newest,) = db.execute(
        "select max(offered_at) from documents where source = ? and document_id <> ?",
        (record.source, record.document_id),
    ).fetchone()
    current = offered >= max(removed or "", newest or "")
    if current:
        db.execute("update documents set current = 0 where source = ?", (record.source,))
    row = (
        record.document_id,
        record.source,
        record.status,
        record.note,
        record.read_at.isoformat(),
        offered,
        current,
    )
    db.execute(
        "insert or replace into documents(document_id, source, status, note, read_at, offered_at, current) values(?, ?, ?, ?, ?, ?, ?)",
        row,
    )
    if not current:
        return {fact.fact_id for fact in facts}
    before = _mentioned(db, record.source)
    after = {fact.fact_id for fact in facts}
    db.execute("delete from mentions where source = ?", (record.source,))
    db.executemany(
        "insert or ignore into mentions values(?, ?)",
        [(fact_id, record.source) for fact_id in after],
    )
    return _sourced(db, before | after)


def document_removed(db: sqlite3.Connection, source: str, removed_at: datetime) -> set[str]:
    """What was offered from this source until then is no longer there."""
    at = iso(removed_at)
    db.execute(
        "insert into removals values(?, ?) on conflict(source) do update set at = max(at, excluded.at)",
        (source, at),
    )
    if not db.execute(
        "update documents set current = 0 where source = ? and current and offered_at <= ?",
        (source, at),
    ).rowcount:
        return set()
    before = _mentioned(db, source)
    db.execute("delete from mentions where source = ?", (source,))
    return _sourced(db, before)


def descended(db: sqlite3.Connection, fact: NewFact) -> None:
    """A new fact is out where one that it descends from is."""
    db.executemany(
        "insert or ignore into descents values(?, ?)",
        [(parent, fact.fact_id) for parent in fact.parents],
    )
    query = "insert or ignore into withdrawn select ?, w.root from withdrawn w where w.fact_id in (select value from json_each(?))"
    db.execute(query, (fact.fact_id, json.dumps(fact.parents)))


def is_news(db: sqlite3.Connection, root: str, at: datetime) -> bool:
    """Whether this is the last word on a fact so far; then it is written down."""
    query = "insert into standings values(?, ?) on conflict(root) do update set at = excluded.at where excluded.at >= at"
    return db.execute(query, (root, iso(at))).rowcount > 0


def withdraw(db: sqlite3.Connection, root: str) -> set[str]:
    """Take a fact, and all that descends from it, out of the draws."""
    below = {row[0] for row in db.execute(DESCENDANTS, (root,))}
    db.executemany(
        "insert or ignore into withdrawn values(?, ?)", [(fact_id, root) for fact_id in below]
    )
    return below


def restore(db: sqlite3.Connection, root: str) -> set[str]:
    """Take that back."""
    below = {row[0] for row in db.execute(DESCENDANTS, (root,))}
    db.execute("delete from withdrawn where root = ?", (root,))
    return below


def hidden_among(db: sqlite3.Connection, fact_ids: Sequence[str]) -> set[str]:
    """Those of these facts that can't be drawn."""
    query = f"select f.fact_id from facts f where f.fact_id in (select value from json_each(?)) and {HIDDEN}"  # noqa: S608
    return {row[0] for row in db.execute(query, (json.dumps(list(fact_ids)),))}


def all_hidden(db: sqlite3.Connection) -> list[str]:
    """All active-once facts that can't be drawn."""
    return [
        row[0]
        for row in db.execute(
            f"select f.fact_id from facts f where f.ordinal is not null and {HIDDEN}"
        )
    ]  # noqa: S608


def _sourced(db: sqlite3.Connection, fact_ids: set[str]) -> set[str]:
    """Facts whose source holds them no more name another that does, if any: people look there."""
    held = "select m.source from mentions m where m.fact_id = facts.fact_id"
    db.execute(
        f"""update facts set source = ({held} order by m.source limit 1)
            where fact_id in (select value from json_each(?)) and kind <> 'insight' and exists ({held}) and source not in ({held})""",  # noqa: S608
        (json.dumps(sorted(fact_ids)),),
    )
    return fact_ids


def iso(at: datetime) -> str:
    """Times as text that sorts as they do."""
    return at.astimezone(UTC).isoformat(timespec="microseconds")


def _mentioned(db: sqlite3.Connection, source: str) -> set[str]:
    return {
        row[0] for row in db.execute("select fact_id from mentions where source = ?", (source,))
    }
