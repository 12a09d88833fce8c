"""Answers of 15 malformed shapes, some seconds each: what ends, and what the ledger says of it.

Each shape has its own model, so all run at the same time. `malformed_dead_letters` counts calls
that a stage would give up. The invoice is the provider's own record.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import openai

from benchmarks.figures import figure
from benchmarks.gateway.named_calls import NamedCalls
from benchmarks.gateway.processes import PLAIN, BenchedGateway
from daydream_contracts.rpc import StageSpend
from support.fake_answers import MALFORMED_SHAPES
from support.gateway import ProviderProcess

WORKERS = 4  # per shape
SECONDS, SECONDS_QUICK = 14.0, 8.0


@dataclass(frozen=True)
class ShapeRun:
    """What came of one shape."""

    shape: str
    ended: Mapping[str, int]
    billed_nanousd: int
    spend: StageSpend | None

    @property
    def settled_nanousd(self) -> int:
        return self.spend.settled_nanousd if self.spend else 0

    @property
    def is_known(self) -> bool:
        """Return True if the attempts said what they cost. Else each counts with its bound."""
        return bool(self.spend and self.spend.input_tokens and not self.spend.unknown_calls)


async def measure(gateway: BenchedGateway, *, quick: bool) -> None:
    """Print the figures: of all shapes, and of each."""
    seconds = SECONDS_QUICK if quick else SECONDS
    async with gateway.client() as client:
        ended = await asyncio.gather(
            *(_calls(gateway, client, shape, seconds) for shape in MALFORMED_SHAPES)
        )
    await gateway.wait_until_settled()
    spend = {row.model: row for row in (await gateway.ledger()).spend}
    billed = _billed(gateway.providers[PLAIN])
    if missing := [shape for shape in MALFORMED_SHAPES if not billed[shape]]:
        raise RuntimeError(f"these shapes were never billed: {missing}; is the machine loaded?")
    runs = [
        ShapeRun(shape, counts, billed[shape], spend.get(shape))
        for shape, counts in zip(MALFORMED_SHAPES, ended, strict=True)
    ]
    _print(runs, seconds)


async def _calls(
    gateway: BenchedGateway, client: openai.AsyncOpenAI, shape: str, seconds: float
) -> Mapping[str, int]:
    """Make calls one after the other, as some workers would; count how they ended."""
    reservation_id = await gateway.reserve(10**9, model=shape)
    calls = NamedCalls(client)
    deadline_s = time.monotonic() + seconds

    async def work() -> None:
        while time.monotonic() < deadline_s:
            await calls.until_answered(shape, reservation_id, deadline_s)

    await asyncio.gather(*(work() for _ in range(WORKERS)))
    return calls.ended


def _billed(provider: ProviderProcess) -> Counter[str]:
    """Return what was billed by shape."""
    billed: Counter[str] = Counter()
    for line in provider.log():
        if line["event"] == "billed":
            billed[line["behaviour"]] += line["billed_nanousd"]
    return billed


def _print(runs: list[ShapeRun], seconds: float) -> None:
    context: dict[str, Any] = {
        "shapes": len(runs),
        "seconds": seconds,
        "workers_per_shape": WORKERS,
    }
    for run in runs:
        figure(
            "gateway",
            "malformed_shape_settled_ratio",
            [run.settled_nanousd / run.billed_nanousd],
            "ratio",
            shape=run.shape,
            cost="known" if run.is_known else "unknown",
            **{f"requests_{name}": number for name, number in run.ended.items()},
        )
    rejected = sum(run.ended.get("reject", 0) for run in runs)
    figure("gateway", "malformed_dead_letters", [rejected], "calls", **context)
    below = [run.shape for run in runs if run.settled_nanousd < run.billed_nanousd]
    figure("gateway", "malformed_below_invoice", [len(below)], "shapes", **context)
    known = [run for run in runs if run.is_known]
    settled, billed = (
        sum(run.settled_nanousd for run in known),
        sum(run.billed_nanousd for run in known),
    )
    figure("gateway", "malformed_settled_ratio", [settled / (billed or 1)], "ratio", **context)
