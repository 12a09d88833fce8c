"""The embedded store: SQLite is the truth, vectors are kept in memory beside it."""

from daydream_memory.sqlite.store import SqliteStore

__all__ = ["SqliteStore"]
