"""Readers that do what hostile documents could make a reader do. The fork server loads them.

The document is the name of the attack.
"""

from __future__ import annotations

import ctypes
import os
import select
import socket
import sys
from collections.abc import Callable, Iterator

from daydream_memory.sandbox.frames import LENGTH, ReadEnd, ReadFact, ReadRequest, WorkerAnswer
from daydream_memory.sandbox.worker import CHANNEL

memory: list[str] = ["nothing"]


def warm_up() -> None:
    """Load nothing."""


def read(data: bytes, request: ReadRequest) -> Iterator[WorkerAnswer]:
    """Do what the document says, then read it."""
    attack, _, rest = data.decode().partition(" ")
    yield WorkerAnswer(facts=(ReadFact(text=f"before {attack}"),))
    text = ATTACKS[attack](rest)
    yield WorkerAnswer(facts=(ReadFact(text=text),), end=ReadEnd(status="read"))


def _hoard(_: str) -> str:
    blocks = []
    while True:
        blocks.append(b"x" * (8 << 20))


def _spin(_: str) -> str:
    while True:
        pass


def _sleep(_: str) -> str:
    select.select([], [], [], 60)
    return "awake"


def _crash(_: str) -> str:
    return ctypes.string_at(0).decode()


def _exit(code: str) -> str:
    os._exit(int(code))


def _raise(text: str) -> str:
    raise ValueError(text)


def _nest(_: str) -> str:
    return _nest(_)


def _remember(text: str) -> str:
    memory.append(text)
    return memory[-2]


def _lie(_: str) -> str:
    os.write(CHANNEL, LENGTH.pack(3) + b"lie")
    return "lied"


def _flood(size: str) -> str:
    frame = WorkerAnswer(facts=(ReadFact(text="x" * 9000),)).model_dump_json().encode()
    for _ in range(int(size) // len(frame) + 1):
        os.write(CHANNEL, LENGTH.pack(len(frame)) + frame)
    return "flooded"


def _environment(_: str) -> str:
    return " ".join(sorted(os.environ))


def _descriptors(_: str) -> str:
    open_ones = []
    for number in range(64):
        try:
            os.fstat(number)
        except OSError:
            continue
        open_ones.append(str(number))
    return " ".join(open_ones)


def _connect(address: str) -> str:
    host, _, port = address.partition(":")
    with socket.socket() as connection:
        connection.connect((host, int(port)))
    return "connected"


def _look_up(host: str) -> str:
    return str(socket.getaddrinfo(host, 80))


def _open(path: str) -> str:
    with open(path) as file:
        return file.read()


def _write(path: str) -> str:
    with open(path, "w") as file:
        return str(file.write("text"))


def _run(command: str) -> str:
    return str(os.posix_spawn(command, [command], {}))


def _kill(pid: str) -> str:
    os.kill(int(pid), 15)
    return "killed"


def _import(name: str) -> str:
    __import__(name)
    return sys.modules[name].__name__


ATTACKS: dict[str, Callable[[str], str]] = {
    "hoard": _hoard,
    "spin": _spin,
    "sleep": _sleep,
    "crash": _crash,
    "exit": _exit,
    "raise": _raise,
    "nest": _nest,
    "remember": _remember,
    "lie": _lie,
    "flood": _flood,
    "environment": _environment,
    "descriptors": _descriptors,
    "connect": _connect,
    "look-up": _look_up,
    "open": _open,
    "write": _write,
    "run": _run,
    "kill": _kill,
    "import": _import,
    "nothing": lambda text: text,
}
