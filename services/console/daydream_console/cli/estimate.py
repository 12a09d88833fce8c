"""`daydream budget estimate`: told before anything is spent."""

from __future__ import annotations

import asyncio
import random
from typing import Annotated

import typer
from nats.js.errors import NotFoundError

from daydream_console.cli.options import Data, Json
from daydream_console.cli.output import emit_json, out, usd
from daydream_console.cli.session import perform, reading
from daydream_console.client import Client
from daydream_console.estimate import Estimate, estimate
from daydream_console.local.folder import default_folder
from daydream_contracts.rpc import EmptyRequest, MemoryState, PairAt
from daydream_contracts.topology import BUDGET_STATE, MEMORY_PAIR, MEMORY_STATE, PLANS
from daydream_models.reservations import ORACLE, plans_by_size, read_plans

PAYING_STAGES = ("synthesizer", "critic")
PAIRS_LOOKED_AT = 50
FACTS_MIN = 2


def budget_estimate(
    daydreams: Annotated[
        int, typer.Option("-n", "--daydreams", min=1, max=1_000_000, help="How many.")
    ] = 100,
    samples: Annotated[
        int,
        typer.Option(
            min=1, max=16, help="Hypotheses of each pair, as DAYDREAM_SAMPLER_SAMPLES says."
        ),
    ] = 1,
    data: Data = None,
    as_json: Json = False,
) -> None:
    """What so many daydreams will cost, and how many insights to expect, each with a 95 % interval from what past ones did."""

    async def work() -> None:
        async with reading(data or default_folder()) as client:
            budget, memory = await asyncio.gather(
                client.ask(BUDGET_STATE, EmptyRequest()), client.ask(MEMORY_STATE, EmptyRequest())
            )
            found = estimate(daydreams, budget, memory, await _most_each(client, memory, samples))
        if as_json:
            emit_json(found.model_dump(mode="json"))
        else:
            out.print("\n".join(_lines(found)))

    perform(work, as_json=as_json)


async def _most_each(client: Client, memory: MemoryState, samples: int) -> int | None:
    """What is reserved for a daydream, by the plans of the stages (of the oracle where there is one), at the longest of some pairs of facts; None while
    they have not said their plans, or nothing is known that could be drawn."""
    try:
        plans = await read_plans(await client.js.key_value(PLANS.name), (*PAYING_STAGES, ORACLE))
    except NotFoundError:
        plans = {}
    if not set(PAYING_STAGES) <= set(plans) or memory.facts < FACTS_MIN:
        return None
    chance = random.Random(0)
    most = 0
    for _ in range(PAIRS_LOOKED_AT):
        first, second = chance.sample(range(memory.facts), 2)
        pair = await client.ask(MEMORY_PAIR, PairAt(ordinals=(first, second)))
        fact_bytes = len(pair.first.text.encode()) + len(pair.second.text.encode())
        most = max(
            most,
            sum(
                part.upper_bound_nanousd
                for part in plans_by_size(plans.values(), fact_bytes, samples)[0].allocations
            ),
        )
    return most


def _lines(found: Estimate) -> list[str]:
    lines = []
    if found.cost:
        spread = f"{usd(found.cost.low)} to {usd(found.cost.high)}"
        lines.append(
            f"{found.daydreams} daydreams will cost about {usd(found.cost.mean)} (95 %: {spread}), as {found.past_daydreams} past ones did."
        )
    else:
        lines.append(
            f"No daydream has been paid yet, so the cost of {found.daydreams} can't be told from the past."
        )
    if found.most_nanousd is not None:
        lines.append(
            f"Never more than {usd(found.most_nanousd)}: so much is reserved for facts as long as yours."
        )
    else:
        lines.append(
            "The stages have not said yet what they may need at most; they do when they start: daydream up"
        )
    expected = f"{found.insights.mean:.1f} insights (95 %: {found.insights.low:.0f} to {found.insights.high:.0f})"
    lines.append(
        f"Expect {expected}; {found.past_insights} of {found.past_hypotheses} past hypotheses were promoted."
    )
    if found.nanousd_per_insight:
        lines.append(f"That is {usd(found.nanousd_per_insight)} an insight.")
    if found.affordable is not None:
        lines.append(
            f"The caps leave room for about {found.affordable} daydreams."
            if found.affordable < found.daydreams
            else "The caps leave room for them."
        )
    return lines
