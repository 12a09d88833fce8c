"""Reads from JetStream's object stores."""

from __future__ import annotations

import asyncio

from nats.js.errors import NotFoundError
from nats.js.object_store import ObjectStore

SHARES = (
    0.1,
    0.3,
    1.0,
)  # of the time that a read may take: a try that hangs must not cost all of it


async def fetch(store: ObjectStore, name: str, *, within_s: float) -> bytes | None:
    """The object's bytes; None when there is no such object. TimeoutError after three tries, the last of `within_s` seconds.

    nats-py waits for ever for pieces of an object that somebody writes anew meanwhile: the old pieces are removed under the
    reader. Another try finds the new ones.
    """
    for share in SHARES:
        try:
            return (await asyncio.wait_for(store.get(name), within_s * share)).data or b""
        except NotFoundError:
            return None
        except TimeoutError:
            continue
    raise TimeoutError(f"the object {name!r} could not be read within {within_s:g} s")
