"""Commands that start a system on this machine, or say what is missing for it. They import what is heavy when they need it."""

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
from daydream_console.cli.session import perform
from daydream_console.client import connected
from daydream_console.local.folder import DataFolder, default_folder
from daydream_console.local.model import ModelChoice, choose
from daydream_console.local.stack import running, services_wanted
from daydream_contracts.errors import ConfigurationError
from daydream_contracts.rpc import EmptyRequest, SetGoal
from daydream_contracts.topology import MEMORY_STATE, SAMPLER_GOAL


def run_command(
    paths: Annotated[
        list[Path] | None,
        typer.Argument(
            help="Files and folders to read first; the bundled notes if nothing is known yet."
        ),
    ] = None,
    daydreams: Annotated[
        int, typer.Option("--daydreams", "-n", min=1, help="How many pairs to think about.")
    ] = 30,
    data: Data = None,
    model: Weights = None,
    base_url: BaseUrl = "",
    model_name: ModelName = "",
    cap: Cap = None,
    daily_cap: DailyCap = None,
    port: Port = 0,
    as_json: Json = False,
) -> None:
    """Ingest, dream until the goal or the cap, print the insights and the spend, stop everything."""
    from daydream_console.cli.run import Caps, RunPlan, run

    async def work() -> int:
        choice = choose(weights=model, base_url=base_url, name=model_name)
        return await run(
            RunPlan(
                DataFolder(data or default_folder()),
                choice,
                paths or [],
                daydreams,
                Caps(cap, daily_cap),
                port,
                as_json,
            )
        )

    perform(work, as_json=as_json)


def up_command(
    data: Data = None,
    model: Weights = None,
    base_url: BaseUrl = "",
    model_name: ModelName = "",
    cap: Cap = None,
    daily_cap: DailyCap = None,
    port: Port = PORT,
) -> None:
    """Run everything on this machine until Ctrl-C. Money, memory and what is on its way are kept for the next start."""
    from daydream_console.cli.run import Caps, prepare

    async def work() -> int:
        folder = DataFolder(data or default_folder())
        choice = choose(weights=model, base_url=base_url, name=model_name)
        free = await prepare(folder, choice, port)
        with err.status("starting …") as status:
            async with running(
                folder,
                services_wanted(),
                model=choice,
                console_port=port,
                said=lambda text: status.update(f"{text} …"),
            ) as stack:
                async with connected(stack.nats_url) as client:
                    budget = await Caps(cap, daily_cap).set(client)
                    if not free and not budget.limits:
                        raise ConfigurationError(
                            "no cap is set, and the model costs money",
                            "Say how much may be spent in all, e.g. --cap 1.00",
                        )
                    await client.ask(SAMPLER_GOAL, SetGoal(pairs_max=None))
                    memory = await client.ask(MEMORY_STATE, EmptyRequest())
                status.stop()
                out.print(
                    f"daydream runs in {folder.path}. The page: {stack.page} Ctrl-C stops it."
                )
                if not memory.facts + memory.facts_pending:
                    out.print("Nothing is known yet. In another terminal: daydream ingest PATH")
                await asyncio.Event().wait()
        return 0

    perform(work)


def asyncapi_command() -> None:
    """The AsyncAPI document of all subjects and messages, as JSON."""
    from daydream_console.asyncapi import document

    print(document(version("daydream-console")))


def doctor_command(
    data: Data = None,
    model: Weights = None,
    base_url: BaseUrl = "",
    model_name: ModelName = "",
    port: Port = PORT,
    as_json: Json = False,
) -> None:
    """What is missing on this machine, and how to fix it. Nothing is started or spent."""
    from daydream_console.cli.checks import findings

    async def work() -> int:
        def choice() -> ModelChoice:
            return choose(weights=model, base_url=base_url, name=model_name)

        found = await findings(DataFolder(data or default_folder()), choice, port)
        wrong = [one for one in found if one.fix and one.about != "offer"]
        if as_json:
            emit_json([vars(one) for one in found])
        else:
            for one in found:
                out.print(
                    f"{'[red]✗[/red]' if one in wrong else '[green]✓[/green]'} {one.about}: {escape(one.found)}"
                )
                if one.fix:
                    out.print(f"    {escape(one.fix)}")
        return 2 if wrong else 0

    perform(work, as_json=as_json)
