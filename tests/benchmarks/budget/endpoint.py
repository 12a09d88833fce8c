"""A fake priced endpoint. It bills a call when it arrives, and knows no ledger and no cap."""

from __future__ import annotations

import asyncio

from benchmarks.budget.trace import TracedCall


class PricedEndpoint:
    """The witness: `billed` is what was really spent, in nano-dollars."""

    def __init__(self) -> None:
        self.billed = 0
        self.calls = 0

    async def answer(self, call: TracedCall) -> int:
        """Take a while; return the cost of the call."""
        self.billed += call.cost
        self.calls += 1
        await asyncio.sleep(call.lasts_s)
        return call.cost
