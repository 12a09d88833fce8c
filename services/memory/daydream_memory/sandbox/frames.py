"""What goes between the service and a worker: a length of four bytes, then JSON.

    service → worker   ReadRequest, with the descriptor of the document
    worker → service   WorkerAnswer …, the last one with an `end`

The service trusts none of the answers: a hostile document may have taken the worker over.
"""

from __future__ import annotations

import asyncio
import struct
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from daydream_contracts.events import FactKind
from daydream_contracts.rpc import LeftOutReport

LENGTH = struct.Struct("!I")
FRAME_BYTES_MAX = 256 << 10
FACTS_PER_FRAME = 32
LEFT_OUT_MAX = 50
NOTE_CHARS_MAX = 300
SOURCE_CHARS_MAX = 1024  # readers look at its end only


class BadFrameError(ValueError):
    """A worker sent what a sound one never sends."""


class Frame(BaseModel):
    """A message on a worker's socket."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class ReadRequest(Frame):
    """What a worker must know of the document that it gets.

    `title`: what the library that it is from calls it, "" for none.
    `passwords`: to try on an encrypted document, and only sent with one.
    `probes`: there is no document; the worker tells what it is kept from.
    """

    source: str
    title: str = ""
    kind: FactKind = FactKind.DOCUMENT
    chars_max: int = 900
    passwords: tuple[str, ...] = ()
    probes: bool = False


class ReadFact(Frame):
    """A fact as a worker found it. The service makes its id and adds source and labels."""

    text: Annotated[str, Field(max_length=10_000)]
    title: Annotated[str, Field(max_length=4000)] = ""
    domain: Annotated[str, Field(max_length=1000)] = ""
    position: int = 0
    tags: Annotated[tuple[Annotated[str, Field(max_length=1000)], ...], Field(max_length=200)] = ()
    licence: Annotated[str, Field(max_length=1000)] = ""
    date: Annotated[str, Field(max_length=200)] = ""


class ReadEnd(Frame):
    """How reading ended. `denied`: what the worker is kept from, in the answer to a probe."""

    status: Literal["read", "skipped", "refused"]
    note: Annotated[str, Field(max_length=NOTE_CHARS_MAX)] = ""
    kind: Annotated[str, Field(max_length=100)] = ""
    left_out: Annotated[tuple[LeftOutReport, ...], Field(max_length=LEFT_OUT_MAX)] = ()
    sound: bool = True
    denied: dict[str, bool] = Field(default_factory=dict)


class WorkerAnswer(Frame):
    """Some facts, or the end."""

    facts: Annotated[tuple[ReadFact, ...], Field(max_length=FACTS_PER_FRAME)] = ()
    end: ReadEnd | None = None


def pack(frame: Frame) -> bytes:
    """Return the bytes of a frame."""
    data = frame.model_dump_json(exclude_defaults=True).encode()
    return LENGTH.pack(len(data)) + data


async def next_answer(stream: asyncio.StreamReader) -> tuple[WorkerAnswer, int]:
    """Return the next answer of a worker and its bytes.

    It is small, so that decoding takes the event loop well under a millisecond. Raise BadFrameError
    for anything else than an answer, and IncompleteReadError when the worker has ended.
    """
    (size,) = LENGTH.unpack(await stream.readexactly(LENGTH.size))
    if size > FRAME_BYTES_MAX:
        raise BadFrameError(f"an answer of {size >> 10} kB")
    data = await stream.readexactly(size)
    try:
        return WorkerAnswer.model_validate_json(data), size
    except ValidationError as error:
        raise BadFrameError(f"no answer: {error.errors()[0]['type']}") from None
