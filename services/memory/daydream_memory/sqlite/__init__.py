"""The SQLite store: the database holds the data, the vectors are in memory too."""

from daydream_memory.sqlite.store import open_sqlite_store

__all__ = ["open_sqlite_store"]
