"""Tables of the embedded store, and the steps from older ones to these."""

from __future__ import annotations

import sqlite3

SCHEMA_VERSION = "1"  # of what can't be changed by a step
SCHEMA = """
create table if not exists meta(key text primary key, value text not null);
create table if not exists documents(
  document_id text, source text, status text not null, note text not null, read_at text not null, primary key(document_id, source));
create table if not exists facts(
  seq integer primary key, fact_id text not null unique, ordinal integer unique, text text not null, title text not null,
  source text not null, domain text not null, kind text not null, depth integer not null, place integer not null,
  document_id text not null, parents text not null, vector blob);
create index if not exists facts_pending on facts(place, seq) where ordinal is null;
create index if not exists facts_document on facts(document_id);
create index if not exists facts_kind on facts(kind, ordinal);
create index if not exists facts_source on facts(source);
create table if not exists verdicts(
  seq integer primary key, verdict_id text not null unique, hypothesis_id text not null, pair_id text not null, decision text not null,
  final integer not null, judged integer not null, text text not null, body text not null, vector blob);
create index if not exists verdicts_decision on verdicts(decision, seq);
create table if not exists reviews(review_id text primary key, verdict_id text not null, accepted integer not null, body text not null);
"""
STEPS = (
    """
    alter table documents add column offered_at text not null default '';
    alter table documents add column current integer not null default 1;
    create index documents_source on documents(source, current);
    create table removals(source text primary key, at text not null);
    create table mentions(fact_id text, source text, primary key(fact_id, source)) without rowid;
    create index mentions_source on mentions(source);
    create table withdrawn(fact_id text, root text, primary key(fact_id, root)) without rowid;
    create index withdrawn_root on withdrawn(root);
    create table descents(parent text, fact_id text, primary key(parent, fact_id)) without rowid;
    insert or ignore into mentions
      select f.fact_id, d.source from facts f join documents d on d.document_id = f.document_id where f.kind <> 'insight';
    insert or ignore into descents select p.value, f.fact_id from facts f, json_each(f.parents) p;
    """,
    """
    alter table facts add column tags text not null default '[]';
    alter table facts add column licence text not null default '';
    alter table facts add column written text not null default '';
    """,
    "create table next_vectors(kind text, key text, vector blob not null, primary key(kind, key)) without rowid;",
    "create table standings(root text primary key, at text not null);",
    """
    alter table facts add column team text not null default '';
    alter table facts add column clearance text not null default '';
    create index facts_team on facts(team) where team <> '' and ordinal is not null;
    create index facts_clearance on facts(clearance) where clearance <> '';
    """,
    "alter table facts add column domain_found integer not null default 0;",
    "create index verdicts_hypothesis on verdicts(hypothesis_id);",
)


def migrate(db: sqlite3.Connection) -> None:
    """Bring an older file up to date; each step is done whole or not at all."""
    db.executescript(SCHEMA)
    (done,) = db.execute("pragma user_version").fetchone()
    for number, step in enumerate(STEPS[done:], done + 1):
        db.executescript(f"begin immediate; {step} pragma user_version = {number}; commit;")
