"""`daydream dead`: messages that a service gave up on, why, and once more."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Annotated

import typer
from rich.markup import escape

from daydream_console.cli.options import Data, Json
from daydream_console.cli.output import emit_json, out
from daydream_console.cli.session import perform, reading
from daydream_console.client import Client
from daydream_console.dead_letters import Reject, dead_letter, dead_letters, replay
from daydream_console.local.folder import default_folder
from daydream_contracts.errors import ConfigurationError

ERROR_CHARS = 300


def dead_list(data: Data = None, as_json: Json = False) -> None:
    """What died, of what, and where. Nothing is changed."""

    async def work() -> None:
        found = 0
        rows = []
        async with reading(data or default_folder()) as client:
            async for one in dead_letters(client):
                found += 1
                if as_json:
                    rows.append(_as_data(one))
                    continue
                again = f", replayed {one.turn} times" if one.turn else ""
                out.print(
                    f"{one.sequence}: {one.subject} at {one.consumer}, {one.died_at:%Y-%m-%d %H:%M} UTC, {one.deliveries} deliveries{again}"
                )
                out.print(f"    {one.reason}: {escape(one.error[:ERROR_CHARS])}")
        if as_json:
            emit_json(rows)
        else:
            out.print(
                f"{found} dead letters."
                + (
                    " When what was wrong is fixed: daydream dead replay NUMBER, or --all."
                    if found
                    else ""
                )
            )

    perform(work, as_json=as_json)


def dead_replay(
    numbers: Annotated[
        list[int] | None,
        typer.Argument(help="Which, by the numbers that daydream dead list shows."),
    ] = None,
    everything: Annotated[bool, typer.Option("--all", help="All of them.")] = False,
    reason: Annotated[
        str, typer.Option(help="Only those that died of this, e.g. failed-too-often.")
    ] = "",
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Send them again, each with new money for the rest of its way: answers that were paid already are used, not bought again."""

    async def work() -> int:
        if not numbers and not everything:
            raise ConfigurationError(
                "which of them is not said",
                "Give their numbers, or --all; daydream dead list shows them",
            )
        done: list[int] = []
        failed: dict[int, str] = {}
        async with reading(data or default_folder()) as client:
            async for one in dead_letters(client) if everything else _each(client, numbers or []):
                if reason not in ("", one.reason):
                    continue
                try:
                    why_not = await replay(client, one)
                except ConfigurationError as wrong:
                    failed[one.sequence] = str(wrong)
                    continue
                if why_not is not None:
                    failed[one.sequence] = why_not
                    break  # the next would be refused as well
                done.append(one.sequence)
        if as_json:
            emit_json({"replayed": done, "failed": failed})
        else:
            for sequence, why in failed.items():
                out.print(f"{sequence} stays: {escape(why)}")
            out.print(f"{len(done)} sent again.")
        return 1 if failed else 0

    perform(work, as_json=as_json)


async def _each(client: Client, numbers: list[int]) -> AsyncIterator[Reject]:
    """Those with these numbers; a wrong one is said before any is sent again."""
    for found in [await dead_letter(client, number) for number in dict.fromkeys(numbers)]:
        yield found


def _as_data(one: Reject) -> dict[str, object]:
    return {
        "number": one.sequence,
        "died_at": one.died_at.isoformat(),
        "subject": one.subject,
        "consumer": one.consumer,
        "reason": one.reason,
        "error": one.error,
        "deliveries": one.deliveries,
        "message_id": one.message_id,
        "replayed": one.turn,
        "message": one.data.decode(errors="replace"),
    }
