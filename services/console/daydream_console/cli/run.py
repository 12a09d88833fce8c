"""`daydream run`: start the system, ingest, daydream until the goal, print the results, stop the
system.

A run ends when the goal is reached and nothing is in progress, when the cap stops the draws, or
when all pairs are drawn. Killed at any moment, the next run in the same folder continues: ledger,
memory, sampler state and messages in progress are stored.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from importlib.resources import as_file, files
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
)

from daydream_console import ingest
from daydream_console.alerts import alerts_since
from daydream_console.cli.calibration_notice import announce_calibration, critic_state
from daydream_console.cli.command import command
from daydream_console.cli.exit_codes import EXIT_CAP_REACHED, EXIT_DONE
from daydream_console.cli.options import (
    BaseUrl,
    Cap,
    DailyCap,
    Data,
    Json,
    ModelName,
    Port,
    Weights,
)
from daydream_console.cli.output import err
from daydream_console.cli.preparation import Caps, prepare, set_caps
from daydream_console.cli.run_progress import RunWatch, wait_for_end
from daydream_console.cli.run_report import RunResult, print_result, verdicts_since
from daydream_console.client import Client, connected
from daydream_console.local.folder import DataFolder, default_folder
from daydream_console.local.model import ModelChoice, choose
from daydream_console.local.stack import running, services_wanted
from daydream_console.overview import Overview, overview
from daydream_console.settled_budget import settled_budget
from daydream_console.sources import SourceDocument, files_in
from daydream_contracts.errors import ConfigurationError
from daydream_contracts.rpc import (
    DocumentReport,
    EmptyRequest,
    SetGoal,
)
from daydream_contracts.topology import (
    MEMORY_STATE,
    SAMPLER_GOAL,
    SAMPLER_STATE,
)

BAR_WIDTH = 20  # so that all of it fits on a terminal of 80 columns
POLL_S = 0.25
FACTS_MIN = 2
STATE_FILE = "run.json"


@dataclass(frozen=True)
class RunPlan:
    """The options of a run."""

    folder: DataFolder
    model: ModelChoice
    paths: Sequence[Path]
    daydreams: int
    caps: Caps
    port: int
    as_json: bool


@dataclass(frozen=True)
class Goal:
    """The number of pairs drawn at which a run ends, and the number when it began."""

    pairs: int
    start: int


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

    Examples:
        daydream run ~/papers --daydreams 50 --cap 2.00
        daydream run --model ~/models/model.gguf
    """
    choice = await asyncio.to_thread(choose, weights=model, base_url=base_url, name=model_name)
    plan = RunPlan(
        folder=DataFolder(data or default_folder()),
        model=choice,
        paths=paths or [],
        daydreams=daydreams,
        caps=Caps(cap, daily_cap),
        port=port,
        as_json=as_json,
    )
    return await run(plan)


async def run(plan: RunPlan) -> int:
    """Run the plan and return the exit code."""
    free = await prepare(plan.folder, plan.model, plan.port)
    documents = files_in(plan.paths).documents
    with _progress_bar() as progress:
        step = progress.add_task("starting", total=None)
        async with (
            running(
                plan.folder,
                services_wanted(),
                model=plan.model,
                console_port=plan.port,
                progress=lambda text: _show_step(progress, step, text),
            ) as stack,
            connected(stack.address) as client,
        ):
            if stack.console_url:
                err.print(f"Web page: {stack.console_url}", soft_wrap=True)
            progress.update(step, visible=False)  # its text leaves a narrow terminal no room
            before = await overview(client.rpc, client.js)  # nothing of this run is spent yet
            await set_caps(client, plan.caps, free=free)
            result = await _daydream(client, plan, documents, progress, before)
    print_result(result, toy=plan.model.toy, as_json=plan.as_json)
    return EXIT_CAP_REACHED if result.end.cap_reached else EXIT_DONE


async def _daydream(
    client: Client,
    plan: RunPlan,
    documents: Sequence[SourceDocument],
    progress: Progress,
    before: Overview,
) -> RunResult:
    reports = await _ingest(client, documents, progress)
    goal = await _set_goal(client, plan)
    await announce_calibration(client)
    try:
        task = progress.add_task("dreaming", total=goal.pairs - goal.start)
        end = await wait_for_end(client, RunWatch(progress, task, goal.pairs, goal.start))
    finally:
        await _stop_drawing(client)
    await settled_budget(client)
    after = await overview(client.rpc, client.js)
    if after.sampler and after.sampler.drawn >= goal.pairs:
        plan.folder.write(STATE_FILE, {**plan.folder.read(STATE_FILE), "ended": True})
    verdicts = await verdicts_since(client, before)
    alerts = await alerts_since(client.js, before.at)
    critic = await critic_state(client)
    return RunResult(before, after, verdicts, reports, end, alerts, critic)


def _show_step(progress: Progress, step: TaskID, text: str) -> None:
    progress.update(step, description=text, visible=True)
    if not err.is_terminal:
        err.print(f"{text} …", markup=False)


def _progress_bar() -> Progress:
    return Progress(
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(bar_width=BAR_WIDTH),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=err,
        transient=True,
    )


async def _ingest(
    client: Client, documents: Sequence[SourceDocument], progress: Progress
) -> list[DocumentReport]:
    """Ingest the documents, or the bundled notes into an empty memory.

    Wait until there are facts for a first pair.
    """
    memory = await client.rpc.request(MEMORY_STATE, EmptyRequest())
    reports: list[DocumentReport] = []
    if documents:
        offers = ingest.offer(client, documents)
        reports = await _offer_all(client, offers, len(documents), progress)
    elif not memory.facts + memory.facts_pending:
        with as_file(files("daydream_console") / "sample_notes") as notes:
            # The folder of the installed package says nothing to people, so notes get a name
            # without it.
            bundled = files_in([notes], lambda file: f"bundled notes/{file.name}").documents
            offers = ingest.offer(client, bundled)
            reports = await _offer_all(client, offers, len(bundled), progress)
    await _wait_for_facts(client, reports, progress)
    return reports


async def _offer_all(
    client: Client, offers: AsyncIterator[ingest.Offered], total: int, progress: Progress
) -> list[DocumentReport]:
    task = progress.add_task("reading", total=total)
    offered = []
    async for document in offers:
        offered.append(document)
        progress.advance(task)
    reports = await ingest.reports(client, offered)
    progress.remove_task(task)
    return reports


async def _wait_for_facts(
    client: Client, reports: Sequence[DocumentReport], progress: Progress
) -> None:
    task = progress.add_task("embedding", total=FACTS_MIN)
    while (memory := await client.rpc.request(MEMORY_STATE, EmptyRequest())).facts < FACTS_MIN:
        progress.update(task, completed=memory.facts)
        if not memory.facts_pending:
            for report in reports:
                err.print(f"{report.status}: {report.source}: {report.note}")
            raise ConfigurationError(
                f"The memory holds {memory.facts} facts; a pair needs {FACTS_MIN}",
                "Add documents: daydream run PATH",
            )
        await asyncio.sleep(POLL_S)
    progress.remove_task(task)


async def _set_goal(client: Client, plan: RunPlan) -> Goal:
    """Set the sampler's goal. Continue with the goal of the last run if that one did not finish."""
    drawn = (await client.rpc.request(SAMPLER_STATE, EmptyRequest())).drawn
    last = plan.folder.read(STATE_FILE)
    # All pairs may be drawn while the last daydreams are still in progress.
    unfinished = last.get("goal", 0) > drawn or last.get("ended") is False
    if last.get("daydreams") == plan.daydreams and unfinished:
        goal = Goal(pairs=last["goal"], start=last["start"])
        left = max(0, goal.pairs - drawn)
        err.print(
            f"Continuing the last run: {left} of {plan.daydreams} daydreams are left to draw."
        )
    else:
        goal = Goal(pairs=drawn + plan.daydreams, start=drawn)
        state = {"daydreams": plan.daydreams, "goal": goal.pairs, "start": drawn, "ended": False}
        plan.folder.write(STATE_FILE, state)
    await client.rpc.request(SAMPLER_GOAL, SetGoal(pairs_max=goal.pairs))
    return goal


async def _stop_drawing(client: Client) -> None:
    """Set the goal to the pairs drawn so far, because the next start must not draw before it has a
    goal.
    """
    drawn = (await client.rpc.request(SAMPLER_STATE, EmptyRequest())).drawn
    await client.rpc.request(SAMPLER_GOAL, SetGoal(pairs_max=drawn))
