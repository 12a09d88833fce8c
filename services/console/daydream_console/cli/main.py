"""`daydream`: run everything on this machine, put texts in, read what was found, set the cap."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Annotated
from uuid import uuid4

import typer
from rich.progress import Progress
from rich.table import Table

from daydream_console import ingest as ingesting
from daydream_console.cli import output
from daydream_console.cli.output import emit_json, err, out
from daydream_console.cli.session import perform, reading
from daydream_console.client import connected
from daydream_console.local.folder import DataFolder, default_folder
from daydream_console.local.model import ModelChoice, choose
from daydream_console.local.stack import SERVICES, running
from daydream_console.overview import Overview, overview, settled
from daydream_shared.failures import WrongSetting
from daydream_shared.messages import NANOUSD_PER_USD, ReviewRecorded
from daydream_shared.requests import ListVerdicts, Nothing, Search, SetGoal, SetLimit, Window
from daydream_shared.subjects import BUDGET_LIMIT, BUDGET_STATE, MEMORY_INSIGHTS, MEMORY_SEARCH, MEMORY_STATE, SAMPLER_GOAL

PORT = 8421
app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, help=__doc__)
budget_app = typer.Typer(no_args_is_help=True, help="The cap, and what counts against it.")
app.add_typer(budget_app, name="budget")

Data = Annotated[Path | None, typer.Option("--data", help="Data folder; DAYDREAM_DATA, or the platform's place for data of programs.", show_default=False)]
Json = Annotated[bool, typer.Option("--json", help="JSON on standard output, for programs.")]
Weights = Annotated[Path | None, typer.Option("--model", help="A GGUF file to serve here instead of the toy.", show_default=False)]
BaseUrl = Annotated[str, typer.Option("--base-url", help="An OpenAI-compatible endpoint; OPENAI_BASE_URL, DAYDREAM_MODEL_BASE_URL.", show_default=False)]
ModelName = Annotated[str, typer.Option("--model-name", help="The model there; DAYDREAM_MODEL_NAME.", show_default=False)]
Cap = Annotated[float | None, typer.Option("--cap", min=0, help="Dollars that may be spent in all, ever.", show_default=False)]
DailyCap = Annotated[float | None, typer.Option("--daily-cap", min=0, help="Dollars that may be spent on a day.", show_default=False)]


def _folder(data: Path | None) -> DataFolder:
    return DataFolder(data or default_folder())


@app.command("run")
def run_command(
    paths: Annotated[list[Path] | None, typer.Argument(help="Files and folders to read first; the bundled notes if nothing is known yet.")] = None,
    daydreams: Annotated[int, typer.Option("--daydreams", "-n", min=1, help="How many pairs to think about.")] = 30,
    data: Data = None,
    model: Weights = None,
    base_url: BaseUrl = "",
    model_name: ModelName = "",
    cap: Cap = None,
    daily_cap: DailyCap = None,
    port: Annotated[int, typer.Option("--port", min=0, max=65535, help="Port of the page; 0 takes any.")] = 0,
    as_json: Json = False,
) -> None:
    """Ingest, dream until the goal or the cap, print the insights and the spend, stop everything."""
    from daydream_console.cli.run import Caps, Plan, run

    async def work() -> int:
        choice = choose(weights=model, base_url=base_url, name=model_name)
        return await run(Plan(_folder(data), choice, paths or [], daydreams, Caps(cap, daily_cap), port, as_json))

    perform(work, as_json=as_json)


@app.command("up")
def up_command(
    data: Data = None,
    model: Weights = None,
    base_url: BaseUrl = "",
    model_name: ModelName = "",
    cap: Cap = None,
    daily_cap: DailyCap = None,
    port: Annotated[int, typer.Option("--port", min=0, max=65535, help="Port of the page; 0 takes any.")] = PORT,
) -> None:
    """Run everything on this machine until Ctrl-C. Money, memory and what is on its way are kept for the next start."""
    from daydream_console.cli.run import Caps, prepare

    async def work() -> int:
        folder = _folder(data)
        choice = choose(weights=model, base_url=base_url, name=model_name)
        free = await prepare(folder, choice, port)
        with err.status("starting …") as status:
            async with running(folder, SERVICES, model=choice, console_port=port, said=lambda text: status.update(f"{text} …")) as stack:
                async with connected(stack.nats_url) as client:
                    budget = await Caps(cap, daily_cap).set(client)
                    if not free and not budget.limits:
                        raise WrongSetting("no cap is set, and the model costs money", "Say how much may be spent in all, e.g. --cap 1.00")
                    await client.ask(SAMPLER_GOAL, SetGoal(drawn_max=None))
                    memory = await client.ask(MEMORY_STATE, Nothing())
                status.stop()
                out.print(f"daydream runs in {folder.path}. The page: {stack.console_url} Ctrl-C stops it.")
                if not memory.facts + memory.facts_pending:
                    out.print("Nothing is known yet. In another terminal: daydream ingest PATH")
                await asyncio.Event().wait()
        return 0

    perform(work)


@app.command("ingest")
def ingest_command(paths: Annotated[list[Path], typer.Argument(help="Files and folders to read.")], data: Data = None, as_json: Json = False) -> None:
    """Put documents into the memory. Says for each what it did; the embedding goes on in the background."""

    async def work() -> None:
        files = ingesting.files_under(paths)
        async with reading(data or default_folder()) as client:
            with Progress(console=err, transient=True) as progress:
                task = progress.add_task("reading", total=len(files))
                offered = []
                async for one in ingesting.offer(client, files):
                    offered.append(one)
                    progress.update(task, completed=len(offered) / 2)
                found = await ingesting.reports(client, offered, seen=lambda done: progress.update(task, completed=(len(files) + done) / 2))
        if as_json:
            emit_json([report.model_dump(mode="json") for report in found])
        else:
            output.show_reports(found)

    perform(work, as_json=as_json)


@app.command("insights")
def insights_command(
    everything: Annotated[bool, typer.Option("--all", help="All verdicts, not only promoted ones.")] = False,
    limit: Annotated[int, typer.Option(min=1, max=100)] = 20,
    data: Data = None,
    as_json: Json = False,
) -> None:
    """What was found, newest first: each with its two facts, scores and cost."""

    async def work() -> None:
        async with reading(data or default_folder()) as client:
            page = await client.ask(MEMORY_INSIGHTS, ListVerdicts(promoted_only=not everything, limit=limit))
        if as_json:
            emit_json([verdict.model_dump(mode="json") for verdict in page.verdicts])
            return
        output.show_verdicts(page.verdicts)
        out.print(f"{len(page.verdicts)} of {page.total} shown." if page.total else "No insight has been promoted yet. All verdicts: daydream insights --all")

    perform(work, as_json=as_json)


@app.command("review")
def review_command(
    verdict_id: Annotated[str, typer.Argument(help="A verdict that waits; none: list all that do.")] = "",
    accept: Annotated[bool | None, typer.Option("--accept/--reject", help="Your word on it.", show_default=False)] = None,
    who: Annotated[str, typer.Option(envvar="USER", help="Who says so; kept with the review.")] = "",
    note: Annotated[str, typer.Option(help="Why; kept with the review.")] = "",
    data: Data = None,
    as_json: Json = False,
) -> None:
    """What waits in quarantine (DAYDREAM_MEMORY_QUARANTINE=true), and a person's word on it: accepted ones become facts."""

    async def work() -> None:
        async with reading(data or default_folder()) as client:
            if verdict_id:
                if accept is None:
                    raise WrongSetting("your word is missing", "Give --accept or --reject")
                review = ReviewRecorded(verdict_id=verdict_id, accepted=accept, who=who or "unknown", note=note, recorded_at=datetime.now(UTC))
                await client.publish(review)
                await settled(client, ReviewRecorded)
            page = await client.ask(MEMORY_INSIGHTS, ListVerdicts(quarantined_only=True, limit=100))
        if as_json:
            emit_json([verdict.model_dump(mode="json") for verdict in page.verdicts])
            return
        output.show_verdicts(page.verdicts, with_ids=True)
        out.print(f"{page.total} wait for a person's word.")

    perform(work, as_json=as_json)


@app.command("ask")
def ask_command(text: str, limit: Annotated[int, typer.Option(min=1, max=100)] = 5, data: Data = None, as_json: Json = False) -> None:
    """What is known that is close to a text: facts and insights with their ancestry. No model is called."""

    async def work() -> None:
        async with reading(data or default_folder()) as client:
            found = await client.ask(MEMORY_SEARCH, Search(text=text, limit=limit))
        if as_json:
            emit_json(found.model_dump(mode="json"))
        else:
            output.show_found(found)

    perform(work, as_json=as_json)


@app.command("status")
def status_command(data: Data = None, as_json: Json = False) -> None:
    """How much is known, what is on its way, what is spent."""

    async def work() -> None:
        async with reading(data or default_folder()) as client:
            now = await overview(client.ask, client.js)
        if as_json:
            emit_json(now.model_dump(mode="json"))
        else:
            _show_status(now)

    perform(work, as_json=as_json)


def _show_status(now: Overview) -> None:
    if now.memory:
        memory = now.memory
        out.print(f"Memory: {memory.facts} facts ({memory.facts_pending} being embedded) from {memory.documents} documents, {memory.insights} insights.")
        if memory.quarantined:
            out.print(f"{memory.quarantined} promoted hypotheses wait for a person's word: daydream review")
        out.print(f"Verdicts: {memory.verdicts}, {memory.daydreams_judged} of them by a model.")
    if now.sampler:
        out.print(f"Sampler: {now.sampler.phase}; {now.sampler.drawn} pairs drawn, {now.sampler.pairs_left} left. {now.sampler.text}")
    else:
        out.print("Sampler: not running. Start everything with: daydream up")
    stages = Table(title="Stages", title_justify="left")
    for name in ("stage", "takes", "waiting", "in hand", "redelivered"):
        stages.add_column(name, justify="left" if name in ("stage", "takes") else "right")
    for stage in now.stages:
        stages.add_row(stage.service, stage.subject, str(stage.waiting), str(stage.in_hand), str(stage.redelivered))
    out.print(stages)
    if now.dead_letters:
        out.print(f"[red]{now.dead_letters} dead letters.[/red]")
    if now.budget:
        output.show_budget(now.budget)


@budget_app.command("show")
def budget_show(data: Data = None, as_json: Json = False) -> None:
    """Limits, and what is spent, by stage and model."""

    async def work() -> None:
        async with reading(data or default_folder()) as client:
            state = await client.ask(BUDGET_STATE, Nothing())
        if as_json:
            emit_json(state.model_dump(mode="json"))
        else:
            output.show_budget(state)

    perform(work, as_json=as_json)


@budget_app.command("set")
def budget_set(
    lifetime: Annotated[float | None, typer.Option(min=0, help="Dollars that may be spent in all, ever.")] = None,
    daily: Annotated[float | None, typer.Option(min=0, help="Dollars that may be spent on a day.")] = None,
    remove: Annotated[str | None, typer.Option(help="Remove a cap: lifetime or day.")] = None,
    who: Annotated[str, typer.Option(envvar="USER", help="Who does it; kept in the ledger.")] = "",
    why: Annotated[str, typer.Option(help="Why; kept in the ledger.")] = "",
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Set, change or remove a cap, also while it runs. Every change is an entry of the ledger."""

    async def work() -> None:
        changes: list[tuple[Window, int | None]] = []
        if lifetime is not None:
            changes.append(("lifetime", round(lifetime * NANOUSD_PER_USD)))
        if daily is not None:
            changes.append(("day", round(daily * NANOUSD_PER_USD)))
        if remove in ("lifetime", "day"):
            changes.append((remove, None))  # type: ignore[arg-type]
        elif remove is not None:
            raise WrongSetting(f"there is no limit {remove}", "Remove lifetime or day")
        if not changes:
            raise WrongSetting("nothing to set", "Give --lifetime, --daily or --remove")
        async with reading(data or default_folder()) as client:
            for window, cap in changes:
                state = await client.ask(BUDGET_LIMIT, SetLimit(change_id=uuid4().hex, window=window, cap_nanousd=cap, who=who or "unknown", why=why))
        if as_json:
            emit_json(state.model_dump(mode="json"))
        else:
            output.show_budget(state)

    perform(work, as_json=as_json)


@app.command("asyncapi")
def asyncapi_command() -> None:
    """The AsyncAPI document of all subjects and messages, as JSON."""
    from daydream_console.asyncapi import document

    print(document(version("daydream-console")))


@app.command("doctor")
def doctor_command(
    data: Data = None,
    model: Weights = None,
    base_url: BaseUrl = "",
    model_name: ModelName = "",
    port: Annotated[int, typer.Option("--port")] = PORT,
    as_json: Json = False,
) -> None:
    """What is missing on this machine, and how to mend it. Nothing is started or spent."""
    from daydream_console.cli.checks import findings

    async def work() -> int:
        def choice() -> ModelChoice:
            return choose(weights=model, base_url=base_url, name=model_name)

        found = await findings(_folder(data), choice, port)
        wrong = [one for one in found if one.mend and one.about != "offer"]
        if as_json:
            emit_json([vars(one) for one in found])
        else:
            for one in found:
                out.print(f"{'[red]✗[/red]' if one in wrong else '[green]✓[/green]'} {one.about}: {one.found}")
                if one.mend:
                    out.print(f"    {one.mend}")
        return 2 if wrong else 0

    perform(work, as_json=as_json)


def main() -> None:
    """The entry point."""
    app()


if __name__ == "__main__":
    main()
