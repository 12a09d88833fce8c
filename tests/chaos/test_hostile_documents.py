"""A folder of hostile documents: each ends within its limits, the rest is read, search answers."""

from __future__ import annotations

import json
import os
import threading
import time
from pathlib import Path

import psutil
import pytest

from daydream_contracts.rpc import Search
from daydream_contracts.topology import MEMORY_SEARCH
from support.hostile_documents import LARGE, SENTENCE, SMALL
from support.programs import Daydream

pytestmark = pytest.mark.slow
NOTES = 20
SEARCH_S_MAX = 1.0
STOPPED = ("reading stopped: ", "reading stopped after ")  # with nothing or a part of it read
PAUSE_S = 0.5


def hostile_folder(folder: Path) -> Path:
    """Write all hostile documents, with sound notes between them and what is no file."""
    folder.mkdir()
    for name, make in {**SMALL, **LARGE}.items():
        (folder / f"m-{name}").write_bytes(make())
    for number in range(NOTES):
        name = f"{'an'[number % 2]}{number}.md"
        (folder / name).write_text(f"# Ice {number}\n\n{SENTENCE} That was in year {number}.\n")
    Path(os.fsdecode(os.fsencode(folder) + b"/odd-\xff.md")).write_text(f"An odd name. {SENTENCE}")
    os.mkfifo(folder / "pipe.md")
    (folder / "out").symlink_to("/etc")
    (folder / "loop").symlink_to(folder)
    return folder


class Watch(threading.Thread):
    """Searches again and again, and notes the slowest answer and the memory of the service."""

    def __init__(self, daydream: Daydream) -> None:
        super().__init__(daemon=True)
        self.daydream, self.stopping = daydream, threading.Event()
        self.slowest_s, self.rss_mb_max, self.rss_mb_first = 0.0, 0.0, 0.0

    def run(self) -> None:
        memory = psutil.Process(self.daydream.processes()["memory"])
        self.daydream.request(MEMORY_SEARCH, Search(text="ice", limit=5))
        self.rss_mb_first = memory.memory_info().rss / 2**20
        while not self.stopping.wait(PAUSE_S):
            started = time.perf_counter()
            self.daydream.request(MEMORY_SEARCH, Search(text="ice on a lake in spring", limit=5))
            self.slowest_s = max(self.slowest_s, time.perf_counter() - started)
            self.rss_mb_max = max(self.rss_mb_max, memory.memory_info().rss / 2**20)


@pytest.mark.timeout(1200)
@pytest.mark.fault(
    "F26", invariant="the rest of the folder is read, and a search answers meanwhile"
)
def test_hostile_documents_hold_up_neither_the_rest_of_the_folder_nor_a_search(
    tmp_path: Path,
) -> None:
    folder = hostile_folder(tmp_path / "documents")
    daydream = Daydream(tmp_path / "user", None)
    with daydream.readers("memory", "budget"):
        watch = Watch(daydream)
        watch.start()
        done = daydream("ingest", str(folder), "--json", timeout_s=1000)
        watch.stopping.set()
        watch.join()
    assert done.returncode == 0, done.stderr
    reports = {Path(each["source"]).name: each for each in json.loads(done.stdout)["items"]}
    assert len(reports) == len(SMALL) + len(LARGE) + NOTES + 4
    for name, report in reports.items():
        if name.endswith(".md") and not name.startswith(("m-", "pipe")):
            assert (report["status"], report["facts"]) == ("read", 1), name
        notes = [report["note"], *(part["text"] for part in report["left_out"])]
        assert report["status"] == "read" or any(notes), name
    stopped = [
        part["text"]
        for report in reports.values()
        for part in report["left_out"]
        if part["kind"] == "stopped"
    ]
    assert stopped, "some need more than a document may"
    assert all(text.startswith(STOPPED) for text in stopped), stopped
    assert watch.slowest_s < SEARCH_S_MAX
    assert watch.rss_mb_max < watch.rss_mb_first + 150, "documents are not in its memory"
