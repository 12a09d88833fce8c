"""`daydream rejudge`: stored hypotheses before the present panel again, its cost told first."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

import typer

from daydream_console.cli.options import Data, Json
from daydream_console.cli.output import emit_json, err, out, usd
from daydream_console.cli.session import perform, reading
from daydream_console.local.folder import default_folder
from daydream_console.rejudge import RejudgePlan, prepare, send
from daydream_contracts.errors import ConfigurationError, RetryLaterError
from daydream_contracts.rpc import Refusal


def rejudge_command(
    since: Annotated[
        datetime, typer.Option(help="Those judged from then on (UTC), e.g. 2026-10-01.")
    ],
    judge: Annotated[
        list[str] | None,
        typer.Option(
            help="Only these judges, by the names that daydream report critic shows. May be given often."
        ),
    ] = None,
    limit: Annotated[
        int, typer.Option(min=1, max=100_000, help="At most so many, the newest.")
    ] = 1000,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only tell what it would cost.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Don't ask.")] = False,
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Judge stored hypotheses anew. Their earlier verdicts stay; the new one is another round. Needs a running critic."""

    async def work() -> None:
        async with reading(data or default_folder()) as client:
            try:
                found = await prepare(
                    client, since.replace(tzinfo=since.tzinfo or UTC), judge or (), limit
                )
            except RetryLaterError:
                raise ConfigurationError("no critic answers", "Start one: daydream up") from None
            price = (
                f"about {usd(found.expected_nanousd)}, never more than {usd(found.most_nanousd)}"
            )
            told = f"{len(found.proposed)} hypotheses, by {', '.join(found.judges)}: {price}"
            sent, refusal = 0, None
            if found.proposed and not dry_run:
                if not yes and not typer.confirm(f"{told}. Judge them anew?", err=True):
                    raise ConfigurationError("nothing is judged anew", "Say yes, or give --yes")
                for one in found.proposed:
                    refusal = await send(client, one, found.plans)
                    if refusal is not None:
                        break
                    sent += 1
                    if not as_json:
                        err.print(f"{sent} of {len(found.proposed)} handed to the critic", end="\r")
        if as_json:
            emit_json(_as_data(found, sent, refusal))
        else:
            out.print(
                told
                if dry_run or not found.proposed
                else f"{sent} of {told}. Their verdicts come as another round: daydream insights --all"
            )
            if refusal is not None:
                out.print(
                    f"Stopped by the budget: {refusal.text}. The same command goes on from there."
                )

    perform(work, as_json=as_json)


def _as_data(found: RejudgePlan, sent: int, refusal: Refusal | None) -> dict[str, object]:
    return {
        "hypotheses": len(found.proposed),
        "judges": found.judges,
        "expected_nanousd": found.expected_nanousd,
        "most_nanousd": found.most_nanousd,
        "sent": sent,
        "refusal": refusal and refusal.text,
    }
