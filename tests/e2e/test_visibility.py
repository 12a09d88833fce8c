"""Hide documents, facts and insights, and use them again, while everything is running."""

from __future__ import annotations

import signal
from pathlib import Path

from daydream_contracts.rpc import EmptyRequest, ListVerdicts, MemoryState, Search, SetGoal
from daydream_contracts.topology import (
    MEMORY_SEARCH,
    MEMORY_STATE,
    MEMORY_VERDICTS,
    SAMPLER_GOAL,
)
from support.programs import Daydream, EndpointProgram, until

ICE = (
    "Glaciers carve valleys with a round floor, rivers carve valleys with a sharp one, "
    "and both can be told apart."
)
SALT = (
    "Salt was once so dear that armies were paid in it, and roads were built for nothing "
    "but to carry it inland."
)

NOTES = (
    "Bees tell each other by a dance where flowers are, and how far it is to fly there.",
    "A market finds a price without anybody who knows all that buyers and sellers know.",
    "Ships became cheap to load when every box of cargo had the same size and corners.",
    "Bread rises because yeast breathes, and the dough keeps what it breathes out.",
    "Old bridges of stone stand without mortar, since their weight presses them together.",
    "Children learn the grammar of a language from sentences that are full of mistakes.",
)


def test_documents_insights_and_questions_can_be_hidden_and_used_again(
    tmp_path: Path, endpoint: EndpointProgram
) -> None:
    # what passes the gates is promoted
    daydream = Daydream(tmp_path / "user", endpoint, DAYDREAM_CRITIC_PROMOTE_SCORE="1")
    with daydream.up(draws=True) as daydream:

        def memory() -> MemoryState:
            return daydream.request(MEMORY_STATE, EmptyRequest())

        promoted = daydream_until_an_insight(daydream, tmp_path / "first")
        (visibility,) = daydream.items("retract", promoted, "--who", "ada", "--why", "wrong")
        insight = visibility["fact"]["fact_id"]
        assert (visibility["hidden"], visibility["retracted_by"]) == (True, [insight])
        (visibility,) = daydream.items("reinstate", insight, "--who", "ada")
        assert not visibility["hidden"]

        note = tmp_path / "notes" / "note.md"
        note.parent.mkdir()
        for text, texts in ((ICE, [ICE]), (SALT, [SALT])):  # written, then edited
            note.write_text(text)
            (report,) = daydream.items("ingest", str(note.parent))
            assert (report["status"], report["current"]) == ("read", True)
            until(
                lambda: memory().facts_pending == 0,
                "everything embedded",
                30,
            )
            hits = daydream.json("ask", text)["hits"]
            assert [
                hit["fact"]["text"] for hit in hits if hit["fact"]["source"] == str(note)
            ] == texts
        note.unlink()
        assert daydream.items("remove", str(note.parent)) == [str(note)]
        assert memory().hidden == 2

        check_watching(daydream, tmp_path / "watched")

        assert daydream("question", "add", "Why is ice slippery?").returncode == 0
        assert daydream.items("question", "list") == ["Why is ice slippery?"]
        assert daydream("question", "close", "Why is ice slippery?").returncode == 0
        assert daydream.items("question", "list") == []


def daydream_until_an_insight(daydream: Daydream, folder: Path) -> str:
    """Read some notes, and draw pairs of them until one is promoted. Return its verdict's id."""
    folder.mkdir()
    for number, note in enumerate(NOTES):
        (folder / f"{number}.md").write_text(note)
    daydream.json("ingest", str(folder))
    insights = ListVerdicts(promoted_only=True, limit=1)
    (verdict,) = until(
        lambda: daydream.request(MEMORY_VERDICTS, insights).verdicts, "an insight", 60, poll_s=0.2
    )
    daydream.request(SAMPLER_GOAL, SetGoal(pairs_max=0))
    verdict_id: str = verdict.verdict_id
    return verdict_id


def check_watching(daydream: Daydream, folder: Path) -> None:
    """Watch a folder: existing files, new ones, edited, moved and removed ones."""
    (folder / "old").mkdir(parents=True)
    (folder / "first.md").write_text(
        "The first note was here before anybody watched, "
        "and tells of boats that need no wind at all."
    )

    def facts_by_file() -> dict[str, int]:
        query = Search(text="note boats wind harbour", limit=50)
        hits = daydream.request(MEMORY_SEARCH, query).hits
        sources = [Path(hit.fact.source) for hit in hits]
        return {
            str(source.relative_to(folder)): sources.count(source)
            for source in sources
            if source.is_relative_to(folder)
        }

    watcher = daydream.start("ingest", "--watch", str(folder))
    try:
        until(lambda: facts_by_file() == {"first.md": 1}, "the existing file", 40)
        (folder / "old" / "second.md").write_text(
            "The second note came later, "
            "and tells of a harbour that was moved three times in a century."
        )
        (folder / ".hidden.md").write_text(
            "The hidden note is nobody's business, "
            "though it also tells of boats, wind, and of a harbour."
        )
        until(lambda: facts_by_file() == {"first.md": 1, "old/second.md": 1}, "the new file", 40)
        (folder / "first.md").unlink()
        (folder / "old").rename(folder / "new")
        until(lambda: facts_by_file() == {"new/second.md": 1}, "the moved folder", 40)
    finally:
        watcher.send_signal(signal.SIGINT)
        watcher.communicate(timeout=30)
    assert watcher.returncode == 130


def test_facts_that_say_nearly_the_same_are_merged_and_separated_again(
    tmp_path: Path, endpoint: EndpointProgram
) -> None:
    notes = tmp_path / "notes"
    notes.mkdir()
    text = "The river delta grew by 12 metres a year, because the dam upstream held back no sand."
    for name, content in {
        "a": text,
        "b": text.replace("held back", "kept back"),
        "c": text.replace("12", "120"),
        "d": SALT,
    }.items():
        (notes / f"{name}.md").write_text(content)
    daydream = Daydream(tmp_path / "user", endpoint)
    with daydream.up() as daydream:
        daydream.items("ingest", str(notes))
        until(
            lambda: daydream.request(MEMORY_STATE, EmptyRequest()).facts_pending == 0,
            "all facts embedded",
        )
        hidden = daydream.request(MEMORY_STATE, EmptyRequest()).hidden
        shown = daydream.json("consolidate", "--dry-run")
        (repeat,) = shown["repeats"]
        assert {repeat["kept"]["source"], repeat["merged"]["source"]} == {
            str(notes / "a.md"),
            str(notes / "b.md"),
        }, "another number is another fact"
        assert daydream.request(MEMORY_STATE, EmptyRequest()).hidden == hidden
        assert daydream.json("consolidate", "--yes", "--who", "ada")["merged"]
        assert daydream.request(MEMORY_STATE, EmptyRequest()).hidden == hidden + 1
        assert daydream.json("consolidate", "--dry-run")["repeats"] == []
        assert daydream.json("consolidate", "--undo", "--yes")["separated"] == 1
        assert daydream.request(MEMORY_STATE, EmptyRequest()).hidden == hidden
        assert len(daydream.json("consolidate", "--dry-run")["repeats"]) == 1
