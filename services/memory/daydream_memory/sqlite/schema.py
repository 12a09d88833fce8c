"""The tables of the SQLite store, and the steps that bring an older file up to date."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

SCHEMA_VERSION = "1"  # changes only with what no step can bring up to date
SCHEMA = """
create table if not exists meta(key text primary key, value text not null);
create table if not exists documents(
  document_id text, source text, status text not null, note text not null, read_at text not null,
  offered_at text not null, current integer not null, kind text not null,
  left_out text not null, primary key(document_id, source));
create index if not exists documents_source on documents(source, current);
create table if not exists removals(source text primary key, at text not null);
create table if not exists facts(
  seq integer primary key, fact_id text not null unique, ordinal integer unique,
  text text not null, title text not null, source text not null, domain text not null,
  domain_found integer not null, kind text not null, depth integer not null,
  position integer not null, document_id text not null, parents text not null, tags text not null,
  licence text not null, date text not null, team text not null, clearance text not null,
  vector blob);
create index if not exists facts_pending on facts(position, seq) where ordinal is null;
create index if not exists facts_document on facts(document_id);
create index if not exists facts_kind on facts(kind, ordinal);
create index if not exists facts_source on facts(source);
create index if not exists facts_team on facts(team) where team <> '' and ordinal is not null;
create index if not exists facts_clearance on facts(clearance) where clearance <> '';
create table if not exists mentions(
  fact_id text, source text, primary key(fact_id, source)) without rowid;
create index if not exists mentions_source on mentions(source);
create table if not exists retracted(
  fact_id text, root text, primary key(fact_id, root)) without rowid;
create index if not exists retracted_root on retracted(root);
create table if not exists visibility_decisions(root text primary key, at text not null);
create table if not exists descents(
  parent text, fact_id text, primary key(parent, fact_id)) without rowid;
create table if not exists verdicts(
  seq integer primary key, verdict_id text not null unique, hypothesis_id text not null,
  pair_id text not null, decision text not null, final integer not null, judged integer not null,
  text text not null, body text not null, vector blob);
create index if not exists verdicts_decision on verdicts(decision, seq);
create index if not exists verdicts_hypothesis on verdicts(hypothesis_id);
create index if not exists verdicts_judged on verdicts(judged) where judged;
create table if not exists reviews(
  review_id text primary key, verdict_id text not null, accepted integer not null,
  body text not null);
create table if not exists outcomes(
  outcome_id text primary key, verdict_id text not null, at real not null, body text not null);
create index if not exists outcomes_verdict on outcomes(verdict_id);
create table if not exists next_vectors(
  kind text, key text, vector blob not null, primary key(kind, key)) without rowid;
"""
STEPS: tuple[str, ...] = ()  # statements; each version that changes a table appends one


def migrate(db: sqlite3.Connection, steps: Sequence[str] = STEPS) -> None:
    """Create missing tables, and bring an older file up to date.

    Each step is done completely or not at all. `user_version` counts the steps that are done.
    """
    db.executescript(SCHEMA)
    (done,) = db.execute("pragma user_version").fetchone()
    for number, step in enumerate(steps[done:], done + 1):
        db.executescript(f"begin immediate; {step}; pragma user_version = {number}; commit;")
