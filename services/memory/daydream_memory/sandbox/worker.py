"""A worker: reads documents that arrive as open descriptors, and answers in frames."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from io import BufferedWriter

from daydream_memory.reading.allowance import allow, watch_memory
from daydream_memory.sandbox.confinement import confine, probe
from daydream_memory.sandbox.frames import (
    LENGTH,
    NOTE_CHARS_MAX,
    ReadEnd,
    ReadRequest,
    WorkerAnswer,
    pack,
)
from daydream_memory.sandbox.limits import (
    SandboxLimits,
    limit_document,
    limit_process,
    memory_reason,
)

ReadAnswers = Callable[[bytes, ReadRequest], Iterator[WorkerAnswer]]
CHANNEL = 3  # descriptor of the socket to the service


def work(read: ReadAnswers, limits: SandboxLimits, without: frozenset[str]) -> int:
    """Read documents until the service closes the socket or `documents_per_worker` are read."""
    channel = socket.socket(fileno=CHANNEL)
    limit_process(limits)
    watch_memory()
    confine(without)
    documents = 0
    while documents < limits.documents_per_worker:
        received = _receive(channel)
        if received is None:
            return 0
        request, descriptor = received
        documents += not request.probes
        limit_document(limits)
        allow(limits.cpu_s, limits.wall_s, limits.memory_mb)
        with channel.makefile("wb") as answers:
            if not _answer(read, request, descriptor, answers, limits):
                return 1
    return 0


def _receive(channel: socket.socket) -> tuple[ReadRequest, int] | None:
    head, descriptors, _, _ = socket.recv_fds(channel, LENGTH.size, 1)
    if not head:
        return None
    (size,) = LENGTH.unpack(head)
    data = b""
    while len(data) < size:
        data += channel.recv(size - len(data))
    return ReadRequest.model_validate_json(data), descriptors[0]


def _answer(
    read: ReadAnswers,
    request: ReadRequest,
    descriptor: int,
    answers: BufferedWriter,
    limits: SandboxLimits,
) -> bool:
    """Send what was read, and the end. False: the worker must not be used again."""
    try:
        with open(descriptor, "rb", buffering=0) as document:
            data = document.readall()
        if request.probes:
            answers.write(pack(WorkerAnswer(end=ReadEnd(status="read", denied=probe()))))
            return True
        for answer in read(data, request):
            answers.write(pack(answer))
            answers.flush()  # what is read before a limit is kept
        return True
    except MemoryError:
        note = memory_reason(limits)
    except RecursionError:
        note = "cannot be read: it is nested too deeply"
    except Exception as error:  # broken documents make libraries raise nearly anything
        note = f"cannot be read: {type(error).__name__}: {error}"
    data = b""
    note = note[:NOTE_CHARS_MAX].encode("utf-8", "replace").decode()
    answers.write(pack(WorkerAnswer(end=ReadEnd(status="refused", note=note, sound=False))))
    return False
