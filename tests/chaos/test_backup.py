"""The memory is backed up while everything runs, and restored.

What was judged since is there again, what was erased since is not.
"""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from support.programs import Daydream, EndpointProgram, until

pytestmark = pytest.mark.slow

SECRET = (
    "The alloy of the bell is a secret of this house, and nobody outside may ever read of it in"
    " any paper."
)
LATER = (
    "A note that was written after the backup, about the tides that turn the mills on the coast"
    " twice a day."
)


def pairs(daydream: Daydream) -> Counter[tuple[str, ...]]:
    verdicts = daydream.verdicts()
    return Counter(
        tuple(
            sorted(verdict["hypothesis"]["pair"][side]["fact_id"] for side in ("first", "second"))
        )
        for verdict in verdicts
    )


def save_backup(running: Daydream, saved: Path) -> dict[str, Any]:
    """Back up the memory, once. Return its state, which the backup has counted right."""
    state: dict[str, Any] = running.json("status")["memory"]
    made = running.json("backup", "save", str(saved))
    assert (made["facts"], made["verdicts"], made["size_bytes"]) == (
        state["facts"],
        state["verdicts"],
        saved.stat().st_size,
    )
    again = running("backup", "save", str(saved))
    assert again.returncode == 2, "an existing file is not overwritten"
    return state


def change_memory(running: Daydream, notes: Path) -> str:
    """Ingest a note, erase another, and retract an insight. Return the insight's verdict."""
    (notes / "later.md").write_text(LATER)
    running.items("ingest", str(notes / "later.md"))
    running.json("erase", str(notes / "secret.md"), "--yes")
    insight: str = running.items("insights")[0]["verdict_id"]
    running.items("retract", insight, "--who", "ada")
    return insight


def check_incomplete_backup_is_refused(running: Daydream, saved: Path, broken: Path) -> None:
    broken.write_bytes(saved.read_bytes()[:-5000])
    refused = running("backup", "restore", str(broken), "--yes", "--no-save")
    assert refused.returncode != 0
    assert "backup" in refused.stderr


def restore_backup(running: Daydream, saved: Path, before: dict[str, Any]) -> None:
    """Restore the memory, and wait until it has restarted with another generation."""
    memory = running.processes()["memory"]
    restored = running.json("backup", "restore", str(saved), "--yes", "--who", "ada")
    assert (restored["facts"], restored["lost"]) == (before["facts"], 0)
    assert restored["replayed"] >= 6
    assert Path(restored["saved"]).exists()
    until(lambda: running.processes()["memory"] != memory, "the memory to restart", 30)

    def has_new_generation() -> bool:
        status = running("status", "--json")
        return (
            status.returncode == 0
            and json.loads(status.stdout)["memory"]["generation"] != before["generation"]
        )

    until(has_new_generation, "the restored memory", 60)


def check_notes_are_not_found(running: Daydream) -> None:
    hits = [hit for text in (SECRET, LATER) for hit in running.json("ask", text)["hits"]]
    texts = {hit["fact"]["text"] for hit in hits}
    assert not texts & {SECRET, LATER}, "erased, and not ingested again yet"


@pytest.mark.fault("F22", invariant="a restored memory has every verdict")
def test_a_restored_memory_loses_nothing_that_was_paid_for(
    tmp_path: Path, endpoint: EndpointProgram
) -> None:
    daydream = Daydream(tmp_path / "user", endpoint)
    saved, notes = tmp_path / "memory.backup", tmp_path / "notes"
    notes.mkdir()
    (notes / "secret.md").write_text(SECRET)
    assert daydream("run", "-n", "6", "--cap", "1").returncode == 0
    with daydream.up() as running:
        running.items("ingest", str(notes))
        until(
            lambda: running.json("status")["memory"]["facts_pending"] == 0,
            "everything embedded",
            60,
        )
        before = save_backup(running, saved)
    assert daydream("run", "-n", "6", "--cap", "1").returncode == 0, "daydreams after the backup"
    with daydream.up() as running:
        insight = change_memory(running, notes)
        judged = pairs(running)
        check_incomplete_backup_is_refused(running, saved, tmp_path / "broken")
        restore_backup(running, saved, before)
        assert pairs(running) == judged
        check_notes_are_not_found(running)
        assert running.items("retract", insight, "--who", "bob")[0]["hidden"]
        running.items("ingest", str(notes / "later.md"))
    assert daydream("run", "-n", "6", "--cap", "1").returncode == 0
    with daydream.up() as running:
        after = pairs(running)
        assert sum(after.values()) == sum(judged.values()) + 6
        assert max(after.values()) == 1, "no pair is paid for twice"
