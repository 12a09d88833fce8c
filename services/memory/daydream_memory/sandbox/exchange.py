"""One document between the service and a worker: a descriptor out, facts back, all bounded."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from daydream_memory.sandbox.forker import Forker, SandboxWorker
from daydream_memory.sandbox.frames import (
    SOURCE_CHARS_MAX,
    BadFrameError,
    ReadEnd,
    ReadFact,
    ReadRequest,
    next_answer,
    pack,
)
from daydream_memory.sandbox.limits import (
    STOPPED,
    SandboxLimits,
    WorkerEnd,
    cpu_reason,
    memory_reason,
    output_reason,
    peak_mb,
    usage,
    wall_reason,
)

WATCH_S = 0.1
CPU_SLACK_S = 2.0  # RLIMIT_CPU counts whole seconds


@dataclass
class ReadOutcome:
    """What was read of a document, also before a limit ended it.

    `stopped`: why it is not the whole, "" if it is. `rss_mb`: the peak of the process so
    far. `ended`: of a worker that the document cost.
    """

    facts: list[ReadFact] = field(default_factory=list)
    end: ReadEnd = field(default_factory=lambda: ReadEnd(status="read"))
    stopped: str = ""
    rss_mb: int = 0
    ended: WorkerEnd | None = None


async def exchange(
    forker: Forker, worker: SandboxWorker, document: int, request: ReadRequest
) -> ReadOutcome:
    """Give a worker the open document and collect its answers, within the limits.

    At a limit the worker is killed, what was read before is kept, and the reason is reported.
    """
    limits, outcome = forker.limits, ReadOutcome()
    short = request.model_copy(update={"source": request.source[-SOURCE_CHARS_MAX:]})
    try:
        async with asyncio.timeout(limits.wall_s):
            socket.send_fds(worker.channel, [pack(short)], [document])
            await _collect(worker, limits, outcome)
        if outcome.end.sound:
            outcome.rss_mb = peak_mb(worker.pid)
            return outcome
        forker.kill(worker, outcome.end.note)
    except TimeoutError:
        forker.kill(worker, wall_reason(limits))
    except BadFrameError as error:
        forker.kill(worker, f"{STOPPED}the reader answered with {error}")
    except (asyncio.IncompleteReadError, OSError):  # it has ended: its status says why
        pass
    outcome.ended = await worker.ended
    outcome.rss_mb = outcome.ended.rss_mb
    outcome.stopped = worker.killed_for or outcome.ended.reason(limits)
    return outcome


async def _collect(worker: SandboxWorker, limits: SandboxLimits, outcome: ReadOutcome) -> None:
    size = 0
    while True:
        answer, answer_bytes = await next_answer(worker.answers)
        size += answer_bytes
        if size > limits.output_mb << 20:
            outcome.end = ReadEnd(status="read", note=output_reason(limits), sound=False)
            return
        outcome.facts += answer.facts
        if answer.end is not None:
            outcome.end = answer.end
            return


async def watch(
    busy: Mapping[int, tuple[SandboxWorker, float]],
    limits: SandboxLimits,
    kill: Callable[[SandboxWorker, str], None],
) -> None:
    """Hold memory and processor time from outside too, for a worker that lifted its limits.

    `busy`: by process id, with the processor seconds that the worker had used before.
    """
    while True:
        await asyncio.sleep(WATCH_S)
        for worker, cpu_s_before in list(busy.values()):
            rss_mb, cpu_s = usage(worker.pid)
            if rss_mb > limits.memory_mb:
                kill(worker, memory_reason(limits))
            if cpu_s - cpu_s_before > limits.cpu_s + CPU_SLACK_S:
                kill(worker, cpu_reason(limits))
