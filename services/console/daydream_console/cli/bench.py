"""`daydream bench`: compare the essay's plain loop with ours, and with its parts, per dollar."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from daydream_console.bench.arms import read_arms
from daydream_console.bench.bench_run import run_bench
from daydream_console.bench.corpus import load_corpus
from daydream_console.bench.outcome import BenchOutcome, assess
from daydream_console.bench.plan import BenchPlan
from daydream_console.bench.questions import recorded
from daydream_console.bench.record import BenchRecord, read_record, write_record
from daydream_console.bench.report_files import as_json as result_as_json
from daydream_console.bench.report_files import as_markdown
from daydream_console.bench.report_page import report_page
from daydream_console.bench.wording import COLUMNS, cells, headline, notes
from daydream_console.cli.command import command
from daydream_console.cli.options import BaseUrl, Json
from daydream_console.cli.output import emit_json, err, out, table
from daydream_console.local.folder import default_folder
from daydream_console.local.model import ModelChoice, choose
from daydream_contracts.errors import ConfigurationError

CAP_USD = 5.0
TOY_DAYDREAMS = 12
TOY_LABELLED = 12
REPORT = "report"


@command
async def bench_command(
    model: Annotated[
        str,
        typer.Option(
            help="Name of a model, or a GGUF file to serve here. Default: DAYDREAM_MODEL_NAME, "
            "or the toy model."
        ),
    ] = "",
    base_url: BaseUrl = "",
    cap: Annotated[
        float, typer.Option(min=0.001, help="Dollars for everything; each run gets the same part.")
    ] = CAP_USD,
    arms: Annotated[
        str,
        typer.Option(
            help="What to compare: plain, uniform, uncalibrated, no-oracle, no-write-back, "
            "daydream. `ablations` stands for the four in the middle."
        ),
    ] = "plain,daydream",
    runs: Annotated[int, typer.Option(min=1, max=20, help="Runs of each arm.")] = 1,
    plain_notes: Annotated[
        int, typer.Option(min=0, max=300, help="Plain notes in each memory, besides 240 others.")
    ] = 60,
    daydreams: Annotated[
        int,
        typer.Option(min=0, help="Most pairs of a run, besides its cap. 0: no limit; toy: 12."),
    ] = 0,
    votes: Annotated[
        int, typer.Option(min=1, max=15, help="Votes on whether a hypothesis states a link.")
    ] = 5,
    seed: Annotated[int, typer.Option(help="Seed of the first run's draws.")] = 1,
    data: Annotated[
        Path | None,
        typer.Option("--data", help="Folder of this benchmark. Default: bench in the data folder."),
    ] = None,
    corpus: Annotated[
        Path | None,
        typer.Option(help="Folder with a corpus of your own. Default: the bundled one."),
    ] = None,
    replay: Annotated[
        Path | None,
        typer.Option(help="Compute the table from a record. No model is asked."),
    ] = None,
    export: Annotated[
        Path | None, typer.Option(help="File for the record; compressed if it ends with .gz.")
    ] = None,
    report: Annotated[
        Path | None,
        typer.Option(help="Folder for report.html, report.md and report.json."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Measure good insights per dollar on planted links: the essay's plain loop, ours, its parts.

    A benchmark that was stopped continues with the same options.

    Examples:
        daydream bench --model gpt-4.1-mini --cap 5 --arms plain,ablations,daydream
        daydream bench --replay record.json.gz
    """
    notes_and_links = load_corpus(corpus)
    if replay is not None:
        record = read_record(replay)
        outcome = await assess(record, notes_and_links, recorded(record.answers, record.model))
    else:
        choice = await asyncio.to_thread(_choose, model, base_url)
        plan = BenchPlan(
            folder=(data or default_folder() / "bench").expanduser().absolute(),
            model=choice,
            corpus=notes_and_links,
            arms=read_arms(arms),
            runs=runs,
            cap_usd=cap,
            plain_notes=plain_notes,
            daydreams_max=daydreams or (TOY_DAYDREAMS if choice.toy else 0),
            seed=seed,
            votes=votes,
            labelled=TOY_LABELLED if choice.toy else len(notes_and_links.matches),
        )
        with _progress_bar() as progress:
            record, outcome = await run_bench(plan, progress)
    await asyncio.to_thread(_write, record, outcome, export, report)
    if as_json:
        emit_json(result_as_json(outcome, record))
    else:
        _show(record, outcome)


def _choose(model: str, base_url: str) -> ModelChoice:
    """Return the model: a file to serve here, or a name at the configured endpoint."""
    if model.endswith(".gguf"):
        return choose(weights=Path(model), base_url="", name="")
    choice = choose(weights=None, base_url=base_url, name=model)
    if choice.toy and model:
        raise ConfigurationError(
            f"No endpoint is known for the model {model}",
            "Set OPENAI_API_KEY, or pass --base-url",
        )
    return choice


def _progress_bar() -> Progress:
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=err,
        transient=True,
    )


def _write(
    record: BenchRecord, outcome: BenchOutcome, export: Path | None, report: Path | None
) -> None:
    if export is not None:
        write_record(record, export)
        err.print(f"Record: {export}", markup=False)
    if report is None:
        return
    report.mkdir(parents=True, exist_ok=True)
    (report / f"{REPORT}.html").write_text(report_page(outcome, record), "utf-8")
    (report / f"{REPORT}.md").write_text(as_markdown(outcome, record), "utf-8")
    (report / f"{REPORT}.json").write_text(_json_text(record, outcome), "utf-8")
    err.print(f"Report: {report / REPORT}.html", markup=False)


def _json_text(record: BenchRecord, outcome: BenchOutcome) -> str:
    import json

    return json.dumps(result_as_json(outcome, record), indent=1)


def _show(record: BenchRecord, outcome: BenchOutcome) -> None:
    rows = table("", COLUMNS[:1], COLUMNS[1:])
    for arm in outcome.arms:
        rows.add_row(*cells(arm))
    out.print(rows)
    out.print(headline(outcome, record), style="bold", markup=False)
    for line in notes(outcome, record):
        out.print(f"  {line}", markup=False)
