"""How results look: for people on a terminal, or as JSON on standard output for programs. Progress goes to standard error."""

from __future__ import annotations

import json
import sys
from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from rich.console import Console
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from daydream_console.overview import Overview
from daydream_contracts.events import NANOUSD_PER_USD, Fact, VerdictReached
from daydream_contracts.rpc import BudgetState, DocumentReport, SearchResults

out = Console(highlight=False)
err = Console(stderr=True, highlight=False)


def usd(nanousd: float) -> str:
    """Dollars with as many places as the amount needs."""
    dollars = nanousd / NANOUSD_PER_USD
    if dollars == 0:
        return "$0"
    return f"${dollars:.2f}" if dollars >= 0.1 else f"${dollars:.6f}".rstrip("0")


def count(number: int, noun: str, plural: str = "") -> str:
    """Return the number with its noun: "1 document", "2 documents"."""
    return f"{number} {noun if number == 1 else plural or f'{noun}s'}"


def emit_json(value: Any) -> None:
    """One JSON document on standard output."""
    sys.stdout.write(json.dumps(value, indent=1, default=str) + "\n")


def show_verdicts(
    verdicts: Sequence[VerdictReached], *, with_ids: bool = False, retracted: Collection[str] = ()
) -> None:
    """Each with its two facts, scores and cost."""
    for verdict in verdicts:
        name = verdict.verdict_id if with_ids else None
        gone = verdict.verdict_id in retracted
        colour = "green" if verdict.decision == "promoted" and not gone else "dim"
        title = _title(verdict).append(" · retracted" if gone else "")
        out.print(
            Panel(
                _verdict(verdict),
                title=title,
                title_align="left",
                border_style=colour,
                subtitle=name,
                subtitle_align="left",
            )
        )


def _title(verdict: VerdictReached) -> Text:
    synthesis = verdict.hypothesis.synthesis
    return Text(f"{synthesis.title if synthesis else '(no link)'} · {verdict.decision.value}")


def _verdict(verdict: VerdictReached) -> Text:
    text = Text()
    synthesis = verdict.hypothesis.synthesis
    if synthesis:
        text.append(f"{synthesis.hypothesis}\n")
        text.append(f"To test: {synthesis.implication}\n", style="italic")
        text.append(
            f"If it were false: {synthesis.if_false}\n\n" if synthesis.if_false else "\n",
            style="italic",
        )
    for number, fact in enumerate(
        (verdict.hypothesis.pair.first, verdict.hypothesis.pair.second), 1
    ):
        text.append(f"Fact {number} ", style="bold")
        text.append(f"{fact.text}\n")
        text.append(f"  {_place(fact)}\n", style="dim")
    scores = next((judgement.scores for judgement in verdict.judgements if judgement.scores), None)
    if scores:
        text.append(
            f"novelty {scores.novelty} · coherence {scores.coherence} · usefulness {scores.usefulness} · mean {scores.mean:.1f}",
            style="bold",
        )
    else:
        text.append(verdict.explanation, style="bold")
    saved = f" ({usd(verdict.saved_nanousd)} saved by batches)" if verdict.saved_nanousd else ""
    text.append(f" · cost {usd(verdict.cost_nanousd)}{saved}", style="bold")
    if any(judgement.self_judged for judgement in verdict.judgements):
        text.append(" · self-judged", style="dim")
    return text


def _place(fact: Fact) -> str:
    return " · ".join(part for part in (fact.title, fact.source) if part)


def show_budget(state: BudgetState) -> None:
    """Limits and spend."""
    if not state.limits:
        out.print(
            "No cap is set: only models that cost nothing may be called. Set one with: daydream budget set --lifetime 1.00"
        )
    if state.paused:
        out.print(
            "[yellow]Paused: nothing that costs is granted until daydream budget resume[/yellow]"
        )
    limits = Table(title=f"Limits (days begin in {state.zone})", title_justify="left")
    for name in (
        "scope",
        "window",
        "cap",
        "spent",
        "in calls",
        "reserved",
        "free",
        "renews",
        "reached",
    ):
        limits.add_column(
            name, justify="left" if name in ("scope", "window", "renews", "reached") else "right"
        )
    for limit in state.limits:
        amounts = (
            limit.cap_nanousd,
            limit.settled_nanousd,
            limit.authorized_nanousd,
            limit.reserved_nanousd,
            limit.free_nanousd,
        )
        window = limit.window if limit.hard else f"{limit.window} (warns)"
        limits.add_row(
            limit.scope,
            window,
            *(usd(amount) for amount in amounts),
            _when(limit.renews_at, "never"),
            _when(limit.reached_at, ""),
        )
    if state.limits:
        out.print(limits)
    spend = Table(title="Spend", title_justify="left")
    for name in ("stage", "model", "calls", "unknown", "tokens in", "tokens out", "spent"):
        spend.add_column(name, justify="left" if name in ("stage", "model") else "right")
    for row in state.spend:
        spend.add_row(
            row.stage,
            row.model,
            str(row.calls),
            str(row.unknown_calls),
            str(row.input_tokens),
            str(row.output_tokens),
            usd(row.settled_nanousd),
        )
    if state.spend:
        out.print(spend)
    out.print(
        f"Spent in all: {usd(state.settled_nanousd)} over {state.reservations_released} daydreams that ended; {state.reservations_open} are on their way."
    )
    if state.burn_nanousd_per_h:
        out.print(f"Burning {usd(state.burn_nanousd_per_h)} an hour.")
    if state.tax is not None and state.tax.ratio is not None:
        cap = f", at most {state.tax.ratio_cap:g}" if state.tax.ratio_cap is not None else ""
        foreground = f"{usd(state.tax.daydream_nanousd)} against {usd(state.tax.foreground_nanousd)} of foreground spend"
        out.print(f"Tax over {state.tax.days} days: {state.tax.ratio:.2f}{cap} ({foreground}).")
    if state.overruns:
        out.print(f"[red]{state.overruns} bills came above their bound.[/red]")
    for change in state.changes[:5]:
        out.print(
            Text(
                f"{change.at:%Y-%m-%d %H:%M} {change.who}: {change.text}{f' ({change.why})' if change.why else ''}",
                style="dim",
            )
        )


def _when(at: datetime | None, otherwise: str) -> str:
    return at.astimezone().strftime("%Y-%m-%d %H:%M") if at else otherwise


def show_reports(reports: Sequence[DocumentReport]) -> None:
    """What was done with each document."""
    for report in reports:
        colour = {"read": "green", "skipped": "yellow", "refused": "red"}[report.status]
        facts = f"{report.facts} facts" if report.status == "read" else ""
        note = "; ".join(part for part in (facts, report.note) if part)
        out.print(Text.assemble((f"{report.status:8}", colour), f" {report.source}: {note}"))


def show_found(found: SearchResults) -> None:
    """Search results with their ancestry."""
    for hit in found.hits:
        out.print(
            Text.assemble(
                (f"{hit.similarity:.2f} ", "bold"),
                (f"[{hit.fact.kind.value}] {_place(hit.fact)}", "cyan"),
            )
        )
        out.print(Text(f"     {hit.fact.text}"))
        for ancestor in hit.ancestry:
            out.print(Text(f"       from: {_place(ancestor)}: {ancestor.text}", style="dim"))
    if not found.hits:
        out.print("Nothing is known yet. Put something in with: daydream ingest PATH")


def show_status(now: Overview) -> None:
    """The system at a glance."""
    if now.memory:
        memory = now.memory
        out.print(
            f"Memory: {memory.facts} facts ({memory.facts_pending} being embedded) from {memory.documents} documents, {memory.insights} insights."
        )
        if memory.quarantined:
            out.print(
                f"{memory.quarantined} promoted hypotheses wait for a person's word: daydream review"
            )
        out.print(f"Verdicts: {memory.verdicts}, {memory.daydreams_judged} of them by a model.")
    if now.sampler:
        out.print(
            f"Sampler: {now.sampler.phase}; {now.sampler.drawn} pairs drawn, {now.sampler.pairs_left} left. {now.sampler.text}"
        )
    else:
        out.print("Sampler: not running. Start everything with: daydream up")
    stages = Table(title="Stages", title_justify="left")
    for name in ("stage", "takes", "pending", "in progress", "redelivered"):
        stages.add_column(name, justify="left" if name in ("stage", "takes") else "right")
    for stage in now.stages:
        stages.add_row(
            stage.service,
            stage.subject,
            str(stage.pending),
            str(stage.in_progress),
            str(stage.redelivered),
        )
    out.print(stages)
    if now.dead_letters:
        out.print(f"[red]{now.dead_letters} dead letters: daydream dead-letters list.[/red]")
    if now.budget:
        show_budget(now.budget)
