"""The SQLite store, put together from its parts."""

from __future__ import annotations

from pathlib import Path

from daydream_memory.sqlite.backup import SqliteBackup, install_staged
from daydream_memory.sqlite.database import SqliteDatabase
from daydream_memory.sqlite.documents import SqliteDocuments
from daydream_memory.sqlite.erasure import SqliteErasure
from daydream_memory.sqlite.fact_table import SqliteFactTable
from daydream_memory.sqlite.facts import SqliteFacts
from daydream_memory.sqlite.maintenance import SqliteMaintenance
from daydream_memory.sqlite.model_migration import SqliteModelMigration
from daydream_memory.sqlite.vector_index import INDEX_MIN_FACTS, SqliteVectorIndex
from daydream_memory.sqlite.verdicts import SqliteVerdicts
from daydream_memory.sqlite.visibility import SqliteVisibility
from daydream_memory.store import Store

DATABASE_FILE = "memory.db"


def open_sqlite_store(
    folder: Path, embedding_model: str, *, index_min_facts: int = INDEX_MIN_FACTS
) -> Store:
    """Open the store in this folder, one process at a time. Install a staged backup first.

    Raise ConfigurationError for a folder or a schema that cannot be used.
    """
    file = folder / DATABASE_FILE
    install_staged(file)
    database = SqliteDatabase(file, embedding_model)
    table = SqliteFactTable(database)
    index = SqliteVectorIndex(database, index_min_facts)
    erasure = SqliteErasure(database, table, index)
    return Store(
        facts=SqliteFacts(database, table, index),
        verdicts=SqliteVerdicts(database, table),
        documents=SqliteDocuments(database, table),
        visibility=SqliteVisibility(database, table),
        erasure=erasure,
        migration=SqliteModelMigration(database, index),
        maintenance=SqliteMaintenance(database, index),
        backup=SqliteBackup(database, erasure),
    )
