"""Show how a verdict came about: exact prompts, answers and arithmetic. No model is called."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

import typer
from rich.text import Text

from daydream_console.cli.command import command
from daydream_console.cli.connection import connection
from daydream_console.cli.options import Data, Json
from daydream_console.cli.output import emit_json, out, print_boxed, usd
from daydream_console.verdict_inspection import InspectedCall, VerdictInspection, inspect_verdict
from daydream_contracts.events import Aggregation, Refutation, VerdictReached

OUTCOMES = {
    True: "could not refute it",
    False: "refuted it",
    None: "gave an unreadable answer",
}


@command
async def inspect_command(
    verdict_id: Annotated[
        str, typer.Argument(help="Verdict ID, as listed by 'daydream insights --all --json'.")
    ],
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Show the exact prompts, answers and arithmetic of a verdict. Call no model.

    Examples:
        daydream inspect VERDICT_ID
    """
    async with connection(data) as client:
        inspection = await inspect_verdict(client, verdict_id)
    if as_json:
        emit_json(inspection.as_json())
    else:
        show(inspection)


def show(inspection: VerdictInspection) -> None:
    """Print the inspection."""
    for call in inspection.calls:
        _show_call(call)
    verdict = inspection.verdict
    out.print(
        Text(f"{verdict.decision.value} ({verdict.reason}): {verdict.explanation}", style="bold")
    )
    for line in _judging_lines(verdict):
        out.print(Text(f"  {line}"))
    for line in _sum_lines(verdict):
        out.print(Text(f"  {line}"))
    if not inspection.sums_agree:
        out.print("[red]The sum of the votes differs from the verdict.[/red]")


def _judging_lines(verdict: VerdictReached) -> Iterator[str]:
    for judgement in verdict.judgements:
        if scores := judgement.scores:
            values = f"{scores.novelty} · {scores.coherence} · {scores.usefulness}"
            yield f"{judgement.judge}: {values}, mean {scores.mean:.2f}"
        else:
            yield f"{judgement.judge}: no scores"
    for attempt in verdict.examination.attempts if verdict.examination else ():
        yield f"oracle {attempt.model} {_outcome(attempt)}: {attempt.case}"
    for comparison in verdict.comparisons:
        result = "better" if comparison.won else "worse"
        place = "first" if comparison.shown_first else "second"
        yield f"{comparison.judge}: {result} than {comparison.other_verdict_id}, shown {place}"


def _outcome(attempt: Refutation) -> str:
    match = attempt.same_as
    if not match:
        return OUTCOMES[attempt.holds]
    if match.kind == "alone":
        return "found that one fact alone suggests it"
    return f"found that it is already known ({match.kind} {match.id})"


def _sum_lines(verdict: VerdictReached) -> Iterator[str]:
    if verdict.score is not None and verdict.spread is not None:
        yield f"mean score {verdict.score:.2f}, standard deviation of judges {verdict.spread:.2f}"
    aggregation = verdict.aggregation
    if not aggregation or aggregation.log_odds is None or aggregation.prior is None:
        return
    yield f"log-odds {aggregation.log_odds:.3f} = {_formula(aggregation, aggregation.prior)}"
    yield f"promotion threshold: {aggregation.threshold or 0:.3f}"
    if aggregation.rating is not None:
        error = aggregation.rating_error or 0
        yield f"after comparisons {aggregation.rating:.3f} ± {error:.3f}"


def _formula(aggregation: Aggregation, prior: float) -> str:
    votes = "".join(
        f" + {vote.weight:.3f} × ({vote.value:.3f} − {vote.base:.3f}) ÷ {vote.scale:.3f}"
        for vote in aggregation.votes
    )
    return f"{prior:.3f}{votes} − {aggregation.deflection or 0:.3f} ÷ 2"


def _show_call(inspected: InspectedCall) -> None:
    call = inspected.call
    body = Text()
    for message in inspected.messages or ():
        body.append(f"{message['role']}\n", style="bold").append(f"{message['content']}\n\n")
    if inspected.messages is None:
        body.append("the prompt is not stored\n\n", style="red")
    body.append("answer\n", style="bold").append(call.answer or "(not stored)")
    repair = " · repair" if call.repair else ""
    print_boxed(
        body,
        title=Text(f"{call.prompt.name} · {call.model}{repair}"),
        subtitle=f"{_fidelity(inspected)} · {usd(call.cost_nanousd)}",
    )


def _fidelity(inspected: InspectedCall) -> str:
    if inspected.exact:
        return "as it was sent"
    return "not exactly as it was sent" if inspected.messages else "unknown"
