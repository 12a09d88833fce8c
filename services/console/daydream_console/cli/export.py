"""`daydream export` and `daydream vault`: what was judged, for those who train models, and what was found, for those who read."""

from __future__ import annotations

import shlex
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from daydream_console.cli.options import Data, Json
from daydream_console.cli.output import emit_json, err, out
from daydream_console.cli.session import perform, reading
from daydream_console.client import Client
from daydream_console.local.folder import default_folder
from daydream_contracts.errors import ConfigurationError
from daydream_contracts.events import ReviewRecorded, VerdictReached
from daydream_contracts.rpc import ListVerdicts, VerdictPage
from daydream_contracts.topology import MEMORY_INSIGHTS

if TYPE_CHECKING:
    from collections.abc import Callable

PAGE = 50


def vault_command(
    folder: Annotated[
        Path, typer.Argument(help="Where the notes go; may be a folder of a vault that you have.")
    ],
    data: Data = None,
    as_json: Json = False,
) -> None:
    """The insights as Markdown notes that link to each other and to their sources. Run it again to bring them up to date; notes you changed stay."""
    from daydream_console.feed import insights_of
    from daydream_console.vault import notes_of, write_vault

    async def work() -> None:
        async with reading(data or default_folder()) as client:
            with err.status("reading insights …"):
                judged = await _everything(client, lambda _, __: None, promoted_only=True)
        done = write_vault(folder.absolute(), notes_of(insights_of(judged)))
        if as_json:
            emit_json(vars(done))
            return
        for name in done.kept:
            out.print(
                f"left alone, because it was changed or is not ours: {folder / name}", markup=False
            )
        out.print(f"{len(done.written)} notes written, {len(done.removed)} removed.")

    perform(work, as_json=as_json)


def export_command(
    folder: Annotated[
        Path, typer.Argument(help="Where to write it; an export that lies there is replaced.")
    ],
    only: Annotated[
        list[str] | None,
        typer.Option(
            "--format",
            help="chat, interesting, preferences, preferences-openai, kto, parquet; none: all.",
        ),
    ] = None,
    test_fraction: Annotated[
        float, typer.Option(min=0.0, max=0.5, help="Of the facts, those that are kept for testing.")
    ] = 0.1,
    cleared: Annotated[
        list[str] | None,
        typer.Option(
            "--clearance", help="Also what is over facts that need it; none: what needs nothing."
        ),
    ] = None,
    seed: Annotated[
        int, typer.Option(help="Of the split; the same one splits later exports alike.")
    ] = 0,
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Every verdict, labelled: fine-tuning, preferences, yes or no, and a table of everything, with a data card."""
    from daydream_console.export.examples import clearances_of, examples_of
    from daydream_console.export.writing import ALL, write_export

    async def work() -> None:
        wanted = tuple(only or ALL)
        if unknown := [name for name in wanted if name not in ALL]:
            raise ConfigurationError(
                f"there is no format {', '.join(unknown)}", f"Choose among {', '.join(ALL)}"
            )
        async with reading(data or default_folder()) as client:
            with err.status("reading verdicts …") as status:
                judged = await _everything(
                    client,
                    lambda done, total: status.update(f"reading verdicts … {done} of {total}"),
                )
        open_ = {"", *(cleared or ())}
        whole = len(judged.verdicts)
        judged = judged.model_copy(
            update={
                "verdicts": tuple(
                    verdict for verdict in judged.verdicts if clearances_of(verdict) <= open_
                )
            }
        )
        examples = examples_of(judged, test_fraction=test_fraction, seed=seed)
        command = shlex.join(["daydream", *sys.argv[1:]])
        files = write_export(
            folder.absolute(), examples, wanted=wanted, command=command, at=datetime.now(UTC)
        )
        if as_json:
            emit_json({"folder": str(folder), "hypotheses": len(examples), "files": files})
            return
        for name, count in files.items():
            out.print(f"{folder / name}: {count} rows", markup=False)
        if whole > len(judged.verdicts):
            out.print(
                f"{whole - len(judged.verdicts)} verdicts are over facts that need a clearance, and were left out (--clearance)."
            )
        out.print(
            f"{len(examples)} hypotheses; {folder / 'README.md'} says what is in it and what was left out.",
            markup=False,
        )

    perform(work, as_json=as_json)


async def _everything(
    client: Client, progress: Callable[[int, int], None], *, promoted_only: bool = False
) -> VerdictPage:
    """All verdicts with what people said of them. While new ones come, pages shift; what comes twice is counted once."""
    verdicts: dict[str, VerdictReached] = {}
    reviews: dict[str, ReviewRecorded] = {}
    retracted, waiting = set[str](), set[str]()
    offset = 0
    while True:
        page = await client.ask(
            MEMORY_INSIGHTS, ListVerdicts(promoted_only=promoted_only, limit=PAGE, offset=offset)
        )
        verdicts |= {verdict.verdict_id: verdict for verdict in page.verdicts}
        reviews |= {review.message_id: review for review in page.reviews}
        retracted |= set(page.retracted)
        waiting |= set(page.pending_review)
        offset += len(page.verdicts)
        progress(len(verdicts), page.total)
        if not page.verdicts:
            found = tuple(verdicts.values())
            return VerdictPage(
                verdicts=found,
                total=len(found),
                reviews=tuple(reviews.values()),
                retracted=tuple(retracted),
                pending_review=tuple(waiting),
            )
