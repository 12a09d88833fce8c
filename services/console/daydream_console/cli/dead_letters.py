"""List failed messages (dead letters), send them again, or drop them."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Annotated

import typer
from rich.markup import escape

from daydream_console.cli.command import command, confirm
from daydream_console.cli.connection import connection
from daydream_console.cli.options import Data, Json, Who, Yes
from daydream_console.cli.output import count, emit_items, emit_json, out
from daydream_console.client import Client
from daydream_console.dead_letters import DeadLetter, dead_letter, dead_letters, drop
from daydream_console.readable_errors import readable
from daydream_console.resend import resend
from daydream_contracts.errors import ConfigurationError
from daydream_contracts.events import CommandReceived

ERROR_CHARS = 160


@command
async def dead_letters_list(data: Data = None, as_json: Json = False) -> None:
    """List all dead letters: message, consumer, reason and error. Change nothing.

    Examples:
        daydream dead-letters list
    """
    total, rows = 0, []
    async with connection(data) as client:
        async for letter in dead_letters(client):
            total += 1
            if as_json:
                rows.append(_as_json(letter))
            else:
                _show(letter)
    if as_json:
        emit_items(rows)
        return
    out.print(f"{count(total, 'dead letter')}.")
    if total:
        out.print("After fixing the cause, send them again: daydream dead-letters resend --all")


@command
async def dead_letters_show(
    number: Annotated[
        int, typer.Argument(help="Number, as shown by 'daydream dead-letters list'.")
    ],
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Show one dead letter: why it failed, in full, and its message.

    Examples:
        daydream dead-letters show 12
    """
    async with connection(data) as client:
        letter = await dead_letter(client, number)
    if as_json:
        emit_json(_as_json(letter))
        return
    _show(letter, in_full=True)
    out.print(f"Message {letter.message_id}:")
    out.print(_indented(_pretty(letter.data)), markup=False)
    out.print("After fixing the cause, send it again. Or delete it for good:")
    out.print(f"    daydream dead-letters resend {number}")
    out.print(f"    daydream dead-letters drop {number}")


@command
async def dead_letters_resend(
    numbers: Annotated[
        list[int] | None,
        typer.Argument(help="Numbers, as shown by 'daydream dead-letters list'."),
    ] = None,
    everything: Annotated[bool, typer.Option("--all", help="Send all of them.")] = False,
    reason: Annotated[
        str, typer.Option(help="Only those with this reason, e.g. failed-too-often.")
    ] = "",
    data: Data = None,
    as_json: Json = False,
) -> int:
    """Send dead letters again.

    Reserve new money for the remaining stages; reuse answers that are already paid.

    Examples:
        daydream dead-letters resend 12 13
        daydream dead-letters resend --all --reason failed-too-often
    """
    if not numbers and not everything:
        raise ConfigurationError(
            "No dead letter selected", "Pass numbers or --all (see: daydream dead-letters list)"
        )
    resent: list[int] = []
    failed: dict[int, str] = {}
    async with connection(data) as client:
        letters = dead_letters(client) if everything else _numbered(client, numbers or [])
        async for letter in letters:
            if reason not in ("", letter.reason):
                continue
            try:
                refusal = await resend(client, letter)
            except ConfigurationError as error:
                failed[letter.sequence] = str(error)
                continue
            if refusal is not None:
                failed[letter.sequence] = refusal
                break  # the next one would be refused as well
            resent.append(letter.sequence)
    if as_json:
        emit_json({"resent": resent, "failed": failed})
    else:
        for sequence, cause in failed.items():
            out.print(f"{sequence} not sent: {escape(cause)}")
        out.print(f"{count(len(resent), 'message')} sent again.")
    return 1 if failed else 0


@command
async def dead_letters_drop(
    numbers: Annotated[
        list[int], typer.Argument(help="Numbers, as shown by 'daydream dead-letters list'.")
    ],
    why: Annotated[
        str, typer.Option("--why", "--reason", help="Reason, stored with the record of this.")
    ] = "",
    yes: Yes = False,
    who: Who = "",
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Delete dead letters for good. Show each one and ask first. It is recorded who did it and why.

    Examples:
        daydream dead-letters drop 12 13 --why "the document was removed"
    """
    async with connection(data) as client:
        letters = [letter async for letter in _numbered(client, numbers)]
        if not as_json:
            for letter in letters:
                _show(letter)
        confirm(
            f"Delete {count(len(letters), 'dead letter')} for good?",
            yes=yes,
            declined="Nothing was deleted",
        )
        for letter in letters:
            await client.publish(_record(letter, who or "unknown", why))
            await drop(client, letter)
    if as_json:
        emit_json({"dropped": [_as_json(letter) for letter in letters]})
    else:
        out.print(f"{count(len(letters), 'dead letter')} deleted.")


def _record(letter: DeadLetter, who: str, why: str) -> CommandReceived:
    return CommandReceived(
        who=who,
        via="command",
        command=f"dead-letters drop {letter.sequence}",
        about=f"{letter.subject} at {letter.consumer}, {letter.reason}: {letter.message_id}",
        why=why,
        received_at=datetime.now(UTC),
    )


async def _numbered(client: Client, numbers: list[int]) -> AsyncIterator[DeadLetter]:
    """Yield the letters with these numbers.

    Raise for an unknown number before the first is yielded.
    """
    for letter in [await dead_letter(client, number) for number in dict.fromkeys(numbers)]:
        yield letter


def _show(letter: DeadLetter, *, in_full: bool = False) -> None:
    resent = f", resent {count(letter.resends, 'time')}" if letter.resends else ""
    deliveries = count(letter.deliveries, "delivery", "deliveries")
    out.print(
        f"{letter.sequence}: {letter.subject} at {letter.consumer}, "
        f"{letter.failed_at:%Y-%m-%d %H:%M} UTC, {deliveries}{resent}"
    )
    if in_full:
        out.print(f"    {letter.reason}:")
        out.print(_indented(letter.error), markup=False)
        return
    error = readable(letter.error)
    rest = f"… (daydream dead-letters show {letter.sequence})" if len(error) > ERROR_CHARS else ""
    out.print(f"    {letter.reason}: {escape(error[:ERROR_CHARS])}{rest}")


def _pretty(content: bytes) -> str:
    """Return a message as indented JSON, or as it is if it is not JSON."""
    try:
        return json.dumps(json.loads(content), indent=2, ensure_ascii=False)
    except ValueError:
        return content.decode(errors="replace")


def _indented(text: str) -> str:
    return "\n".join(f"    {line}" for line in text.splitlines())


def _as_json(letter: DeadLetter) -> dict[str, object]:
    return {
        "number": letter.sequence,
        "failed_at": letter.failed_at.isoformat(),
        "subject": letter.subject,
        "consumer": letter.consumer,
        "reason": letter.reason,
        "error": letter.error,
        "deliveries": letter.deliveries,
        "message_id": letter.message_id,
        "resends": letter.resends,
        "message": letter.data.decode(errors="replace"),
    }
