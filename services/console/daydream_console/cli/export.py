"""`daydream export`: what was judged, as material to train and test models on."""

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
from daydream_shared.failures import WrongSetting
from daydream_shared.messages import ReviewRecorded, VerdictReached
from daydream_shared.requests import ListVerdicts
from daydream_shared.subjects import MEMORY_INSIGHTS

if TYPE_CHECKING:
    from collections.abc import Callable

    from daydream_console.export.examples import Judged

PAGE = 50


def export_command(
    folder: Annotated[Path, typer.Argument(help="Where to write it; an export that lies there is replaced.")],
    only: Annotated[list[str] | None, typer.Option("--format", help="chat, interesting, preferences, preferences-openai, kto, parquet; none: all.")] = None,
    test_share: Annotated[float, typer.Option(min=0.0, max=0.5, help="Of the facts, those that are kept for testing.")] = 0.1,
    seed: Annotated[int, typer.Option(help="Of the split; the same one splits later exports alike.")] = 0,
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Every verdict, labelled: fine-tuning, preferences, yes or no, and a table of everything, with a data card."""
    from daydream_console.export.examples import examples_of
    from daydream_console.export.writing import ALL, write_export

    async def work() -> None:
        wanted = tuple(only or ALL)
        if unknown := [name for name in wanted if name not in ALL]:
            raise WrongSetting(f"there is no format {', '.join(unknown)}", f"Choose among {', '.join(ALL)}")
        async with reading(data or default_folder()) as client:
            with err.status("reading verdicts …") as status:
                judged = await _everything(client, lambda done, total: status.update(f"reading verdicts … {done} of {total}"))
        examples = examples_of(judged, test_share=test_share, seed=seed)
        command = shlex.join(["daydream", *sys.argv[1:]])
        files = write_export(folder.absolute(), examples, wanted=wanted, command=command, at=datetime.now(UTC))
        if as_json:
            emit_json({"folder": str(folder), "hypotheses": len(examples), "files": files})
            return
        for name, count in files.items():
            out.print(f"{folder / name}: {count} rows", markup=False)
        out.print(f"{len(examples)} hypotheses; {folder / 'README.md'} says what is in it and what was left out.", markup=False)

    perform(work, as_json=as_json)


async def _everything(client: Client, progress: Callable[[int, int], None]) -> Judged:
    """All verdicts with what people said of them. While new ones come, pages shift; what comes twice is counted once."""
    from daydream_console.export.examples import Judged

    verdicts: dict[str, VerdictReached] = {}
    reviews: dict[str, ReviewRecorded] = {}
    retracted: set[str] = set()
    offset = 0
    while True:
        page = await client.ask(MEMORY_INSIGHTS, ListVerdicts(promoted_only=False, limit=PAGE, offset=offset))
        verdicts |= {verdict.verdict_id: verdict for verdict in page.verdicts}
        reviews |= {review.message_id: review for review in page.reviews}
        retracted |= set(page.retracted)
        offset += len(page.verdicts)
        progress(len(verdicts), page.total)
        if not page.verdicts:
            return Judged(list(verdicts.values()), list(reviews.values()), frozenset(retracted))
