"""Run the whole system on this machine until Ctrl-C."""

from __future__ import annotations

import asyncio

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
from daydream_console.cli.output import err, out
from daydream_console.cli.preparation import Caps, prepare, set_caps
from daydream_console.client import connected
from daydream_console.local.folder import DataFolder, default_folder
from daydream_console.local.model import choose
from daydream_console.local.stack import running, services_wanted
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
    """Run everything on this machine until Ctrl-C. The next start continues where it stopped."""
    folder = DataFolder(data or default_folder())
    choice = choose(weights=model, base_url=base_url, name=model_name)
    free = await prepare(folder, choice, port)
    with err.status("starting …") as status:
        async with running(
            folder,
            services_wanted(),
            model=choice,
            console_port=port,
            progress=lambda text: status.update(f"{text} …"),
        ) as stack:
            async with connected(stack.nats_url) as client:
                await set_caps(client, Caps(cap, daily_cap), free=free)
                await client.rpc.request(SAMPLER_GOAL, SetGoal(pairs_max=None))
                memory = await client.rpc.request(MEMORY_STATE, EmptyRequest())
            status.stop()
            out.print(f"daydream is running in {folder.path}. Web page: {stack.console_url}")
            out.print(f"Gateway for your own programs: {stack.gateway_url}")
            if not memory.facts + memory.facts_pending:
                out.print("The memory is empty. In another terminal: daydream ingest PATH")
            out.print("Stop with Ctrl-C.")
            await asyncio.Event().wait()
