"""Derive the id of a daydream's trace from its pair.

A pair that is published again, by the same sampler or another one, continues the same trace. Each
service samples by the id, so all of them keep the same daydreams. And a verdict names its trace:
nothing has to be stored.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from hashlib import blake2b

from opentelemetry.sdk.trace.id_generator import RandomIdGenerator

TRACE_ID_BYTES = 16
_pair: ContextVar[str] = ContextVar("pair of the trace that begins", default="")


def trace_id_of(pair_id: str) -> int:
    """Return the trace id of a daydream.

    It is a hash, since samplers read a share of traces from its lower half; a UUID has fixed bits
    there.
    """
    return int.from_bytes(blake2b(pair_id.encode(), digest_size=TRACE_ID_BYTES).digest())


@contextmanager
def derived_trace(pair_id: str) -> Iterator[None]:
    """Let a trace that begins within have the id of this pair. Empty: a random one."""
    token = _pair.set(pair_id)
    try:
        yield
    finally:
        _pair.reset(token)


class TraceIds(RandomIdGenerator):
    """Make ids of spans and traces."""

    def generate_trace_id(self) -> int:
        """Return the id of the daydream's pair, or a random one."""
        pair_id = _pair.get()
        return trace_id_of(pair_id) if pair_id else super().generate_trace_id()
