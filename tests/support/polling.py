"""Wait for something to become true, with a limit."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

POLL_S = 0.02
PATIENCE_S = 30.0


async def eventually(
    condition: Callable[[], Awaitable[bool] | bool],
    patience_s: float = PATIENCE_S,
    *,
    poll_s: float = POLL_S,
) -> None:
    """Return when the condition holds. Raise TimeoutError if that takes too long."""
    async with asyncio.timeout(patience_s):
        while True:
            holds = condition()
            if holds if isinstance(holds, bool) else await holds:
                return
            await asyncio.sleep(poll_s)
