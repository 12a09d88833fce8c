"""Real folders contain everything: unreadable files are reported, and the others are read."""

from __future__ import annotations

import json
import os
import random
from pathlib import Path

import pytest

from support.programs import Daydream, EndpointProgram

WORDS = [
    f"{first}{second}"
    for first in ("alp", "bor", "cen", "dur", "ele", "fjo", "gra", "hum")
    for second in ("ine", "der", "tral", "ing", "ment", "rds")
]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Create an odd folder, with a text of 20 MB in it."""
    folder = tmp_path / "documents"
    (folder / "deep").mkdir(parents=True)
    (folder / "empty.txt").write_bytes(b"")
    (folder / "photo.jpg").write_bytes(bytes(range(256)) * 200)
    broken = (
        b"The tide gauge at the old harbour was read twice a day for a hundred years "
        b"\xff\xfe by three families.\n"
    )
    (folder / "broken.txt").write_bytes(broken * 3)
    (folder / "records.jsonl").write_text(
        '{"title": "Peat", "text": "Peat grows about a millimetre a year where plants rot more '
        'slowly than they grow."}\nnot json\n'
    )
    (folder / "half.jsonl").write_text(
        '{"text": "Half of a pair \\ud83d stands in this record about the price of salt '
        'in old towns."}\n'
    )
    (folder / "deep" / "notes.md").write_text(
        "# Locks\n\n## Canal locks\n\nA lock lifts a boat by letting water in from above, "
        "and needs no pump, only a river that is high enough.\n"
    )
    generator = random.Random(3)
    lines = "".join(
        " ".join(generator.choices(WORDS, k=12)) + f" {number}.\n" for number in range(5000)
    )
    (folder / "large.txt").write_text(lines * (20_000_000 // len(lines) + 1))
    return folder


@pytest.mark.slow
def test_an_odd_folder_is_read_and_daydreams_start_before_all_is_embedded(
    folder: Path, tmp_path: Path, endpoint: EndpointProgram
) -> None:
    daydream = Daydream(tmp_path / "user", endpoint)
    done = daydream("run", str(folder), "-n", "6", "--cap", "1", "--json", timeout_s=170)
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    documents = {
        Path(report["source"]).name: (report["status"], report["note"])
        for report in result["documents"]
    }
    assert documents["empty.txt"] == ("skipped", "empty")
    assert documents["photo.jpg"][0] == "refused"
    assert "binary" in documents["photo.jpg"][1]
    assert documents["broken.txt"][0] == "read"
    assert "UTF-8" in documents["broken.txt"][1]
    assert documents["records.jsonl"] == ("read", "")
    assert documents["half.jsonl"] == ("read", "")
    assert documents["notes.md"] == documents["large.txt"] == ("read", "")
    assert result["daydreams"] == 6
    with daydream.readers("memory"):
        status = daydream.json("status")
    assert status["memory"]["facts_pending"] > 1000, "the rest follows in the background"


@pytest.mark.slow
def test_ingesting_the_same_file_again_changes_nothing(tmp_path: Path) -> None:
    (tmp_path / "one.md").write_text(
        "# Ice\n\nGlaciers carve valleys with a round floor, rivers carve valleys with a sharp "
        "one, and both can be told apart.\n"
    )
    daydream = Daydream(tmp_path / "user", None)
    first = daydream.items("ingest", str(tmp_path / "one.md"))
    second = daydream.items("ingest", str(tmp_path / "one.md"))
    assert (first[0]["status"], first[0]["facts"]) == ("read", 1)
    assert second[0]["note"] == "already known"
    with daydream.readers("memory"):
        assert daydream.json("status")["memory"]["documents"] == 1


def test_a_dry_run_stores_nothing_and_every_file_has_a_report(tmp_path: Path) -> None:
    folder = tmp_path / "notes"
    folder.mkdir()
    text = "Glaciers carve valleys with a round floor, rivers carve valleys with a sharp one.\n"
    (folder / "a.md").write_text(text)
    (folder / "copy.md").write_text(text)
    Path(os.fsdecode(os.fsencode(folder) + b"/odd-\xff.md")).write_text(f"# Odd\n\n{text}")
    (folder / "out.md").symlink_to("/etc/passwd")
    daydream = Daydream(tmp_path / "user", None)
    with daydream.readers("memory", "budget"):
        preview = daydream.json("ingest", str(folder), "--dry-run")
        assert daydream.items("documents") == []
        daydream.items("ingest", str(folder / "a.md"))
        reports = daydream.items("ingest", str(folder))
        listed = daydream.items("documents", str(folder), "--incomplete")
    assert (preview["facts"], preview["new_facts"], preview["embedding_model"]) == (3, 3, "")
    names = [Path(report["source"]).name for report in reports]
    assert names == ["a.md", "copy.md", r"odd-\xff.md", "out.md"]
    assert [report["status"] for report in reports] == ["read", "read", "read", "skipped"]
    assert reports[3]["note"] == "a link out of the folder; it is not followed"
    assert {report["status"] for report in preview["documents"]} == {"read", "skipped"}
    assert {part["kind"] for report in listed for part in report["left_out"]} == {"known"}
