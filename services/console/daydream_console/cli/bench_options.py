"""The options of `daydream bench`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

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
PlainNotes = Annotated[
    int,
    typer.Option(
        "--plain-notes",
        min=0,
        max=300,
        help="Plain notes in each memory, besides those of bridges, fillers and decoys.",
    ),
]
Daydreams = Annotated[
    int,
    typer.Option(
        "--daydreams",
        min=0,
        help="Maximum number of pairs in a run, besides its cap. 0: no limit; toy model: 8.",
    ),
]
Votes = Annotated[
    int,
    typer.Option(
        "--votes", min=1, max=15, help="Votes on whether a hypothesis states a known link."
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
        help="Compute the table from a record. No model is asked.",
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
