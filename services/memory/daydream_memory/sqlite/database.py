"""The connection: SQLite (WAL, synchronous=FULL) is the truth, the vectors are matrices in memory made from it at start.

What SQLite has acknowledged survives a kill and a power failure. Ordinals are the rows of the matrix of facts.
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

from daydream_contracts.errors import ConfigurationError
from daydream_memory.sqlite import visibility
from daydream_memory.sqlite.schema import SCHEMA_VERSION, migrate
from daydream_memory.vectors import VectorTable

R = TypeVar("R")
LOAD_BATCH = 5000


class Database:
    """One file, one lock, and the vectors beside it. One process at a time."""

    def __init__(self, folder: Path, embedding_model: str) -> None:
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self.file = folder / "memory.db"
            self._db = sqlite3.connect(self.file, check_same_thread=False, isolation_level=None)
            self._db.execute("pragma journal_mode=wal")
            self._db.execute("pragma synchronous=full")
            migrate(self._db)
        except (OSError, sqlite3.Error) as error:
            raise ConfigurationError(
                f"the memory folder {folder} can't be used: {error}",
                "Give a folder that can be written: DAYDREAM_MEMORY_FOLDER",
            ) from None
        self._lock = threading.Lock()
        self._threads = ThreadPoolExecutor(4, thread_name_prefix="store")
        self._facts = VectorTable()
        self._hypotheses = VectorTable()
        if (found := self._remembered("schema", SCHEMA_VERSION)) != SCHEMA_VERSION:
            raise ConfigurationError(
                f"this memory was made with schema {found}, not {SCHEMA_VERSION}",
                "Use that version, or another folder",
            )
        self.embedding_model = self._remembered("embedding_model", embedding_model)
        self.next_model = self._next(embedding_model)
        self.generation = self._remembered("generation", uuid4().hex)
        self._load()

    def _remembered(self, key: str, value: str) -> str:
        """What the file says under a key; this value, if it said nothing."""
        self._db.execute("insert or ignore into meta values(?, ?)", (key, value))
        (found,) = self._db.execute("select value from meta where key = ?", (key,)).fetchone()
        return str(found)

    def _next(self, embedding_model: str) -> str:
        """The model that follows, if it is another one. What was made for one that no longer follows is dropped."""
        wanted = embedding_model if embedding_model != self.embedding_model else ""
        if self._remembered("next_model", wanted) != wanted:
            self._db.execute("delete from next_vectors")
            self._db.execute("update meta set value = ? where key = 'next_model'", (wanted,))
        return wanted

    def _load(self) -> None:
        for table, query in (
            (
                self._facts,
                "select fact_id, vector from facts where ordinal is not null order by ordinal",
            ),
            (
                self._hypotheses,
                "select verdict_id, vector from verdicts where vector is not null order by seq",
            ),
        ):
            cursor = self._db.execute(query)
            while rows := cursor.fetchmany(LOAD_BATCH):
                table.append(
                    [row[0] for row in rows],
                    np.stack([np.frombuffer(row[1], np.float32) for row in rows]),
                )
        self._facts.hide(visibility.all_hidden(self._db), hidden=True)

    async def _run(self, work: Callable[[], R]) -> R:
        def locked() -> R:
            with self._lock:
                return work()

        return await asyncio.get_running_loop().run_in_executor(self._threads, locked)

    def _transaction(self, work: Callable[[], R]) -> R:
        self._db.execute("begin immediate")
        try:
            result = work()
        except BaseException:
            self._db.execute("rollback")
            raise
        self._db.execute("commit")
        return result

    async def close(self) -> None:
        self._threads.shutdown(wait=True)
        self._db.close()
