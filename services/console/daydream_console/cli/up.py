"""Run the whole system on this machine until Ctrl-C."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import AsyncExitStack

from daydream_console.cli.command import command
from daydream_console.cli.options import (
    PORT,
    BaseUrl,
    Cap,
    DailyCap,
    Data,
    ModelName,
    Port,
    Weights,
)
from daydream_console.cli.output import out, steps
from daydream_console.cli.preparation import Caps, prepare, set_caps
from daydream_console.client import connected
from daydream_console.local.folder import DataFolder, default_folder
from daydream_console.local.model import choose
from daydream_console.local.stack import Stack, running, services_wanted
from daydream_contracts.rpc import EmptyRequest, SetGoal
from daydream_contracts.topology import MEMORY_STATE, SAMPLER_GOAL


@command
async def up_command(
    data: Data = None,
    model: Weights = None,
    base_url: BaseUrl = "",
    model_name: ModelName = "",
    cap: Cap = None,
    daily_cap: DailyCap = None,
    port: Port = PORT,
) -> None:
    """Run everything on this machine until Ctrl-C. The next start continues where it stopped.

    Examples:
        daydream up --daily-cap 2.00
        daydream up --base-url http://127.0.0.1:11434/v1 --model-name qwen3:8b
    """
    folder = DataFolder(data or default_folder())
    choice = await asyncio.to_thread(choose, weights=model, base_url=base_url, name=model_name)
    free = await prepare(folder, choice, port)
    async with AsyncExitStack() as opened:
        with steps("starting") as show:
            system = running(
                folder, services_wanted(), model=choice, console_port=port, progress=show
            )
            stack = await opened.enter_async_context(system)
            async with connected(stack.address) as client:
                await set_caps(client, Caps(cap, daily_cap), free=free)
                await client.rpc.request(SAMPLER_GOAL, SetGoal(pairs_max=None))
                memory = await client.rpc.request(MEMORY_STATE, EmptyRequest())
        for line in _welcome(folder, stack, is_empty=not memory.facts + memory.facts_pending):
            out.print(line, markup=False, soft_wrap=True)
        await asyncio.Event().wait()


def _welcome(folder: DataFolder, stack: Stack, *, is_empty: bool) -> Iterator[str]:
    """Yield what to print once everything runs. Each command works as printed."""
    yield f"daydream is running in {folder.path}. Stop it with Ctrl-C."
    yield "Web page:"
    yield f"    {stack.console_url}"
    yield "Gateway for your own programs:"
    yield f"    {stack.gateway_url}"
    if is_empty:
        yield "The memory is empty. In another terminal:"
        yield f"    daydream ingest PATH{folder.option}"
    yield "See what it does, in another terminal:"
    yield f"    daydream status{folder.option}"
