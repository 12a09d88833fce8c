"""The memory is backed up while everything runs, and restored.

What was judged since is there again, what was erased since is not.
"""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest

from support.programs import Daydream, Endpoint, until

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


def test_a_restored_memory_loses_nothing_that_was_paid_for(
    tmp_path: Path, endpoint: Endpoint
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
        before = running.json("status")["memory"]
        made = running.json("backup", "save", str(saved))
        assert (made["facts"], made["verdicts"], made["size_bytes"]) == (
            before["facts"],
            before["verdicts"],
            saved.stat().st_size,
        )
        assert running("backup", "save", str(saved)).returncode == 2, (
            "an existing file is not overwritten"
        )
    assert daydream("run", "-n", "6", "--cap", "1").returncode == 0, "daydreams after the backup"
    with daydream.up() as running:
        (notes / "later.md").write_text(LATER)
        running.items("ingest", str(notes / "later.md"))
        running.json("erase", str(notes / "secret.md"), "--yes")
        insight = running.items("insights")[0]["verdict_id"]
        running.items("retract", insight, "--who", "ada")
        judged, memory = pairs(running), running.processes()["memory"]

        broken = tmp_path / "broken"
        broken.write_bytes(saved.read_bytes()[:-5000])
        refused = running("backup", "restore", str(broken), "--yes", "--no-save")
        assert refused.returncode != 0
        assert "backup" in refused.stderr

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
        assert pairs(running) == judged
        texts = {
            hit["fact"]["text"]
            for text in (SECRET, LATER)
            for hit in running.json("ask", text)["hits"]
        }
        assert not texts & {SECRET, LATER}, "erased, and not ingested again yet"
        assert running.items("retract", insight, "--who", "bob")[0]["hidden"]
        running.items("ingest", str(notes / "later.md"))
    assert daydream("run", "-n", "6", "--cap", "1").returncode == 0
    with daydream.up() as running:
        after = pairs(running)
        assert sum(after.values()) == sum(judged.values()) + 6
        assert max(after.values()) == 1, "no pair is paid for twice"
