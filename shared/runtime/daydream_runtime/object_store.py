"""Read from JetStream's object stores."""

from __future__ import annotations

import asyncio
import io
from typing import BinaryIO

from nats.js.errors import NotFoundError
from nats.js.object_store import ObjectStore
from tenacity import AsyncRetrying, retry_if_exception_type, stop_after_attempt

TIMEOUT_SHARES = (0.1, 0.3, 1.0)  # of `within_s`: a try that hangs must not take all of it


async def fetch(store: ObjectStore, name: str, *, within_s: float) -> bytes | None:
    """Return the object's bytes, or None if there is no such object.

    Raise TimeoutError as `fetch_into` does.
    """
    content = io.BytesIO()
    return content.getvalue() if await fetch_into(store, name, content, within_s=within_s) else None


async def fetch_into(store: ObjectStore, name: str, file: BinaryIO, *, within_s: float) -> bool:
    """Write the object into a file piece by piece. Return False if there is no such object.

    The file then holds nothing else, and is at its beginning. Raise TimeoutError after three
    tries, the last of `within_s` seconds. nats-py waits forever for the pieces of an object that
    is written again meanwhile: the old pieces are removed under the reader. The next try finds the
    new ones.
    """
    timeouts_s = iter([within_s * share for share in TIMEOUT_SHARES])

    async def read() -> None:
        file.seek(0)
        file.truncate()
        loading = store.get(name, writeinto=file)  # type: ignore[arg-type]
        await asyncio.wait_for(loading, next(timeouts_s))
        file.seek(0)

    retrying = AsyncRetrying(
        retry=retry_if_exception_type(TimeoutError),
        stop=stop_after_attempt(len(TIMEOUT_SHARES)),
        reraise=True,
    )
    try:
        await retrying(read)
    except NotFoundError:
        return False
    except TimeoutError:
        text = f"the object {name!r} could not be read within {within_s:g} s"
        raise TimeoutError(text) from None
    return True
