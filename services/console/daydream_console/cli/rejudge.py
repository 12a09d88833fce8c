"""Judge stored hypotheses again. Show the cost and ask first."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

import typer

from daydream_console.cli.command import command, confirm
from daydream_console.cli.connection import connection
from daydream_console.cli.options import Data, Json, Yes
from daydream_console.cli.output import emit_json, err, out, usd
from daydream_console.client import Client
from daydream_console.rejudge import RejudgePlan, prepare, send
from daydream_contracts.errors import ConfigurationError, RetryLaterError
from daydream_contracts.rpc import Refusal


@command
async def rejudge_command(
    since: Annotated[datetime, typer.Option(help="Start of the period (UTC), e.g. 2026-10-01.")],
    judge: Annotated[
        list[str] | None,
        typer.Option(
            help="Judge to use, as named by 'daydream report critic'. Repeatable. Default: all."
        ),
    ] = None,
    limit: Annotated[
        int, typer.Option(min=1, max=100_000, help="Maximum number of hypotheses, newest first.")
    ] = 1000,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show the cost.")] = False,
    yes: Yes = False,
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Judge stored hypotheses again; show the cost and ask first.

    Earlier verdicts stay. Needs a running critic.

    Examples:
        daydream rejudge --since 2026-11-01 --limit 50 --dry-run
    """
    async with connection(data) as client:
        try:
            start = since.replace(tzinfo=since.tzinfo or UTC)
            plan = await prepare(client, start, judge or (), limit)
        except RetryLaterError:
            raise ConfigurationError(
                "The critic does not answer", "Start it: daydream up"
            ) from None
        summary = _summary(plan)
        sent, refusal = 0, None
        if plan.hypotheses and not dry_run:
            confirm(f"{summary}. Judge them again?", yes=yes, declined="Nothing was sent")
            sent, refusal = await _send_all(client, plan, quiet=as_json)
    if as_json:
        emit_json(_as_json(plan, sent, refusal))
        return
    if dry_run or not plan.hypotheses:
        out.print(summary)
    else:
        out.print(f"Sent {sent} of {summary}. See the new verdicts: daydream insights --all")
    if refusal is not None:
        out.print(f"The budget refused: {refusal.text}. Run the same command to continue.")


def _summary(plan: RejudgePlan) -> str:
    price = f"about {usd(plan.expected_nanousd)}, at most {usd(plan.max_nanousd)}"
    return f"{len(plan.hypotheses)} hypotheses, judged by {', '.join(plan.judges)}: {price}"


async def _send_all(
    client: Client, plan: RejudgePlan, *, quiet: bool
) -> tuple[int, Refusal | None]:
    """Send until the budget refuses. Return (number sent, refusal)."""
    for sent, hypothesis in enumerate(plan.hypotheses):
        refusal = await send(client, hypothesis, plan.plans)
        if refusal is not None:
            return sent, refusal
        if not quiet:
            err.print(f"{sent + 1} of {len(plan.hypotheses)} sent to the critic", end="\r")
    return len(plan.hypotheses), None


def _as_json(plan: RejudgePlan, sent: int, refusal: Refusal | None) -> dict[str, object]:
    return {
        "hypotheses": len(plan.hypotheses),
        "judges": plan.judges,
        "expected_nanousd": plan.expected_nanousd,
        "max_nanousd": plan.max_nanousd,
        "sent": sent,
        "refusal": refusal and refusal.text,
    }
