"""The options of `daydream bench`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from daydream_console.bench.size import FULL_SIZE, QUICK_SIZE

Model = Annotated[
    str,
    typer.Option(
        "--model",
        help="Name of a model, or a GGUF file to serve here. Default: DAYDREAM_MODEL_NAME, or the "
        "toy model.",
    ),
]
BenchCap = Annotated[
    float,
    typer.Option("--cap", min=0.001, help="Dollars for everything; each run gets the same part."),
]
Arms = Annotated[
    str,
    typer.Option(
        "--arms",
        help="What to compare: plain, uniform, uncalibrated, no-oracle, no-write-back, daydream. "
        "`ablations` stands for the four in the middle.",
    ),
]
Runs = Annotated[int, typer.Option("--runs", min=1, max=20, help="Runs of each arm.")]
Quick = Annotated[
    bool | None,
    typer.Option(
        "--quick/--full",
        help=f"A small benchmark, to see that everything works: the notes of {QUICK_SIZE.pairs} "
        f"bridges and decoys, {QUICK_SIZE.daydreams_max} daydreams and at most "
        f"{QUICK_SIZE.minutes_max:g} minutes a run, {QUICK_SIZE.votes} vote. "
        "Default: full; with the toy model quick.",
        show_default=False,
    ),
]
PlainNotes = Annotated[
    int | None,
    typer.Option(
        "--plain-notes",
        min=0,
        max=300,
        help="Plain notes in each memory, besides those of bridges, fillers and decoys. "
        f"Default: {FULL_SIZE.plain_notes}; quick: {QUICK_SIZE.plain_notes}.",
        show_default=False,
    ),
]
Daydreams = Annotated[
    int | None,
    typer.Option(
        "--daydreams",
        min=0,
        help="Maximum number of pairs in a run, besides its cap. 0: no limit. "
        f"Default: {FULL_SIZE.daydreams_max}; quick: {QUICK_SIZE.daydreams_max}.",
        show_default=False,
    ),
]
Minutes = Annotated[
    float | None,
    typer.Option(
        "--minutes",
        min=0,
        help="Maximum minutes of a run, besides its cap. 0: no limit. "
        f"Default: {FULL_SIZE.minutes_max:g}; quick: {QUICK_SIZE.minutes_max:g}.",
        show_default=False,
    ),
]
Votes = Annotated[
    int | None,
    typer.Option(
        "--votes",
        min=1,
        max=15,
        help="Votes on whether a hypothesis states a known link. "
        f"Default: {FULL_SIZE.votes}; quick: {QUICK_SIZE.votes}.",
        show_default=False,
    ),
]
Seed = Annotated[int, typer.Option("--seed", help="Seed of the draws of the first run.")]
BenchData = Annotated[
    Path | None,
    typer.Option(
        "--data",
        help="Folder of this benchmark. Default: bench in the data folder.",
        show_default=False,
    ),
]
Corpus = Annotated[
    Path | None,
    typer.Option(
        "--corpus", help="Folder with another corpus. Default: the bundled one.", show_default=False
    ),
]
Replay = Annotated[
    Path | None,
    typer.Option(
        "--replay",
        help="Compute the table from a record, or from the bundled one: --replay example. "
        "No model is asked.",
        show_default=False,
    ),
]
Export = Annotated[
    Path | None,
    typer.Option(
        "--export",
        help="File for the record; compressed if its name ends with .gz.",
        show_default=False,
    ),
]
Report = Annotated[
    Path | None,
    typer.Option(
        "--report",
        help="Folder for report.html, report.md and report.json.",
        show_default=False,
    ),
]
