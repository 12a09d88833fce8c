"""`daydream dead`: messages that a service gave up on, why, and once more."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.markup import escape

from daydream_console.cli.options import Data, Json
from daydream_console.cli.output import emit_json, out
from daydream_console.cli.session import perform, reading
from daydream_console.dead_letters import DeadLetter, dead_letters, replay
from daydream_console.local.folder import default_folder
from daydream_shared.failures import WrongSetting

ERROR_CHARS = 300


def dead_list(data: Data = None, as_json: Json = False) -> None:
    """What died, of what, and where. Nothing is changed."""

    async def work() -> None:
        async with reading(data or default_folder()) as client:
            found = await dead_letters(client)
        if as_json:
            emit_json([_as_data(one) for one in found])
            return
        for one in found:
            again = f", replayed {one.turn} times" if one.turn else ""
            out.print(f"{one.sequence}: {one.subject} at {one.consumer}, {one.died_at:%Y-%m-%d %H:%M} UTC, {one.deliveries} deliveries{again}")
            out.print(f"    {one.reason}: {escape(one.error[:ERROR_CHARS])}")
        out.print(f"{len(found)} dead letters." + (" When what was wrong is mended: daydream dead replay NUMBER, or --all." if found else ""))

    perform(work, as_json=as_json)


def dead_replay(
    numbers: Annotated[list[int] | None, typer.Argument(help="Which, by the numbers that daydream dead list shows.")] = None,
    everything: Annotated[bool, typer.Option("--all", help="All of them.")] = False,
    reason: Annotated[str, typer.Option(help="Only those that died of this, e.g. failed-too-often.")] = "",
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Send them again, each with new money for the rest of its way: answers that were paid already are used, not bought again."""

    async def work() -> int:
        if not numbers and not everything:
            raise WrongSetting("which of them is not said", "Give their numbers, or --all; daydream dead list shows them")
        async with reading(data or default_folder()) as client:
            waiting = {one.sequence: one for one in await dead_letters(client)}
            if unknown := set(numbers or ()) - set(waiting):
                raise WrongSetting(f"there is no dead letter {min(unknown)}", "daydream dead list shows those that there are")
            chosen = [one for one in waiting.values() if (everything or one.sequence in (numbers or ())) and reason in ("", one.reason)]
            done: list[int] = []
            failed: dict[int, str] = {}
            for one in chosen:
                try:
                    refusal = await replay(client, one)
                except WrongSetting as wrong:
                    failed[one.sequence] = str(wrong)
                    continue
                if refusal is not None:
                    failed[one.sequence] = refusal.text
                    break  # the next would be refused as well
                done.append(one.sequence)
        if as_json:
            emit_json({"replayed": done, "failed": failed, "left": len(waiting) - len(done)})
        else:
            for sequence, why in failed.items():
                out.print(f"{sequence} stays: {escape(why)}")
            out.print(f"{len(done)} sent again, {len(waiting) - len(done)} dead letters are left.")
        return 1 if failed else 0

    perform(work, as_json=as_json)


def _as_data(one: DeadLetter) -> dict[str, object]:
    return {
        "number": one.sequence, "died_at": one.died_at.isoformat(), "subject": one.subject, "consumer": one.consumer, "reason": one.reason, "error": one.error,
        "deliveries": one.deliveries, "message_id": one.message_id, "replayed": one.turn, "message": one.data.decode(errors="replace"),
    }  # fmt: skip
