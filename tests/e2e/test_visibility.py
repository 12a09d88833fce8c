"""What people take out of the draws, and bring back, while everything runs."""

from __future__ import annotations

import json
import signal
from pathlib import Path

from support.programs import Daydream, Endpoint, until

ICE = "Glaciers carve valleys with a round floor, rivers carve valleys with a sharp one, and both can be told apart."
SALT = "Salt was once so dear that armies were paid in it, and roads were built for nothing but to carry it inland."


def test_documents_insights_and_questions_go_out_of_the_draws_and_come_back(
    tmp_path: Path, endpoint: Endpoint
) -> None:
    daydream = Daydream(tmp_path / "user", endpoint)
    done = daydream("run", "-n", "8", "--cap", "1", "--json")
    promoted = json.loads(done.stdout)["insights"][0]["verdict_id"]
    with daydream.up() as daydream:

        def hidden() -> int:
            return int(daydream.json("status")["memory"]["hidden"])

        (standing,) = daydream.json("retract", promoted, "--who", "ada", "--why", "wrong")
        insight = standing["fact"]["fact_id"]
        assert (standing["hidden"], standing["withdrawn_by"]) == (True, [insight])
        (standing,) = daydream.json("reinstate", insight, "--who", "ada")
        assert not standing["hidden"]

        note = tmp_path / "notes" / "note.md"
        note.parent.mkdir()
        for text, found in ((ICE, [ICE]), (SALT, [SALT])):  # written, and edited
            note.write_text(text)
            (report,) = daydream.json("ingest", str(note.parent))
            assert (report["status"], report["current"]) == ("read", True)
            until(
                lambda: daydream.json("status")["memory"]["facts_pending"] == 0,
                "everything embedded",
                30,
            )
            hits = daydream.json("ask", text)["hits"]
            assert [
                hit["fact"]["text"] for hit in hits if hit["fact"]["source"] == str(note)
            ] == found
        note.unlink()
        assert daydream.json("remove", str(note.parent)) == [str(note)]
        assert hidden() == 2

        follow(daydream, tmp_path / "watched")

        assert daydream("question", "add", "Why is ice slippery?").returncode == 0
        assert daydream.json("question", "list") == ["Why is ice slippery?"]
        assert daydream("question", "close", "Why is ice slippery?").returncode == 0
        assert daydream.json("question", "list") == []


def follow(daydream: Daydream, folder: Path) -> None:
    """A watched folder: what is there at first, what comes, what is edited, moved and removed."""
    (folder / "old").mkdir(parents=True)
    (folder / "first.md").write_text(
        "The first note was here before anybody watched, and tells of boats that need no wind at all."
    )

    def held() -> dict[str, int]:
        found = daydream.json("ask", "note boats wind harbour", "--limit", "50")["hits"]
        sources = [Path(hit["fact"]["source"]) for hit in found]
        return {
            str(one.relative_to(folder)): sources.count(one)
            for one in sources
            if one.is_relative_to(folder)
        }

    watcher = daydream.start("ingest", "--watch", str(folder))
    try:
        until(lambda: held() == {"first.md": 1}, "what was there", 40)
        (folder / "old" / "second.md").write_text(
            "The second note came later, and tells of a harbour that was moved three times in a century."
        )
        (folder / ".hidden.md").write_text(
            "The hidden note is nobody's business, though it also tells of boats, wind, and of a harbour."
        )
        until(lambda: held() == {"first.md": 1, "old/second.md": 1}, "what came", 40)
        (folder / "first.md").unlink()
        (folder / "old").rename(folder / "new")
        until(lambda: held() == {"new/second.md": 1}, "what was moved", 40)
    finally:
        watcher.send_signal(signal.SIGINT)
        watcher.communicate(timeout=30)
    assert watcher.returncode == 130
