"""A process that reads a document can do no harm, and its end is a line in the report."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import psutil
import pytest
import pytest_asyncio

from daydream_contracts.errors import ConfigurationError
from daydream_memory.sandbox import (
    ReadingPool,
    ReadOutcome,
    ReadRequest,
    SandboxLimits,
    file_with,
    reading_pool,
)

pytestmark = [
    pytest.mark.skipif(sys.platform != "linux", reason="layers of Linux"),
    pytest.mark.asyncio(loop_scope="module"),
]
ATTACKS = "support.sandbox_attacks"
LIMITS = SandboxLimits(memory_mb=160, cpu_s=1, wall_s=20, output_mb=1, documents_per_worker=3)


async def attack(pool: ReadingPool, text: str, labels: tuple[str, str] = ("", "")) -> ReadOutcome:
    with file_with(text.encode()) as document:
        return await pool.read(document, ReadRequest(source="/notes/a.md"), labels)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def pool() -> AsyncIterator[ReadingPool]:
    async with reading_pool(LIMITS, 1, module=ATTACKS) as started:
        yield started


@pytest.mark.fault("F26 F38", invariant="what a limit of memory or time ends is said")
async def test_what_a_limit_ends_is_said_and_what_was_read_before_is_kept(
    pool: ReadingPool,
) -> None:
    for text, reason in (
        ("hoard", "it needed more than 160 MB of memory"),
        ("spin", "it needed more than 1 s of processor time"),
        ("flood 1500000", "its text is larger than 1 MB"),
        ("crash", "the reader ended with SIGSEGV"),
        ("exit 3", "the reader ended with code 3"),
        ("lie", "the reader answered with no answer"),
    ):
        outcome = await attack(pool, text)
        assert outcome.stopped.startswith(f"reading stopped: {reason}"), text
        assert [fact.text for fact in outcome.facts[:1]] == [f"before {text.split()[0]}"]
        assert outcome.ended is not None
        assert outcome.ended.rss_mb <= LIMITS.memory_mb
    assert (await attack(pool, "nothing else")).facts[-1].text == "else"


async def test_a_fault_of_a_reader_is_a_refusal(pool: ReadingPool) -> None:
    assert (await attack(pool, "raise odd page")).stopped == (
        "cannot be read: ValueError: odd page"
    )
    assert (await attack(pool, "nest")).stopped == "cannot be read: it is nested too deeply"


async def test_a_reader_that_waits_is_ended_after_the_wall_time() -> None:
    async with reading_pool(replace(LIMITS, wall_s=0.2), 1, module=ATTACKS) as pool:
        assert (await attack(pool, "sleep")).stopped == "reading stopped: it took more than 0.2 s"


async def test_a_process_has_no_key_and_no_descriptor_of_the_service(
    pool: ReadingPool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SECRET_KEY", "secret")
    names = (await attack(pool, "environment")).facts[-1].text.split()
    assert "SECRET_KEY" not in names
    assert "PATH" not in names
    descriptors = (await attack(pool, "descriptors")).facts[-1].text.split()
    assert descriptors == ["0", "1", "2", "3", "4"], "standard, the socket, its own memory"


@pytest.mark.parametrize("without", ["", "seccomp", "landlock"])
async def test_network_files_and_other_processes_are_out_of_reach(
    without: str, tmp_path: Path
) -> None:
    secret = tmp_path / "secret"
    secret.write_text("secret")
    listener = await asyncio.start_server(lambda _, writer: writer.close(), "127.0.0.1", 0)
    port = listener.sockets[0].getsockname()[1]
    attempts = [
        f"open {secret}",
        f"open /proc/{os.getpid()}/environ",
        f"write {tmp_path / 'new'}",
        f"connect 127.0.0.1:{port}",
        f"kill {os.getpid()}",
        "run /bin/true",
    ]
    if without == "seccomp":
        attempts.remove("run /bin/true")  # RLIMIT_NPROC does not bind root
    if without == "landlock":  # the filter of calls knows no names of files
        attempts = attempts[2:]
    if without != "seccomp":
        attempts.append("look-up example.org")
    layers = frozenset(filter(None, [without]))
    async with reading_pool(LIMITS, 1, module=ATTACKS, without=layers) as pool:
        for text in attempts:
            outcome = await attack(pool, text)
            assert outcome.stopped.startswith("cannot be read: "), text
        assert not (tmp_path / "new").exists()
        imported = await attack(pool, "import xml.dom.pulldom")
        assert imported.facts[-1].text == "xml.dom.pulldom", "readers load some modules late"
    listener.close()


async def test_a_process_serves_its_number_of_documents_and_one_pair_of_labels(
    pool: ReadingPool,
) -> None:
    labels = ("a team that had no document yet", "")
    seen = [(await attack(pool, f"remember {word}", labels)).facts[-1].text for word in "abcd"]
    assert seen == ["nothing", "a", "b", "nothing"]
    assert (await attack(pool, "remember e", ("chem", ""))).facts[-1].text == "nothing"


async def test_documents_that_fail_do_not_hold_up_the_others() -> None:
    async with reading_pool(LIMITS, 2, module=ATTACKS) as pool:
        sleeping = asyncio.create_task(attack(pool, "sleep"))
        outcomes = await asyncio.gather(*(attack(pool, f"nothing {word}") for word in "abcdef"))
        assert [outcome.facts[-1].text for outcome in outcomes] == list("abcdef")
        assert not sleeping.done()
        sleeping.cancel()


async def test_a_fork_server_that_the_system_ended_is_started_again(pool: ReadingPool) -> None:
    assert not (await attack(pool, "nothing here")).stopped
    os.kill(pool.forker.process.pid, signal.SIGKILL)
    await pool.forker.process.wait()
    outcomes = [await attack(pool, "nothing here") for _ in range(2)]
    assert not outcomes[-1].stopped


async def test_a_reading_that_is_cancelled_costs_its_process_and_nothing_else(
    pool: ReadingPool,
) -> None:
    await attack(pool, "nothing here")
    reading = asyncio.create_task(attack(pool, "spin"))
    while not pool.busy:
        await asyncio.sleep(0)
    reading.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reading
    assert (await attack(pool, "nothing here")).facts[-1].text == "here"


async def test_a_reading_that_is_cancelled_while_its_process_is_replaced_leaves_one(
    pool: ReadingPool,
) -> None:
    for team in ("a", "b", "c"):
        await attack(pool, "nothing here", (team, ""))
        waiting = asyncio.create_task(attack(pool, "nothing here", (f"not {team}", "")))
        while not pool.forker.asked:  # it has taken the process, and waits for another one
            await asyncio.sleep(0)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
    async with asyncio.timeout(20):
        assert (await attack(pool, "nothing here")).facts[-1].text == "here"


async def test_a_pool_that_is_closed_while_it_starts_leaves_no_process() -> None:
    before = {child.pid for child in psutil.Process().children(recursive=True)}
    async with reading_pool(LIMITS, 1, module=ATTACKS) as starting:
        while not hasattr(starting.forker, "process"):
            await asyncio.sleep(0)
        pid = starting.forker.process.pid
        assert pid not in before
    await asyncio.wait_for(starting.forker.process.wait(), 10)
    assert not psutil.pid_exists(pid)


async def test_what_is_not_denied_is_said_at_the_start_and_can_end_it(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level("INFO")
    async with reading_pool(LIMITS, 1, module=ATTACKS, strict=True):
        pass
    assert "network denied, files denied, processes denied, signals denied" in caplog.text
    bare = frozenset({"seccomp", "landlock"})
    with pytest.raises(ConfigurationError, match="network OPEN, files OPEN"):
        async with reading_pool(LIMITS, 1, module=ATTACKS, without=bare, strict=True):
            pass
