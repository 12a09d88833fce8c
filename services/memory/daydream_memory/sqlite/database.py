"""The connection: SQLite (WAL, synchronous=FULL) holds the data, matrices in memory the vectors.

What SQLite has acknowledged survives a kill and a power failure. The matrices are built from it at
start. An ordinal is the row of a fact's vector.
"""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar
from uuid import uuid4

import numpy as np

from daydream_contracts.errors import ConfigurationError, RetryLaterError
from daydream_memory.sqlite import visibility_rules
from daydream_memory.sqlite.schema import SCHEMA_VERSION, migrate
from daydream_memory.vectors import VectorTable

R = TypeVar("R")
LOAD_BATCH_ROWS = 5000
THREADS = 4
# A full disk, an error of the disk, too little memory, or another process that reads the file.
PASSING_CODES = (
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_NOMEM,
    sqlite3.SQLITE_BUSY,
    sqlite3.SQLITE_LOCKED,
    sqlite3.SQLITE_CANTOPEN,
)
PRIMARY_CODE = 0xFF  # the rest of SQLite's codes is detail
LOAD_FACTS = "select fact_id, vector from facts where ordinal is not null order by ordinal"
LOAD_HYPOTHESES = "select verdict_id, vector from verdicts where vector is not null order by seq"


class SqliteDatabase:
    """One file, one lock, and the vectors in memory. One process at a time.

    The other parts of the store share it. Use `connection` only inside `run`.
    """

    def __init__(self, file: Path, embedding_model: str) -> None:
        self.file = file
        self.connection = _open(file)
        self._lock = threading.Lock()
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="store")
        self.fact_vectors = VectorTable()
        self.hypothesis_vectors = VectorTable()
        schema = self._stored_or("schema", SCHEMA_VERSION)
        if schema != SCHEMA_VERSION:
            raise ConfigurationError(
                f"This memory was created with schema {schema}, not {SCHEMA_VERSION}",
                "Use that version, or another folder",
            )
        self.embedding_model = self._stored_or("embedding_model", embedding_model)
        self.next_model = self._prepare_next_model(embedding_model)
        self.generation = self._stored_or("generation", uuid4().hex)
        self.load_vectors()

    def _stored_or(self, key: str, value: str) -> str:
        """Return what the file holds under a key. Store this value if there was none."""
        self.connection.execute("insert or ignore into meta values(?, ?)", (key, value))
        return self.read_meta(key) or ""

    def _prepare_next_model(self, wanted: str) -> str:
        """Return the model that follows, or "". Drop the vectors made for another one."""
        next_model = wanted if wanted != self.embedding_model else ""
        if self._stored_or("next_model", next_model) != next_model:
            self.connection.execute("delete from next_vectors")
            self.write_meta("next_model", next_model)
        return next_model

    def read_meta(self, key: str) -> str | None:
        """Return a text of the store as a whole."""
        row = self.connection.execute("select value from meta where key = ?", (key,)).fetchone()
        return str(row[0]) if row else None

    def write_meta(self, key: str, value: str) -> None:
        """Store a text of the store as a whole."""
        self.connection.execute("insert or replace into meta values(?, ?)", (key, value))

    def load_vectors(self) -> None:
        """Build the matrices from the file."""
        self.fact_vectors = self._load(LOAD_FACTS)
        self.hypothesis_vectors = self._load(LOAD_HYPOTHESES)
        self.fact_vectors.hide(visibility_rules.all_hidden(self.connection), hidden=True)

    def _load(self, query: str) -> VectorTable:
        table = VectorTable()
        cursor = self.connection.execute(query)
        while rows := cursor.fetchmany(LOAD_BATCH_ROWS):
            table.append(
                [key for key, _ in rows],
                np.stack([np.frombuffer(vector, np.float32) for _, vector in rows]),
            )
        return table

    async def run(self, work: Callable[[], R]) -> R:
        """Run this in a thread while holding the lock."""
        return await self.run_unlocked(lambda: self.locked(work))

    def locked(self, work: Callable[[], R]) -> R:
        """Do this while holding the lock. Call it in a thread."""
        with self._lock:
            return work()

    async def run_unlocked(self, work: Callable[[], R]) -> R:
        """Run this in a thread. For work that needs vectors only: rows never change.

        Raise RetryLaterError for what is the disk's fault and can end: its messages wait.
        """
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, work)
        except sqlite3.OperationalError as error:
            if getattr(error, "sqlite_errorcode", 0) & PRIMARY_CODE not in PASSING_CODES:
                raise
            raise RetryLaterError(f"the memory can't use {self.file}: {error}") from error

    def transaction(self, work: Callable[[], R]) -> R:
        """Do this in one transaction, all or nothing. Call it inside `run`."""
        self.connection.execute("begin immediate")
        try:
            result = work()
            self.connection.execute("commit")
        except BaseException:
            if self.connection.in_transaction:  # SQLite ends it itself when the disk is full
                self.connection.execute("rollback")
            raise
        return result

    async def run_transaction(self, work: Callable[[], R]) -> R:
        """Do this in one transaction, in a thread, while holding the lock."""
        return await self.run(lambda: self.transaction(work))

    def close(self) -> None:
        """Finish what is running, and close the file."""
        self._threads.shutdown(wait=True)
        self.connection.close()


def _open(file: Path) -> sqlite3.Connection:
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        connection = sqlite3.connect(file, check_same_thread=False, isolation_level=None)
        connection.execute("pragma journal_mode=wal")
        connection.execute("pragma synchronous=full")
        migrate(connection)
    except (OSError, sqlite3.Error) as error:
        raise ConfigurationError(
            f"Cannot use the memory folder {file.parent}: {error}",
            "Set DAYDREAM_MEMORY_FOLDER to a writable folder",
        ) from None
    return connection
