"""A pool of warm workers that read one document each at a time and are replaced when they fail.

    async with reading_pool(SandboxLimits(), size=2) as pool:
        outcome = await pool.read(descriptor, ReadRequest(source="notes.pdf"))

The workers start in the background; the first document waits for them. A document costs at most its
limits and the worker that reads it. When the forking process has ended, it is started again.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from tenacity import RetryCallState, retry, retry_if_exception_type, wait_fixed

from daydream_contracts.errors import ConfigurationError
from daydream_memory.sandbox.exchange import ReadOutcome, exchange, watch
from daydream_memory.sandbox.forker import Forker, SandboxWorker
from daydream_memory.sandbox.frames import ReadRequest
from daydream_memory.sandbox.limits import SandboxLimits, usage
from daydream_memory.sandbox.open_file import file_with

log = logging.getLogger(__name__)
RESTART_S = 1.0
READERS = "daydream_memory.sandbox.document_facts"
MUST_BE_DENIED = ("network", "files")
NO_LABELS = ("", "")


def _log_failed_start(state: RetryCallState) -> None:
    error = state.outcome.exception() if state.outcome else None
    log.warning("no process for reading documents could be started: %s", error)


@dataclass
class ReadingPool:
    """The workers, idle and busy. Use `reading_pool` to make one.

    `strict`: fail where a worker could reach the network or read files.
    """

    forker: Forker
    size: int
    strict: bool = False
    _idle: asyncio.Queue[SandboxWorker] = field(default_factory=asyncio.Queue)
    _forking: asyncio.Lock = field(default_factory=asyncio.Lock)
    busy: dict[int, tuple[SandboxWorker, float]] = field(default_factory=dict)
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)

    async def read(
        self, descriptor: int, request: ReadRequest, labels: tuple[str, str] = NO_LABELS
    ) -> ReadOutcome:
        """Read an open document. It never raises for what a document does.

        The worker gets the descriptor, never a name. One that has read a document with other
        labels (team, clearance) is replaced first, so that no text can pass between them.
        """
        worker = await self._idle.get()
        outcome = None
        try:
            if worker.ended.done() or (worker.documents and worker.labels != labels):
                worker = await self._replace(worker)
            worker.labels = labels
            self.busy[worker.pid] = worker, usage(worker.pid)[1]
            outcome = await exchange(self.forker, worker, descriptor, request)
            return outcome
        finally:  # a reading that is cancelled costs the worker too
            self.busy.pop(worker.pid, None)
            is_sound = outcome is not None and not outcome.stopped
            self._later(self._put_back(worker, is_sound=is_sound))

    async def start(self) -> None:
        """Start the workers, and say in the log what they are kept from.

        Raise ConfigurationError if `strict` and something is not denied that must be.
        """
        worker = await self._new()
        with file_with(b"") as probe:
            request = ReadRequest(source="", probes=True)
            denied = (await exchange(self.forker, worker, probe, request)).end.denied
        self._idle.put_nowait(worker)
        for _ in range(self.size - 1):
            self._idle.put_nowait(await self._new())
        held = ", ".join(f"{name} {'denied' if held else 'OPEN'}" for name, held in denied.items())
        limits = self.forker.limits
        is_tight = all(denied.get(name) for name in MUST_BE_DENIED)
        level = logging.INFO if all(denied.values()) and denied else logging.WARNING
        log.log(
            level,
            "documents are read by %d processes of %d MB at most: %s",
            self.size,
            limits.memory_mb,
            held or "the kernel's layers could not be checked",
        )
        if self.strict and not is_tight:
            raise ConfigurationError(
                f"The processes that read documents are not confined: {held}",
                "Allow seccomp and Landlock on this machine, or unset "
                "DAYDREAM_MEMORY_SANDBOX_STRICT",
            )

    def watch(self) -> None:
        """Begin to watch busy workers."""
        self._later(watch(self.busy, self.forker.limits, self.forker.kill))

    async def close(self) -> None:
        """End all workers."""
        for task in self._tasks:
            task.cancel()
        await self.forker.close()

    async def _put_back(self, worker: SandboxWorker, *, is_sound: bool) -> None:
        """Use a sound worker again while it may read more, else put a new one in its place."""
        worker.documents += 1
        if not is_sound or worker.documents >= self.forker.limits.documents_per_worker:
            worker = await self._replace(worker)
        self._idle.put_nowait(worker)

    async def _replace(self, worker: SandboxWorker) -> SandboxWorker:
        self.forker.kill(worker)
        worker.writer.close()
        return await self._new()

    @retry(
        retry=retry_if_exception_type((OSError, RuntimeError, TimeoutError)),
        wait=wait_fixed(RESTART_S),
        before_sleep=_log_failed_start,
    )
    async def _new(self) -> SandboxWorker:
        """Fork a worker, however often it takes. Start the forking process again if it has ended.

        The lock is free between two tries.
        """
        async with self._forking:
            if not self.forker.running:
                await self.forker.start()
            return await self.forker.fork()

    def _later(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


@asynccontextmanager
async def reading_pool(
    limits: SandboxLimits,
    size: int,
    *,
    strict: bool = False,
    module: str = READERS,
    without: frozenset[str] = frozenset(),
) -> AsyncIterator[ReadingPool]:
    """Start a pool, and end it with all its processes.

    `module` holds the readers, and `without` names layers to leave out: both for tests. `strict`
    waits for the workers; otherwise they start in the background.
    """
    pool = ReadingPool(Forker(limits, module, without), size, strict)
    pool.watch()
    starting = asyncio.create_task(pool.start())
    try:
        if strict:
            await starting
        yield pool
    finally:
        starting.cancel()
        await asyncio.gather(starting, return_exceptions=True)
        await pool.close()
