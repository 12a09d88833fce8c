"""Estimate the cost and yield of daydreams before anything is spent."""

from __future__ import annotations

import asyncio
import random
from typing import Annotated

import typer
from nats.js.errors import NotFoundError

from daydream_console.cli.command import command
from daydream_console.cli.connection import connection
from daydream_console.cli.options import Data, Json
from daydream_console.cli.output import emit_json, out, usd
from daydream_console.cli.report_critic import RULES
from daydream_console.client import Client
from daydream_console.estimate import Estimate, estimate
from daydream_console.past_verdicts import read_in_force
from daydream_contracts.buckets import PLANS
from daydream_contracts.rpc import EmptyRequest, FindPairs, MemoryState
from daydream_contracts.topology import BUDGET_STATE, MEMORY_PAIRS, MEMORY_STATE
from daydream_models.stage_plans import ORACLE, plans_by_size, read_plans

PAID_STAGES = ("synthesizer", "critic")
PAIRS_SAMPLED = 50
FACTS_MIN = 2


@command
async def budget_estimate(
    daydreams: Annotated[
        int,
        typer.Option("-n", "--daydreams", min=1, max=1_000_000, help="Number of daydreams."),
    ] = 100,
    samples: Annotated[
        int,
        typer.Option(
            min=1, max=16, help="Hypotheses per pair, as set by DAYDREAM_SAMPLER_SAMPLES."
        ),
    ] = 1,
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Estimate cost and number of insights, each with a 95 % interval from past daydreams.

    Only daydreams under the promotion rule now in force count: others promote another share.

    Examples:
        daydream budget estimate --daydreams 500
    """
    async with connection(data) as client:
        budget, memory = await asyncio.gather(
            client.rpc.request(BUDGET_STATE, EmptyRequest()),
            client.rpc.request(MEMORY_STATE, EmptyRequest()),
        )
        reserved = await _reserved_per_daydream(client, memory, samples)
        past = await read_in_force(client)
    result = estimate(daydreams, budget, past, reserved)
    if as_json:
        emit_json(result.model_dump(mode="json"))
    else:
        out.print("\n".join(_lines(result)))


async def _reserved_per_daydream(client: Client, memory: MemoryState, samples: int) -> int | None:
    """Return the largest reservation for one daydream, in nano-dollars, over some random pairs of
    facts.

    The stages' published plans decide, with the oracle's where one runs. None until the stages have
    published plans and the memory holds two facts.
    """
    try:
        plans = await read_plans(await client.js.key_value(PLANS.name), (*PAID_STAGES, ORACLE))
    except NotFoundError:
        plans = {}
    if not set(PAID_STAGES) <= set(plans) or memory.facts < FACTS_MIN:
        return None
    generator = random.Random(0)
    largest = 0
    sampled = [generator.sample(range(memory.facts), 2) for _ in range(PAIRS_SAMPLED)]
    reply = await client.rpc.request(
        MEMORY_PAIRS, FindPairs(pairs=tuple((first, second) for first, second in sampled))
    )
    for pair in reply.pairs:
        if pair is None:
            continue
        fact_bytes = len(pair.first.text.encode()) + len(pair.second.text.encode())
        plan = plans_by_size(plans.values(), fact_bytes, samples)[0]
        largest = max(largest, sum(each.upper_bound_nanousd for each in plan.allocations))
    return largest


def _lines(result: Estimate) -> list[str]:
    return [*_cost_lines(result), *_yield_lines(result)]


def _cost_lines(result: Estimate) -> list[str]:
    if result.cost:
        interval = f"{usd(result.cost.low)} to {usd(result.cost.high)}"
        cost = (
            f"{result.daydreams} daydreams will cost about {usd(result.cost.mean)} "
            f"(95 %: {interval}), based on {result.past_daydreams} past daydreams."
        )
    else:
        cost = (
            "No daydream has been paid yet, so past cost can't predict "
            f"the cost of {result.daydreams} daydreams."
        )
    if result.max_nanousd is not None:
        limit = f"At most {usd(result.max_nanousd)}, the amount reserved for facts of this length."
    else:
        limit = "No maximum is known yet. The stages publish it when they start: daydream up"
    return [cost, limit]


def _yield_lines(result: Estimate) -> list[str]:
    insights = result.insights
    by = f" by {RULES.get(result.rule, result.rule)}" if result.rule else ""
    lines = [
        f"Expect {insights.mean:.1f} insights (95 %: {insights.low:.0f} to {insights.high:.0f}); "
        f"{result.past_insights} of {result.past_hypotheses} past hypotheses were promoted{by}."
    ]
    if result.nanousd_per_insight:
        lines.append(f"That is {usd(result.nanousd_per_insight)} per insight.")
    if result.affordable is not None:
        enough = result.affordable >= result.daydreams
        room = "all of them" if enough else f"about {result.affordable} daydreams"
        lines.append(f"The caps leave room for {room}.")
    return lines
