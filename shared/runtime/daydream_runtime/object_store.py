"""Read from JetStream's object stores."""

from __future__ import annotations

import asyncio

from nats.js.errors import NotFoundError
from nats.js.object_store import ObjectStore
from tenacity import AsyncRetrying, retry_if_exception_type, stop_after_attempt

TIMEOUT_SHARES = (0.1, 0.3, 1.0)  # of `within_s`: a try that hangs must not take all of it


async def fetch(store: ObjectStore, name: str, *, within_s: float) -> bytes | None:
    """Return the object's bytes, or None if there is no such object.

    Raise TimeoutError after three tries, the last of `within_s` seconds. nats-py waits forever
    for the pieces of an object that is written again meanwhile: the old pieces are removed under
    the reader. The next try finds the new ones.
    """
    timeouts_s = iter([within_s * share for share in TIMEOUT_SHARES])

    async def read() -> bytes:
        return (await asyncio.wait_for(store.get(name), next(timeouts_s))).data or b""

    retrying = AsyncRetrying(
        retry=retry_if_exception_type(TimeoutError),
        stop=stop_after_attempt(len(TIMEOUT_SHARES)),
        reraise=True,
    )
    try:
        return await retrying(read)
    except NotFoundError:
        return None
    except TimeoutError:
        text = f"the object {name!r} could not be read within {within_s:g} s"
        raise TimeoutError(text) from None
