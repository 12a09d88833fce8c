"""A restored memory finds the verdicts that only the replaced one has."""

from __future__ import annotations

from pathlib import Path

from daydream_contracts.events import Decision
from daydream_memory.sqlite import open_sqlite_store
from support.store_cases import MODEL, add_active_facts, insight, verdict


async def test_only_the_verdicts_that_the_copy_lacks_are_taken_over(tmp_path: Path) -> None:
    store = open_sqlite_store(tmp_path, MODEL)
    await add_active_facts(store, "one", "two")
    for name in ("early", "late", "later"):
        added = insight(name, "id one", "id two")
        await store.verdicts.add(verdict(name, Decision.PROMOTED), added[1], added)
        if name == "early":
            assert store.backup is not None
            await store.backup.write_copy(store.backup.staged, {"positions": {}})
    await store.close()
    restored = open_sqlite_store(tmp_path, MODEL)
    assert restored.backup is not None
    assert (await restored.maintenance.counts()).verdicts == 1
    missing = [each async for each in restored.backup.replaced_verdicts()]
    assert [each.verdict_id for each in missing] == [
        verdict(name, Decision.PROMOTED).verdict_id for name in ("late", "later")
    ]
    async for each in restored.backup.replaced_verdicts():  # while they are written
        await restored.verdicts.add(each, None, None)
    assert [each async for each in restored.backup.replaced_verdicts()] == []
    await restored.backup.finish_restore()
    assert [each async for each in restored.backup.replaced_verdicts()] == []
    assert (await restored.maintenance.counts()).verdicts == 3
    await restored.close()
