"""Commands that start a system on this machine, or check what it needs.

Heavy modules are imported where they are needed, so that other commands start faster.
"""

from __future__ import annotations

import asyncio
from importlib.metadata import version
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from daydream_console.cli.options import (
    PORT,
    BaseUrl,
    Cap,
    DailyCap,
    Data,
    Json,
    ModelName,
    Port,
    Weights,
)
from daydream_console.cli.output import emit_json, err, out
from daydream_console.cli.session import command
from daydream_console.client import connected
from daydream_console.local.folder import DataFolder, default_folder
from daydream_console.local.model import choose
from daydream_console.local.stack import running, services_wanted
from daydream_contracts.rpc import EmptyRequest, SetGoal
from daydream_contracts.topology import MEMORY_STATE, SAMPLER_GOAL


@command
async def run_command(
    paths: Annotated[
        list[Path] | None,
        typer.Argument(
            help="Files and folders to read first. Default: the bundled notes, in an empty memory."
        ),
    ] = None,
    daydreams: Annotated[
        int, typer.Option("--daydreams", "-n", min=1, help="Number of pairs to think about.")
    ] = 30,
    data: Data = None,
    model: Weights = None,
    base_url: BaseUrl = "",
    model_name: ModelName = "",
    cap: Cap = None,
    daily_cap: DailyCap = None,
    port: Port = 0,
    as_json: Json = False,
) -> int:
    """Read documents, daydream until the goal or the cap, print insights and spend, and stop.

    After Ctrl-C or a crash, run it again: unfinished daydreams finish first.
    """
    from daydream_console.cli.run import Caps, RunPlan, run

    plan = RunPlan(
        folder=DataFolder(data or default_folder()),
        model=choose(weights=model, base_url=base_url, name=model_name),
        paths=paths or [],
        daydreams=daydreams,
        caps=Caps(cap, daily_cap),
        port=port,
        as_json=as_json,
    )
    return await run(plan)


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
    from daydream_console.cli.run import Caps, prepare, set_caps

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
            out.print(f"daydream is running in {folder.path}. Web page: {stack.page}")
            if not memory.facts + memory.facts_pending:
                out.print("The memory is empty. In another terminal: daydream ingest PATH")
            out.print("Stop with Ctrl-C.")
            await asyncio.Event().wait()


@command
async def asyncapi_command() -> None:
    """Print the AsyncAPI document of all subjects and messages, as JSON."""
    from daydream_console.asyncapi import document

    print(document(version("daydream-console")))


@command
async def doctor_command(
    data: Data = None,
    model: Weights = None,
    base_url: BaseUrl = "",
    model_name: ModelName = "",
    port: Port = PORT,
    as_json: Json = False,
) -> int:
    """Check this machine and print a fix for each problem. Start nothing, spend nothing."""
    from daydream_console.cli.checks import run_checks

    checks = await run_checks(
        DataFolder(data or default_folder()),
        lambda: choose(weights=model, base_url=base_url, name=model_name),
        port,
    )
    if as_json:
        emit_json([vars(check) for check in checks])
    else:
        for check in checks:
            mark = "[red]✗[/red]" if check.is_problem else "[green]✓[/green]"
            out.print(f"{mark} {check.about}: {escape(check.result)}")
            if check.fix:
                out.print(f"    {escape(check.fix)}")
    return 2 if any(check.is_problem for check in checks) else 0
