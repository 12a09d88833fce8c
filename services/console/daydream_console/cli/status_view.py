"""Print the system at a glance, document reports, and search results."""

from __future__ import annotations

from collections.abc import Sequence

from rich.text import Text

from daydream_console.alerts import Alerts
from daydream_console.cli.budget_view import show_budget
from daydream_console.cli.output import count, out, table
from daydream_console.cli.verdict_view import source_line
from daydream_console.diagnosis import Diagnosis
from daydream_console.overview import Overview
from daydream_console.preview import PreviewedDocument
from daydream_contracts.rpc import (
    CalibrationProgress,
    DocumentReport,
    MemoryState,
    ModelState,
    SearchResults,
)

SEVERITIES = {"ok": "green", "waiting": "yellow", "problem": "bold red"}
COLOURS = {"read": "green", "skipped": "yellow", "refused": "red"}


def show_diagnosis(diagnosis: Diagnosis) -> None:
    """Print why nothing is happening, or that the loop is working, and what solves it."""
    out.print(Text(diagnosis.text, style=SEVERITIES[diagnosis.severity]))
    if diagnosis.command:
        out.print(f"  {diagnosis.command}", markup=False, highlight=False)


def show_calibration(progress: CalibrationProgress) -> None:
    """Print how far the calibration of the judges is, while hypotheses wait for it."""
    if progress.in_progress and progress.answers_text:
        text = f"The judges are being calibrated: {progress.answers_text}. Hypotheses wait for it."
        out.print(Text(text, style="yellow"))


def show_status(state: Overview) -> None:
    """Print the system at a glance."""
    if state.memory:
        _show_memory(state.memory)
    if state.sampler:
        sampler = state.sampler
        out.print(
            f"Sampler: {sampler.phase}; {sampler.drawn} pairs drawn, "
            f"{sampler.pairs_left} left. {sampler.text}"
        )
    else:
        out.print("Sampler: not running. Start everything: daydream up")
    for model in state.waiting_models:
        out.print(Text(waiting_line(model), style="yellow"))
    stages = table("Stages", ("stage", "takes"), ("pending", "in progress", "redelivered"))
    for stage in state.stages:
        numbers = (stage.pending, stage.in_progress, stage.redelivered)
        stages.add_row(stage.service, stage.subject, *map(str, numbers))
    out.print(stages)
    if state.dead_letters:
        letters = count(state.dead_letters, "dead letter")
        out.print(f"[red]{letters}. See: daydream dead-letters list[/red]")
    if state.budget:
        show_budget(state.budget)


def show_alerts(alerts: Alerts) -> None:
    """Print alerts, the newest first."""
    for alert in alerts.alerts:
        out.print(Text(f"Alert of {alert.raised_at:%Y-%m-%d %H:%M}: {alert.text}", style="yellow"))


def waiting_line(model: ModelState) -> str:
    """Return why a model answers no calls, in its provider's words."""
    state = "is stopped" if model.stopped else "is busy"
    return f"{model.model} {state}: {model.waiting_for}"


def _show_memory(memory: MemoryState) -> None:
    out.print(
        f"Memory: {count(memory.facts, 'fact')} ({memory.facts_pending} being embedded) from "
        f"{count(memory.documents, 'document')}, {count(memory.insights, 'insight')}."
    )
    if memory.quarantined:
        hypotheses = count(memory.quarantined, "promoted hypothesis", "promoted hypotheses")
        out.print(f"Waiting for review: {hypotheses}. See: daydream review")
    out.print(f"Verdicts: {memory.verdicts}, {memory.daydreams_judged} of them by a model.")


def show_reports(reports: Sequence[DocumentReport]) -> None:
    """Print what was done with each document."""
    for report in reports:
        out.print(report_line(report))


def report_line(report: DocumentReport | PreviewedDocument) -> Text:
    """Return what was read of a document, what was left out, and why."""
    facts = count(report.facts, "fact") if report.status == "read" else ""
    left_out = [part.text for part in report.left_out]
    note = "; ".join(part for part in (facts, report.note, *left_out) if part)
    status = (f"{report.status:8}", COLOURS[report.status])
    return Text.assemble(status, f" {report.source}: {note}")


def show_search_results(results: SearchResults) -> None:
    """Print search results with the ancestry of insights."""
    for hit in results.hits:
        kind = f"[{hit.fact.kind.value}] {source_line(hit.fact)}"
        out.print(Text.assemble((f"{hit.similarity:.2f} ", "bold"), (kind, "cyan")))
        out.print(Text(f"     {hit.fact.text}"))
        for ancestor in hit.ancestry:
            line = f"       from: {source_line(ancestor)}: {ancestor.text}"
            out.print(Text(line, style="dim"))
    if not results.hits:
        out.print("The memory is empty. Add documents: daydream ingest PATH")
