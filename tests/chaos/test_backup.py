"""The memory is saved while everything runs, and put back: what was judged since is there again, what was erased since is not."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest

from support.programs import Daydream, Endpoint, until

pytestmark = pytest.mark.slow

SECRET = "The alloy of the bell is a secret of this house, and nobody outside may ever read of it in any paper."
LATER = "A note that was written after the backup, about the tides that turn the mills on the coast twice a day."


def pairs(daydream: Daydream) -> Counter[tuple[str, ...]]:
    found = daydream.json("insights", "--all", "--limit", "100")
    return Counter(
        tuple(sorted(one["hypothesis"]["pair"][side]["fact_id"] for side in ("first", "second")))
        for one in found
    )


def test_a_saved_memory_is_put_back_and_loses_nothing_that_was_paid_for(
    tmp_path: Path, endpoint: Endpoint
) -> None:
    daydream = Daydream(tmp_path / "user", endpoint)
    saved, notes = tmp_path / "memory.backup", tmp_path / "notes"
    notes.mkdir()
    (notes / "secret.md").write_text(SECRET)
    assert daydream("run", "-n", "6", "--cap", "1").returncode == 0
    with daydream.up() as running:
        running.json("ingest", str(notes))
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
            "what is there is not written over"
        )
    assert daydream("run", "-n", "6", "--cap", "1").returncode == 0, "daydreams after the backup"
    with daydream.up() as running:
        (notes / "later.md").write_text(LATER)
        running.json("ingest", str(notes / "later.md"))
        running.json("erase", str(notes / "secret.md"), "--yes")
        insight = running.json("insights")[0]["verdict_id"]
        running.json("retract", insight, "--who", "ada")
        judged, memory = pairs(running), running.processes()["memory"]

        broken = tmp_path / "broken"
        broken.write_bytes(saved.read_bytes()[:-5000])
        done = running("backup", "restore", str(broken), "--yes", "--no-save")
        assert done.returncode != 0
        assert "backup" in done.stderr

        done_ = running.json("backup", "restore", str(saved), "--yes", "--who", "ada")
        assert (done_["facts"], done_["gone"]) == (before["facts"], 0)
        assert done_["again"] >= 6
        assert Path(done_["saved"]).exists()
        until(lambda: running.processes()["memory"] != memory, "the memory to start anew", 30)

        def restored() -> bool:
            done = running("status", "--json")
            return (
                done.returncode == 0
                and json.loads(done.stdout)["memory"]["generation"] != before["generation"]
            )

        until(restored, "the memory of before", 60)
        assert pairs(running) == judged
        texts = {
            hit["fact"]["text"]
            for text in (SECRET, LATER)
            for hit in running.json("ask", text)["hits"]
        }
        assert not texts & {SECRET, LATER}, "erased, and not ingested again yet"
        assert running.json("retract", insight, "--who", "bob")[0]["hidden"]
        running.json("ingest", str(notes / "later.md"))
    assert daydream("run", "-n", "6", "--cap", "1").returncode == 0
    with daydream.up() as running:
        after = pairs(running)
        assert sum(after.values()) == sum(judged.values()) + 6
        assert max(after.values()) == 1, "no pair is paid for twice"
