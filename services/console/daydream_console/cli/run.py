"""`daydream run`: the main job, from nothing to printed insights, and everything stopped at the end.

It ends when the goal is reached and nothing is on its way, when the cap stops the drawing, or when all pairs are drawn. Killed
anywhere, the next run in the same folder goes on: money, memory, cursor and everything on its way are kept.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any
from uuid import uuid4

from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TextColumn,
    TimeElapsedColumn,
)

from daydream_console import ingest
from daydream_console.cli import output
from daydream_console.cli.checks import (
    check_folder,
    check_model,
    check_port,
    check_programs,
    misspelt_variables,
)
from daydream_console.cli.output import emit_json, err, out, usd
from daydream_console.client import Client, connected
from daydream_console.local.folder import DataFolder
from daydream_console.local.model import TOY_NOTICE, ModelChoice, found_servers
from daydream_console.local.stack import running, services_wanted
from daydream_console.overview import Overview, overview
from daydream_contracts.errors import ConfigurationError, TransientError
from daydream_contracts.events import NANOUSD_PER_USD, VerdictReached
from daydream_contracts.rpc import (
    BudgetState,
    ChangeBudget,
    DocumentReport,
    EmptyRequest,
    ListVerdicts,
    SetGoal,
    SetLimit,
    Window,
)
from daydream_contracts.topology import (
    BUDGET_CHANGE,
    BUDGET_STATE,
    MEMORY_INSIGHTS,
    MEMORY_STATE,
    SAMPLER_GOAL,
    SAMPLER_STATE,
)
from daydream_models.pricing.lookup import FREE

POLL_S = 0.25
SAY_EVERY = timedelta(seconds=10)  # where no progress bar can be seen
SILENCE_MAX = timedelta(seconds=60)
FACTS_MIN = 2
SHOWN_MAX = 10


@dataclass(frozen=True)
class Caps:
    """What may be spent, in dollars; None leaves a limit as it is."""

    lifetime_usd: float | None = None
    daily_usd: float | None = None

    async def set(self, client: Client) -> BudgetState:
        """Set those that are given; the budget's state afterwards."""
        given: list[tuple[Window, float | None]] = [
            ("lifetime", self.lifetime_usd),
            ("day", self.daily_usd),
        ]
        for window, dollars in given:
            if dollars is not None:
                limit = SetLimit(window=window, cap_nanousd=round(dollars * NANOUSD_PER_USD))
                await client.ask(
                    BUDGET_CHANGE,
                    ChangeBudget(
                        change_id=uuid4().hex, change=limit, who="daydream run", why="option"
                    ),
                )
        return await client.ask(BUDGET_STATE, EmptyRequest())


@dataclass(frozen=True)
class RunPlan:
    """What a run is to do."""

    folder: DataFolder
    model: ModelChoice
    paths: Sequence[Path]
    daydreams: int
    caps: Caps
    port: int
    as_json: bool


async def run(plan: RunPlan) -> int:
    """Do it; the exit code."""
    free = await prepare(plan.folder, plan.model, plan.port)
    documents = ingest.files_under(plan.paths)
    progress = Progress(
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=err,
        transient=True,
    )
    with progress:
        step = progress.add_task("starting", total=None)

        def said(text: str) -> None:
            progress.update(step, description=text)

        async with (
            running(
                plan.folder, services_wanted(), model=plan.model, console_port=plan.port, said=said
            ) as stack,
            connected(stack.nats_url) as client,
        ):
            if stack.console_url:
                err.print(f"The page: {stack.page}")
            budget = await plan.caps.set(client)
            if not free and not budget.limits:
                raise ConfigurationError(
                    "no cap is set, and the model costs money",
                    "Say how much may be spent in all, e.g. --cap 1.00",
                )
            reports = await _ingest(client, documents, progress)
            before = await overview(client.ask, client.js)
            goal, start = await _set_goal(client, plan)
            try:
                ended = await _dream(client, progress, goal, start)
            finally:
                await _hold(client)
            after = await overview(client.ask, client.js)
            if after.sampler and after.sampler.drawn >= goal:
                plan.folder.write("run.json", {**plan.folder.read("run.json"), "ended": True})
            verdicts = await _verdicts_since(client, before)
    _report(plan, before, after, verdicts, reports, ended)
    return 0


async def prepare(folder: DataFolder, model: ModelChoice, port: int) -> bool:
    """Check everything before anything is spent, and say which model it is; whether it is free."""
    check_folder(folder)
    check_programs(serves_model=not model.base_url)
    for mistake in misspelt_variables():
        err.print(mistake, style="yellow")
    if port:
        check_port(port)
    if model.toy:
        err.print(TOY_NOTICE, style="yellow")
        for server, url, name in await asyncio.to_thread(found_servers):
            err.print(
                f"{server} answers on this machine: daydream run --base-url {url} --model-name {name}",
                style="yellow",
            )
    return True if not model.base_url else all(price is FREE for price in await check_model(model))


async def _ingest(
    client: Client, documents: Sequence[Path], progress: Progress
) -> list[DocumentReport]:
    """Offer what is given, or the notes that ship with the project if nothing is known yet; wait until dreaming can start."""
    found: list[DocumentReport] = []
    memory = await client.ask(MEMORY_STATE, EmptyRequest())
    with as_file(files("daydream_console") / "notes") as notes:
        chosen = list(documents) or (
            ingest.files_under([notes]) if not memory.facts + memory.facts_pending else []
        )
        task = progress.add_task("reading", total=len(chosen))
        if chosen:
            offered = []
            # bundled notes lie wherever the package was installed, which is nobody's concern
            offers = (
                ingest.offer(client, chosen)
                if documents
                else ingest.offer(client, chosen, lambda file: f"bundled notes/{file.name}")
            )
            async for one in offers:
                offered.append(one)
                progress.advance(task)
            found = await ingest.reports(client, offered)
    progress.update(task, description="embedding", completed=0, total=FACTS_MIN)
    while True:
        memory = await client.ask(MEMORY_STATE, EmptyRequest())
        progress.update(task, completed=min(memory.facts, FACTS_MIN))
        if memory.facts >= FACTS_MIN:
            break
        if not memory.facts_pending:
            for report in found:
                err.print(f"{report.status}: {report.source}: {report.note}")
            raise ConfigurationError(
                f"the memory holds {memory.facts} facts, and two are needed",
                "Give texts to read: daydream run PATH",
            )
        await asyncio.sleep(POLL_S)
    progress.remove_task(task)
    return found


async def _set_goal(client: Client, plan: RunPlan) -> tuple[int, int]:
    """(pairs drawn when the goal is reached, pairs that had been drawn when this goal was set): the last run's goal if that one did not get there."""
    drawn = (await client.ask(SAMPLER_STATE, EmptyRequest())).drawn
    last = plan.folder.read("run.json")
    unfinished = (
        last.get("goal", 0) > drawn or last.get("ended") is False
    )  # all may be drawn, and yet be on their way
    if last.get("daydreams") == plan.daydreams and unfinished:
        goal, start = last["goal"], last["start"]
        err.print(
            f"Going on where the last run stopped: {max(0, goal - drawn)} of {plan.daydreams} daydreams are left to draw."
        )
    else:
        goal, start = drawn + plan.daydreams, drawn
        plan.folder.write(
            "run.json", {"daydreams": plan.daydreams, "goal": goal, "start": start, "ended": False}
        )
    await client.ask(SAMPLER_GOAL, SetGoal(pairs_max=goal))
    return goal, start


async def _dream(client: Client, progress: Progress, goal: int, start: int) -> str:
    """Wait for the end, showing how far it is; why it ended."""
    task = progress.add_task("dreaming", total=goal - start)
    quiet: tuple[datetime, int] | None = (
        None  # since when nothing is on its way, and how many pairs had been drawn then
    )
    heard = said = datetime.now(UTC)
    while True:
        now = await overview(client.ask, client.js)
        if now.at - heard > SILENCE_MAX:
            silent = [
                name for name in ("sampler", "budget", "memory") if getattr(now, name) is None
            ]
            raise TransientError(
                f"no answer from {', '.join(silent)} for {SILENCE_MAX.seconds} s; the log files in the data folder say why"
            )
        if now.sampler and now.budget and now.memory:
            heard = now.at
            on_their_way = now.budget.reservations_open
            spent = f"{usd(now.budget.settled_nanousd)} spent"
            if again := sum(stage.redelivered for stage in now.stages):
                spent += f" · {again} tried again, see the logs in the data folder"
            if not err.is_terminal and now.at - said > SAY_EVERY:
                said = now.at
                err.print(
                    f"{now.sampler.drawn - start - on_their_way} of {goal - start} daydreams ended · {now.memory.daydreams_judged} judged · {spent}"
                )
            progress.update(
                task,
                completed=max(0, now.sampler.drawn - start - on_their_way),
                description=f"dreaming · {now.memory.daydreams_judged} judged · {spent}",
            )
            if not now.pipeline_idle or quiet is None or quiet[1] != now.sampler.drawn:
                quiet = (now.at, now.sampler.drawn) if now.pipeline_idle else None
            # what ends flows back, so only a look at the budget counts that the sampler took when all had ended
            elif now.sampler.looked_at > quiet[0] and (why := _why_ended(now)):
                return why
        await asyncio.sleep(POLL_S)


def _why_ended(now: Overview) -> str:
    sampler = now.sampler
    match sampler.phase if sampler else "":
        case "goal-reached":
            return "the goal is reached"
        case "exhausted" if now.memory and not now.memory.facts_pending:
            return sampler.text if sampler else ""
        case "off":
            return sampler.text if sampler else ""
        case "refused":
            until = (
                f" It renews at {sampler.retry_at:%Y-%m-%d %H:%M} UTC."
                if sampler and sampler.retry_at
                else ""
            )
            return f"the cap stops it: {sampler.text if sampler else ''}.{until} Raise it with --cap, and the next run goes on"
    return ""


async def _hold(client: Client) -> None:
    """No more pairs than are drawn now: the next start must not draw before it has a goal."""
    drawn = (await client.ask(SAMPLER_STATE, EmptyRequest())).drawn
    await client.ask(SAMPLER_GOAL, SetGoal(pairs_max=drawn))


async def _verdicts_since(client: Client, before: Overview) -> list[VerdictReached]:
    known = before.memory.verdicts if before.memory else 0
    found: list[VerdictReached] = []
    while True:
        page = await client.ask(
            MEMORY_INSIGHTS, ListVerdicts(promoted_only=False, limit=50, offset=len(found))
        )
        found += page.verdicts
        if not page.verdicts or len(found) >= page.total - known:
            return found[: page.total - known]


def _report(
    plan: RunPlan,
    before: Overview,
    after: Overview,
    verdicts: list[VerdictReached],
    reports: list[DocumentReport],
    ended: str,
) -> None:
    insights = [verdict for verdict in verdicts if verdict.decision == "promoted"]
    judged = sorted(
        (verdict for verdict in verdicts if verdict.score is not None),
        key=lambda verdict: -(verdict.score or 0),
    )
    budget, spent = after.budget, 0
    if budget and before.budget:
        spent = budget.settled_nanousd - before.budget.settled_nanousd
    if plan.as_json:
        emit_json(_as_data(ended, verdicts, insights, reports, spent, after))
        return
    output.show_reports([report for report in reports if report.status != "read" or report.note])
    if insights:
        out.print(f"\n[bold]{len(insights)} insights[/bold]")
        output.show_verdicts(insights[:SHOWN_MAX])
    elif judged:
        out.print("\n[bold]No hypothesis was promoted.[/bold] The ones that were scored highest:")
        output.show_verdicts(judged[:3])
    if plan.model.toy and judged:
        out.print(
            "These are the toy model's words: they prove the plumbing and mean nothing.",
            style="yellow",
        )
    reached = sum(1 for verdict in verdicts if verdict.judgements)
    out.print(
        f"\n{len(verdicts)} daydreams ended, {reached} of them were judged by a model, {len(insights)} were promoted: {ended}."
    )
    counts = ", ".join(f"{count} {name}" for name, count in sorted(_decisions(verdicts).items()))
    out.print(f"Verdicts: {counts or 'none'}.")
    if after.dead_letters:
        out.print(f"[red]{after.dead_letters} dead letters wait: daydream dead-letters list.[/red]")
    if budget:
        limits = (
            ", ".join(
                f"{usd(limit.settled_nanousd)} of {usd(limit.cap_nanousd)} ({limit.window})"
                for limit in budget.limits
            )
            or "no cap is set, and none is needed for free models"
        )
        out.print(
            f"Spent: {usd(spent)} in this run, {usd(budget.settled_nanousd)} ever. Against the cap: {limits}."
        )


def _decisions(verdicts: Sequence[VerdictReached]) -> dict[str, int]:
    counts: dict[str, int] = {}
    for verdict in verdicts:
        counts[verdict.decision.value] = counts.get(verdict.decision.value, 0) + 1
    return counts


def _as_data(
    ended: str,
    verdicts: list[VerdictReached],
    insights: list[VerdictReached],
    reports: list[DocumentReport],
    spent: int,
    after: Overview,
) -> dict[str, Any]:
    return {
        "ended": ended,
        "daydreams": len(verdicts),
        "judged": sum(1 for verdict in verdicts if verdict.judgements),
        "decisions": _decisions(verdicts),
        "spent_usd": spent / NANOUSD_PER_USD,
        "budget": after.budget.model_dump(mode="json") if after.budget else None,
        "documents": [report.model_dump(mode="json") for report in reports],
        "insights": [verdict.model_dump(mode="json") for verdict in insights],
        "dead_letters": after.dead_letters,
    }
