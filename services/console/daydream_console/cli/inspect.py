"""`daydream inspect`: how a verdict came about, with the exact prompts, answers and arithmetic. Nothing is called for it."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.panel import Panel
from rich.text import Text

from daydream_console.cli.options import Data, Json
from daydream_console.cli.output import emit_json, out, usd
from daydream_console.cli.session import perform, reading
from daydream_console.local.folder import default_folder
from daydream_console.verdict_inspection import InspectedCall, VerdictInspection, inspect_verdict


def inspect_command(
    verdict_id: Annotated[
        str, typer.Argument(help="id of a verdict; daydream insights --all --json lists them")
    ],
    data: Data = None,
    as_json: Json = False,
) -> None:
    """The prompts, answers and arithmetic of a verdict."""

    async def work() -> None:
        async with reading(data or default_folder()) as client:
            found = await inspect_verdict(client, verdict_id)
        if as_json:
            emit_json(found.as_data())
        else:
            show(found)

    perform(work, as_json=as_json)


def show(found: VerdictInspection) -> None:
    """For people."""
    for one in found.calls:
        _show_call(one)
    verdict, aggregation = found.verdict, found.verdict.aggregation
    out.print(
        Text(f"{verdict.decision.value} ({verdict.reason}): {verdict.explanation}", style="bold")
    )
    for judgement in verdict.judgements:
        scores = judgement.scores
        said = (
            f"{scores.novelty} · {scores.coherence} · {scores.usefulness}, mean {scores.mean:.2f}"
            if scores
            else "no scores"
        )
        out.print(Text(f"  {judgement.judge}: {said}"))
    for attempt in verdict.examination.attempts if verdict.examination else ():
        outcome = {
            True: "could not refute it",
            False: "refuted it",
            None: "gave no answer that can be read",
        }[attempt.holds]
        if same := attempt.same_as:
            outcome = (
                "found that one fact alone suggests it"
                if same.what == "alone"
                else f"found it said already ({same.what} {same.id})"
            )
        out.print(Text(f"  oracle {attempt.model} {outcome}: {attempt.case}"))
    for other in verdict.comparisons:
        place = "first" if other.shown_first else "second"
        out.print(
            Text(
                f"  {other.judge}: {'better' if other.won else 'worse'} than {other.other_verdict_id}, shown {place}"
            )
        )
    if verdict.score is not None and verdict.spread is not None:
        out.print(
            Text(f"  mean score {verdict.score:.2f}, the judges' means ± {verdict.spread:.2f}")
        )
    if aggregation and aggregation.log_odds is not None and aggregation.prior is not None:
        terms = "".join(
            f" + {vote.weight:.3f} × ({vote.value:.3f} − {vote.base:.3f}) ÷ {vote.scale:.3f}"
            for vote in aggregation.votes
        )
        out.print(
            Text(
                f"  log-odds {aggregation.log_odds:.3f} = {aggregation.prior:.3f}{terms} − {aggregation.deflection or 0:.3f} ÷ 2"
            )
        )
        out.print(Text(f"  the line: {aggregation.threshold or 0:.3f}"))
        if aggregation.rating is not None:
            out.print(
                Text(
                    f"  after comparisons {aggregation.rating:.3f} ± {aggregation.rating_error or 0:.3f}"
                )
            )
    if not found.sums_agree:
        out.print("[red]The sum of the votes is not what the verdict says.[/red]")


def _show_call(one: InspectedCall) -> None:
    call = one.call
    body = Text()
    for message in one.messages or ():
        body.append(f"{message['role']}\n", style="bold").append(f"{message['content']}\n\n")
    if one.messages is None:
        body.append("its prompt is not kept\n\n", style="red")
    body.append("answer\n", style="bold").append(call.answer or "(not kept)")
    state = (
        "as it was sent"
        if one.exact
        else "not exactly as it was sent"
        if one.messages
        else "unknown"
    )
    title = f"{call.prompt.name} · {call.model}{' · repair' if call.repair else ''}"
    out.print(
        Panel(
            body,
            title=Text(title),
            title_align="left",
            subtitle=Text(f"{state} · {usd(call.cost_nanousd)}"),
            subtitle_align="left",
        )
    )
