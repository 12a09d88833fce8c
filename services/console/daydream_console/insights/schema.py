"""The tables of the insight index.

The index is a cache: whatever is wrong with its file, it is made again from the streams. So it
writes without a journal on disk, and a version number takes the place of migrations.
"""

from __future__ import annotations

import sqlite3
from pathlib import Path

VERSION = 6
PRAGMAS = """
pragma journal_mode = memory;
pragma synchronous = off;
pragma temp_store = memory;
pragma cache_size = -32000;
"""
TABLES = """
create table hypotheses(
  number integer primary key, hypothesis_id text unique not null, insight_id text not null,
  verdict_id text not null, round integer not null, sequence integer not null,
  drawn_at real not null, reached_at real not null,
  state text not null, active integer not null, decision text not null,
  rule text not null, final integer not null, score real, worth real, worth_order real not null,
  score_order real not null, kind text, strategy text not null, model text not null,
  cost_nanousd integer not null, depth integer not null, team text not null,
  first_id text not null, second_id text not null,
  pair_id text not null, reservation_id text not null,
  reviewed integer not null default 0, trace_id text not null, body text not null);
create index hypotheses_by_state on hypotheses(state, reviewed);
create index hypotheses_by_worth on hypotheses(worth_order, number);
create index hypotheses_by_date on hypotheses(reached_at, number);
create index hypotheses_by_score on hypotheses(score_order, number);
create index hypotheses_by_strategy on hypotheses(strategy);
create index hypotheses_by_model on hypotheses(model);
create index hypotheses_by_team on hypotheses(team);
create index hypotheses_by_depth on hypotheses(depth);
create index hypotheses_by_insight on hypotheses(insight_id);
create index hypotheses_by_first on hypotheses(first_id);
create index hypotheses_by_second on hypotheses(second_id);
create index hypotheses_by_pair on hypotheses(pair_id);
create index hypotheses_by_reservation on hypotheses(reservation_id);
create index hypotheses_by_trace on hypotheses(trace_id);
create table verdicts(
  verdict_id text primary key, hypothesis_id text not null, reached_at real not null);
create index verdicts_by_hypothesis on verdicts(hypothesis_id);
create table facts(fact_id text primary key, body text not null);
create table reviews(
  message_id text primary key, verdict_id text not null, recorded_at real not null,
  body text not null);
create index reviews_by_verdict on reviews(verdict_id);
create table outcomes(
  message_id text primary key, verdict_id text not null, recorded_at real not null,
  body text not null);
create index outcomes_by_verdict on outcomes(verdict_id);
create table insights(
  insight_id text primary key, active integer not null, changed_at real not null);
create table visibility(
  message_id text primary key, insight_id text not null, at real not null, body text not null);
create index visibility_by_insight on visibility(insight_id);
create table ledger(
  sequence integer not null, number integer not null, at real not null, kind text not null,
  stage text not null, model text not null, team text not null, purpose text not null,
  key text not null, amount_nanousd integer, reservation_id text not null, attempt_id text not null,
  who text not null, text text not null, primary key(sequence, number));
create index ledger_by_kind on ledger(kind, sequence);
create table reservations(
  reservation_id text primary key, purpose text not null, key text not null);
create table attempts(
  attempt_id text primary key, stage text not null, model text not null, team text not null,
  reservation_id text not null);
create table spend(
  hour integer not null, stage text not null, model text not null, team text not null,
  purpose text not null, key text not null, calls integer not null,
  settled_nanousd integer not null, primary key(hour, stage, model, team, purpose, key));
create table marks(stream text primary key, body text not null);
create virtual table words using fts5(
  title, hypothesis, reasoning, implication, if_false, facts, tokenize = 'porter unicode61');
"""


def open_database(path: Path | None) -> sqlite3.Connection:
    """Open the index, empty if the file is unreadable or of another version. None: in memory."""
    if path is None:
        return _create(sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False))
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        connection.executescript(PRAGMAS)
        if connection.execute("pragma user_version").fetchone()[0] == VERSION:
            return connection
        connection.close()
    except sqlite3.DatabaseError:  # no database, or a damaged one
        pass
    path.unlink(missing_ok=True)
    return _create(sqlite3.connect(path, isolation_level=None, check_same_thread=False))


def _create(connection: sqlite3.Connection) -> sqlite3.Connection:
    connection.executescript(f"{PRAGMAS} {TABLES} pragma user_version = {VERSION};")
    return connection
