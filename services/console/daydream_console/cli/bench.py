"""`daydream bench`: compare the essay's plain loop with ours, and with its parts, per dollar."""

from __future__ import annotations

import asyncio
from pathlib import Path

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from daydream_console.bench.arms import read_arms
from daydream_console.bench.corpus import load_corpus
from daydream_console.bench.outcome import BenchOutcome, assess
from daydream_console.bench.plan import BenchPlan
from daydream_console.bench.questions import recorded
from daydream_console.bench.record import EXAMPLE_FILE, BenchRecord, read_record, write_record
from daydream_console.bench.report_files import as_json as result_as_json
from daydream_console.bench.report_files import as_markdown
from daydream_console.bench.report_page import report_page
from daydream_console.bench.size import FULL_SIZE, QUICK_SIZE
from daydream_console.bench.wording import COLUMNS, cells, headline, notes
from daydream_console.cli.bench_options import (
    Arms,
    BenchCap,
    BenchData,
    Corpus,
    Daydreams,
    Export,
    Minutes,
    Model,
    PlainNotes,
    Quick,
    Replay,
    Report,
    Runs,
    Seed,
    Votes,
)
from daydream_console.cli.command import command
from daydream_console.cli.options import BaseUrl, Json
from daydream_console.cli.output import emit_json, err, out, table
from daydream_console.local.folder import default_folder
from daydream_console.local.model import ModelChoice, choose
from daydream_contracts.errors import ConfigurationError

CAP_USD = 5.0
EXAMPLE = Path("example")
REPORT_NAME = "report"


@command
async def bench_command(
    model: Model = "",
    base_url: BaseUrl = "",
    cap: BenchCap = CAP_USD,
    arms: Arms = "plain,daydream",
    runs: Runs = 1,
    quick: Quick = None,
    plain_notes: PlainNotes = None,
    daydreams: Daydreams = None,
    minutes: Minutes = None,
    votes: Votes = None,
    seed: Seed = 1,
    data: BenchData = None,
    corpus: Corpus = None,
    replay: Replay = None,
    export: Export = None,
    report: Report = None,
    as_json: Json = False,
) -> None:
    """Measure good insights per dollar on known links: the essay's plain loop, ours, and its parts.

    A benchmark that was stopped continues with the same options.

    Examples:
        daydream bench --model gpt-4.1-mini --cap 5 --arms plain,ablations,daydream
        daydream bench --quick
        daydream bench --replay example
    """
    notes_and_links = load_corpus(corpus)
    if replay is not None:
        record = read_record(EXAMPLE_FILE if replay == EXAMPLE else replay)
        outcome = await assess(record, notes_and_links, recorded(record.answers, record.model))
    else:
        from daydream_console.bench.bench_run import run_bench  # slow: the client of models

        choice = await asyncio.to_thread(_choose, model, base_url)
        usual = QUICK_SIZE if (choice.toy if quick is None else quick) else FULL_SIZE
        plan = BenchPlan(
            folder=(data or default_folder() / "bench").expanduser().absolute(),
            model=choice,
            corpus=notes_and_links,
            arms=read_arms(arms),
            runs=runs,
            cap_usd=cap,
            seed=seed,
            size=usual.changed(
                plain_notes=plain_notes, daydreams_max=daydreams, minutes_max=minutes, votes=votes
            ),
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
    (report / f"{REPORT_NAME}.html").write_text(report_page(outcome, record), "utf-8")
    (report / f"{REPORT_NAME}.md").write_text(as_markdown(outcome, record), "utf-8")
    (report / f"{REPORT_NAME}.json").write_text(_json_text(record, outcome), "utf-8")
    err.print(f"Report: {report / REPORT_NAME}.html", markup=False)


def _json_text(record: BenchRecord, outcome: BenchOutcome) -> str:
    import json

    return json.dumps(result_as_json(outcome, record), indent=1)


def _show(record: BenchRecord, outcome: BenchOutcome) -> None:
    names, *figures = zip(COLUMNS, *(cells(arm) for arm in outcome.arms), strict=True)
    rows = table("", names[:1], names[1:])
    for figure in figures:
        rows.add_row(*figure)
    out.print(headline(outcome, record), style="bold", markup=False)
    out.print(rows)
    for line in notes(outcome, record):
        out.print(f"  {line}", markup=False)
