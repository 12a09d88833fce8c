"""Options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

PORT = 8421

Data = Annotated[
    Path | None,
    typer.Option(
        "--data",
        help="Data folder. Default: DAYDREAM_DATA, or the platform's folder for program data.",
        show_default=False,
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON on standard output.")]
Yes = Annotated[bool, typer.Option("--yes", help="Do not ask for confirmation.")]
Weights = Annotated[
    Path | None,
    typer.Option(
        "--model", help="GGUF file to serve here instead of the toy model.", show_default=False
    ),
]
BaseUrl = Annotated[
    str,
    typer.Option(
        "--base-url",
        help="URL of an OpenAI-compatible endpoint. "
        "Default: DAYDREAM_MODEL_BASE_URL, or OPENAI_BASE_URL.",
        show_default=False,
    ),
]
ModelName = Annotated[
    str,
    typer.Option(
        "--model-name",
        help="Name of the model at that endpoint. Default: DAYDREAM_MODEL_NAME.",
        show_default=False,
    ),
]
Cap = Annotated[
    float | None,
    typer.Option(
        "--cap", min=0, help="Total spending cap in dollars, for all time.", show_default=False
    ),
]
DailyCap = Annotated[
    float | None,
    typer.Option("--daily-cap", min=0, help="Spending cap per day in dollars.", show_default=False),
]
Port = Annotated[
    int, typer.Option("--port", min=0, max=65535, help="Port of the web page. 0: any free port.")
]
Team = Annotated[
    str,
    typer.Option(
        "--team",
        help="Team that owns the document. Facts of different teams are never combined. "
        "Default: shared.",
    ),
]
Clearance = Annotated[
    str,
    typer.Option(
        "--clearance",
        help="Clearance that a model needs to see it (one of DAYDREAM_CLEARANCES). Default: none.",
    ),
]
Who = Annotated[str, typer.Option(envvar="USER", help="Your name, stored with the change.")]
Why = Annotated[str, typer.Option(help="Reason, stored with the change.")]
