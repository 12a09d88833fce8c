"""The fake priced endpoint: bills a call when it arrives, and counts by itself. It knows of no ledger and no cap."""

from __future__ import annotations

import asyncio

from benchmarks.budget.trace import Call


class PricedEndpoint:
    """The witness: `billed` is what was really spent."""

    def __init__(self) -> None:
        self.billed = 0
        self.calls = 0

    async def answer(self, call: Call) -> int:
        """Takes a while; what the call cost."""
        self.billed += call.cost
        self.calls += 1
        await asyncio.sleep(call.lasts_s)
        return call.cost
