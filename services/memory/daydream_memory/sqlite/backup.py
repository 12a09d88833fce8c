"""Copies of the SQLite store while it runs, and how one replaces it.

A copy at `staged` replaces the database at the next start (`install_staged`). The database that it
replaces stays beside it until the restore is finished: what was erased there is erased again, and
its verdicts are taken over, whose messages may be deleted. A crash at any point leaves a copy that
the next start installs, or an installed one.
"""

from __future__ import annotations

import asyncio
import json
import sqlite3
from collections.abc import AsyncIterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

from daydream_contracts.errors import PermanentError
from daydream_contracts.events import VerdictReached
from daydream_memory.erasure_record import ERASED, ERASED_NOTE
from daydream_memory.sqlite.database import SqliteDatabase
from daydream_memory.sqlite.erasure import SqliteErasure
from daydream_memory.sqlite.schema import SCHEMA_VERSION
from daydream_memory.store import BackupContents

STAGED, REPLACED = "restore.db", "before-restore.db"
BACKUP_KEY, RESTORED_KEY = "backup", "restored"
FACT_COUNT = "select count(*) from facts where ordinal is not null"
VERDICT_COUNT = "select count(*) from verdicts"
ERASED_FACTS = "select fact_id from retracted where root = ?"
ERASED_DOCUMENTS = """select source, note from documents
  where status = 'refused' and note like ? || '%'"""
ERASED_VERDICTS = "select body, text, verdict_id from verdicts where text = ?"
ERASE_VERDICT = """update verdicts set body = ?, text = ?, vector = zeroblob(length(vector))
  where verdict_id = ?"""
ONLY_REPLACED = """select body from verdicts v
  where not exists (select 1 from restored.verdicts r where r.verdict_id = v.verdict_id)
  order by v.seq"""


@dataclass(frozen=True)
class SqliteBackup:
    """A `BackupSupport`."""

    database: SqliteDatabase
    erasure: SqliteErasure

    @property
    def staged(self) -> Path:
        return self.database.file.with_name(STAGED)

    @property
    def _replaced(self) -> Path:
        return self.database.file.with_name(REPLACED)

    async def write_copy(self, target: Path, context: Mapping[str, object]) -> BackupContents:
        """Use SQLite's own online backup: readers and writers continue meanwhile."""
        return await asyncio.to_thread(_write_copy, self.database.file, target, context)

    def read_contents(self, copy: Path) -> BackupContents:
        return read_contents(copy)

    async def restored_context(self) -> Mapping[str, object] | None:
        text = await self.database.run(lambda: self.database.read_meta(RESTORED_KEY))
        context: Mapping[str, object] | None = json.loads(text) if text else None
        return context

    async def erase_again(self) -> None:
        if not self._replaced.exists():
            return
        with closing(sqlite3.connect(self._replaced)) as db:
            fact_ids = [key for (key,) in db.execute(ERASED_FACTS, (ERASED,))]
            documents = db.execute(ERASED_DOCUMENTS, (ERASED_NOTE,)).fetchall()
            verdicts = db.execute(ERASED_VERDICTS, (ERASED,)).fetchall()
        for note in sorted({note for _, note in documents} or {ERASED_NOTE}):
            sources = [source for source, its_note in documents if its_note == note]
            await self.erasure.erase(sources, fact_ids, derived=False, note=note)
        await self.database.run_transaction(
            lambda: self.database.connection.executemany(ERASE_VERDICT, verdicts)
        )
        self.database.hypothesis_vectors.erase([verdict_id for _, _, verdict_id in verdicts])

    async def replaced_verdicts(self) -> AsyncIterator[VerdictReached]:
        if not self._replaced.exists():
            return
        with closing(sqlite3.connect(self._replaced, uri=True)) as db:
            db.execute(
                "attach ? as restored", (f"{self.database.file.absolute().as_uri()}?mode=ro",)
            )
            for (body,) in db.execute(ONLY_REPLACED):
                yield VerdictReached.model_validate_json(body)

    async def finish_restore(self) -> None:
        query = "delete from meta where key = ?"
        await self.database.run(lambda: self.database.connection.execute(query, (RESTORED_KEY,)))
        self._replaced.unlink(missing_ok=True)


def install_staged(file: Path) -> Path | None:
    """Replace the database with the staged copy. Return the path of the old one.

    None: no copy is staged. A crash leaves the copy staged, and the next start does this again.
    """
    staged, replaced = file.with_name(STAGED), file.with_name(REPLACED)
    if not staged.exists():
        return None
    with closing(sqlite3.connect(staged, isolation_level=None)) as db:
        db.execute("insert or replace into meta values('generation', ?)", (uuid4().hex,))
        query = "insert or replace into meta select ?, value from meta where key = ?"
        db.execute(query, (RESTORED_KEY, BACKUP_KEY))
    if file.exists():
        with closing(sqlite3.connect(file, isolation_level=None)) as db:
            db.execute("pragma wal_checkpoint(truncate)")
            db.execute("pragma journal_mode = delete")
        file.replace(replaced)
    staged.replace(file)
    return replaced


def read_contents(copy: Path) -> BackupContents:
    """Check a copy and return what it holds. Raise PermanentError for an unusable file."""
    try:
        with closing(sqlite3.connect(f"file:{copy}?mode=ro", uri=True)) as db:
            ((integrity,),) = db.execute("pragma quick_check(1)").fetchall()
            meta = dict(db.execute("select key, value from meta").fetchall())
            facts, verdicts = _count(db)
    except (sqlite3.Error, ValueError) as error:
        raise PermanentError("broken-backup", f"Not a backup of a memory: {error}") from None
    if integrity != "ok" or meta.get("schema") != SCHEMA_VERSION or BACKUP_KEY not in meta:
        raise PermanentError(
            "broken-backup",
            f"Not a complete backup of a memory with schema {SCHEMA_VERSION}: {integrity}",
        )
    return BackupContents(facts, verdicts, json.loads(meta[BACKUP_KEY]))


def _write_copy(file: Path, target: Path, context: Mapping[str, object]) -> BackupContents:
    target.unlink(missing_ok=True)
    with (
        closing(sqlite3.connect(file)) as source,
        closing(sqlite3.connect(target, isolation_level=None)) as copy,
    ):
        source.backup(copy)
        copy.execute("pragma journal_mode = delete")
        row = (BACKUP_KEY, json.dumps(context))
        copy.execute("insert or replace into meta values(?, ?)", row)
        facts, verdicts = _count(copy)
    return BackupContents(facts, verdicts, context)


def _count(db: sqlite3.Connection) -> tuple[int, int]:
    (facts,) = db.execute(FACT_COUNT).fetchone()
    (verdicts,) = db.execute(VERDICT_COUNT).fetchone()
    return facts, verdicts
