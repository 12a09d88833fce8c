"""The SQLite store may not grow, as on a full disk: work waits, and continues once it may.

A maximum of pages makes SQLite answer what it answers on a full disk, at an exact place.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from daydream_contracts.errors import RetryLaterError
from daydream_contracts.events import Decision
from daydream_memory.sqlite import open_sqlite_store
from daydream_memory.sqlite.verdicts import SqliteVerdicts
from support.store_cases import MODEL, add_active_facts, insight, texts_near, verdict

UNLIMITED = 2**31


@pytest.mark.fault(
    "F25", invariant="what the memory can not store waits, and is stored once there is space"
)
async def test_what_can_not_be_stored_waits_and_is_stored_once_there_is_space(
    tmp_path: Path,
) -> None:
    store = open_sqlite_store(tmp_path, MODEL)
    verdicts = store.verdicts
    assert isinstance(verdicts, SqliteVerdicts)
    connection = verdicts.database.connection
    await add_active_facts(store, "one", "two")
    (pages,) = connection.execute("pragma page_count").fetchone()
    connection.execute(f"pragma max_page_count={pages}")
    added = insight("new", "id one", "id two")
    promoted = verdict("new", Decision.PROMOTED, explanation="long " * 20_000)
    for _ in range(3):
        with pytest.raises(RetryLaterError, match="full"):
            await verdicts.add(promoted, added[1], added)
    assert not connection.in_transaction, "the next write can begin"
    assert await texts_near(store, "one") == {"one", "two"}, "it can still be read"
    assert (await store.maintenance.counts()).verdicts == 0
    connection.execute(f"pragma max_page_count={UNLIMITED}")
    for _ in range(2):
        await verdicts.add(promoted, added[1], added)
    assert (await store.maintenance.counts()).verdicts == 1
    assert "insight about new" in await texts_near(store, "insight about new")
    await store.close()
