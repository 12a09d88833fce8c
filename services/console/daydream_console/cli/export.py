"""Export verdicts as training data."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from daydream_console.cli.command import command
from daydream_console.cli.connection import connection
from daydream_console.cli.options import Data, Json
from daydream_console.cli.output import count, emit_json, err, out
from daydream_console.client import Client
from daydream_console.export.examples import LabelledExample, clearances_of, examples_of
from daydream_console.export.reading import read_all
from daydream_console.export.writing import ALL, write_export
from daydream_contracts.errors import ConfigurationError
from daydream_contracts.rpc import VerdictPage


@command
async def export_command(
    folder: Annotated[
        Path, typer.Argument(help="Target folder. An earlier export in it is replaced.")
    ],
    only: Annotated[
        list[str] | None,
        typer.Option(
            "--format",
            help="Format: chat, interesting, preferences, preferences-openai, kto or parquet. "
            "Repeatable. Default: all.",
        ),
    ] = None,
    test_fraction: Annotated[
        float,
        typer.Option(min=0.0, max=0.5, help="Share of the rows in use that become the test split."),
    ] = 0.1,
    cleared: Annotated[
        list[str] | None,
        typer.Option(
            "--clearance",
            help="Clearance whose facts are included. Repeatable. "
            "Default: only unrestricted facts.",
        ),
    ] = None,
    seed: Annotated[
        int, typer.Option(help="Random seed of the split. The same seed gives the same split.")
    ] = 0,
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Export all verdicts, labelled: for fine-tuning, preferences, classification, and as a table,
    with a data card.

    Examples:
        daydream export ~/daydream-export --test-fraction 0.2
    """
    formats = _formats(only)
    async with connection(data) as client:
        page = await _read_with_progress(client)
    permitted = _permitted(page, {"", *(cleared or ())})
    examples = examples_of(permitted, test_fraction=test_fraction, seed=seed)
    arguments = shlex.join(["daydream", *sys.argv[1:]])
    files = write_export(
        folder.absolute(), examples, wanted=formats, command=arguments, at=datetime.now(UTC)
    )
    lost = sum(example.teaches and not example.side for example in examples)
    if as_json:
        counts = {"hypotheses": len(examples), "on_both_sides": lost, "files": files}
        emit_json({"folder": str(folder), **counts})
        return
    for name, rows in files.items():
        out.print(f"{folder / name}: {count(rows, 'row')}", markup=False)
    if restricted := len(page.verdicts) - len(permitted.verdicts):
        out.print(f"{restricted} verdicts on restricted facts were left out (see --clearance).")
    _show_split(examples, lost)
    out.print(
        f"{len(examples)} hypotheses. {folder / 'README.md'} describes the content.", markup=False
    )


def _formats(only: Sequence[str] | None) -> tuple[str, ...]:
    """Return the formats to write. Raise ConfigurationError for an unknown one."""
    formats = tuple(only or ALL)
    if unknown := [name for name in formats if name not in ALL]:
        raise ConfigurationError(
            f"Unknown format: {', '.join(unknown)}", f"Use one of {', '.join(ALL)}"
        )
    return formats


def _show_split(examples: Sequence[LabelledExample], lost: int) -> None:
    if not lost:
        return
    hypotheses = count(lost, "hypothesis", "hypotheses")
    out.print(
        f"{hypotheses} with facts on both sides of the split left out; it is by "
        f"{examples[0].split_by}."
    )


async def _read_with_progress(client: Client) -> VerdictPage:
    with err.status("reading verdicts …") as status:
        return await read_all(
            client,
            progress=lambda done, total: status.update(f"reading verdicts … {done} of {total}"),
        )


def _permitted(page: VerdictPage, clearances: set[str]) -> VerdictPage:
    verdicts = tuple(verdict for verdict in page.verdicts if clearances_of(verdict) <= clearances)
    return page.model_copy(update={"verdicts": verdicts})
