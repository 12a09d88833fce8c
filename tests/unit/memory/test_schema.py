"""A memory of an older version is brought up to date when it is opened, and loses nothing."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from daydream_memory.sqlite.schema import SCHEMA, migrate

STEPS = (
    "alter table removals add column who text not null default 'unknown'",
    "create table extra(key text primary key); insert into extra select source from removals",
)


@pytest.fixture
def older(tmp_path: Path) -> Path:
    """A file without any step, with one row."""
    file = tmp_path / "memory.db"
    db = sqlite3.connect(file)
    db.executescript(SCHEMA)
    db.execute("insert into removals values('/a.md', '2026-01-01')")
    db.commit()
    db.close()
    return file


def version(db: sqlite3.Connection) -> int:
    return int(db.execute("pragma user_version").fetchone()[0])


def test_an_older_file_gets_each_step_once_and_keeps_its_rows(older: Path) -> None:
    for _ in range(2):
        db = sqlite3.connect(older, isolation_level=None)
        migrate(db, STEPS)
        rows = db.execute("select source, at, who from removals").fetchall()
        assert rows == [("/a.md", "2026-01-01", "unknown")]
        assert db.execute("select key from extra").fetchall() == [("/a.md",)]
        assert version(db) == len(STEPS)
        db.close()


def test_a_file_continues_with_the_first_step_that_it_lacks(older: Path) -> None:
    db = sqlite3.connect(older, isolation_level=None)
    migrate(db, STEPS[:1])
    assert version(db) == 1
    migrate(db, STEPS)
    assert version(db) == 2
    db.close()


def test_a_step_that_fails_leaves_nothing_behind(older: Path) -> None:
    db = sqlite3.connect(older, isolation_level=None)
    with pytest.raises(sqlite3.Error):
        migrate(db, ("create table half(key text); insert into nowhere values(1)",))
    db.execute("rollback")
    assert version(db) == 0
    assert not db.execute("select name from sqlite_master where name = 'half'").fetchall()
    db.close()
