"""Options that several commands have."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

PORT = 8421

Data = Annotated[
    Path | None,
    typer.Option(
        "--data",
        help="Data folder; DAYDREAM_DATA, or the platform's place for data of programs.",
        show_default=False,
    ),
]
Json = Annotated[bool, typer.Option("--json", help="JSON on standard output, for programs.")]
Weights = Annotated[
    Path | None,
    typer.Option(
        "--model", help="A GGUF file to serve here instead of the toy.", show_default=False
    ),
]
BaseUrl = Annotated[
    str,
    typer.Option(
        "--base-url",
        help="An OpenAI-compatible endpoint; OPENAI_BASE_URL, DAYDREAM_MODEL_BASE_URL.",
        show_default=False,
    ),
]
ModelName = Annotated[
    str,
    typer.Option("--model-name", help="The model there; DAYDREAM_MODEL_NAME.", show_default=False),
]
Cap = Annotated[
    float | None,
    typer.Option(
        "--cap", min=0, help="Dollars that may be spent in all, ever.", show_default=False
    ),
]
DailyCap = Annotated[
    float | None,
    typer.Option(
        "--daily-cap", min=0, help="Dollars that may be spent on a day.", show_default=False
    ),
]
Port = Annotated[
    int, typer.Option("--port", min=0, max=65535, help="Port of the page; 0 takes any.")
]
Team = Annotated[
    str,
    typer.Option(
        "--team",
        help="Whose it is: facts of two teams are never drawn together. Empty: everybody's.",
    ),
]
Clearance = Annotated[
    str,
    typer.Option(
        "--clearance",
        help="What a model needs to see it, one of DAYDREAM_CLEARANCES. Empty: nothing.",
    ),
]
Who = Annotated[str, typer.Option(envvar="USER", help="Who does it; kept on record.")]
Why = Annotated[str, typer.Option(help="Why; kept on record.")]
Yes = Annotated[bool, typer.Option("--yes", help="Do not ask for confirmation.")]
