"""Read what was spent once the last call is settled: the gateway settles behind its answers."""

from __future__ import annotations

import asyncio
import time

from daydream_console.client import Client
from daydream_contracts.rpc import BudgetState, EmptyRequest
from daydream_contracts.topology import BUDGET_STATE

PATIENCE_S = 10.0  # a call of a run whose time is up may still be in flight
POLL_S = 0.1


async def settled_budget(client: Client, patience_s: float = PATIENCE_S) -> BudgetState:
    """Return the state of the budget when no call is unsettled, or after `patience_s`."""
    until = time.monotonic() + patience_s
    while True:
        state = await client.rpc.request(BUDGET_STATE, EmptyRequest())
        if not state.attempts_authorized or time.monotonic() > until:
            return state
        await asyncio.sleep(POLL_S)
