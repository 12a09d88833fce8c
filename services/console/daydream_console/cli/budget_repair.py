"""Show messages of the ledger that stop all grants, and void them."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.text import Text

from daydream_console.cli.command import command
from daydream_console.cli.connection import connection
from daydream_console.cli.options import Data, Json, Who, Why
from daydream_console.cli.output import emit_json, local_time, out
from daydream_contracts.errors import ConfigurationError
from daydream_contracts.rpc import LedgerRepair, MessageToVoid, RepairLedger, UnreadableMessage
from daydream_contracts.topology import BUDGET_REPAIR

SHOWN_MAX = 10
HINT = (
    "Did a newer version of daydream write it? Then update this system instead. "
    "Was the stream damaged? Then restore it from its mirror or a backup. "
    "Otherwise void it: daydream budget repair --yes --why REASON"
)


@command
async def budget_repair(
    yes: Annotated[
        bool, typer.Option("--yes", help="Void the unreadable messages, as an entry of the ledger.")
    ] = False,
    who: Who = "",
    why: Why = "",
    data: Data = None,
    as_json: Json = False,
) -> int:
    """Show what makes the ledger unreadable, and void it.

    Grants stop at a message that is no valid commit. With --yes an entry is added that voids
    exactly these messages. Readable commits are never voided. Exit with 1 if a message is left.

    Examples:
        daydream budget repair
        daydream budget repair --yes --why "disk was full"
    """
    if yes and not why:
        raise ConfigurationError("A void needs a reason", "Pass --why REASON")
    async with connection(data, services=("budget",)) as client:
        reply = await client.rpc.request(BUDGET_REPAIR, RepairLedger())
        shown = reply.unreadable
        if yes and shown:
            void = tuple(MessageToVoid(sequence=row.sequence, digest=row.digest) for row in shown)
            request = RepairLedger(void=void, who=who or "unknown", why=why)
            reply = await client.rpc.request(BUDGET_REPAIR, request)
            if reply.refusal is not None:
                raise ConfigurationError(reply.refusal.text, "See docs/operations.md, Repair")
            # what follows is judged only once the messages before it are voided
            following = await client.rpc.request(BUDGET_REPAIR, RepairLedger())
            reply = following.model_copy(update={"voided": reply.voided})
    if as_json:
        emit_json(reply.model_dump(mode="json"))
    else:
        _show(reply, shown if yes else ())
    return 1 if reply.unreadable else 0


def _show(reply: LedgerRepair, voided: tuple[UnreadableMessage, ...]) -> None:
    for row in voided[:SHOWN_MAX]:
        out.print(f"Voided message {row.sequence}: {row.problem}.", markup=False)
    for row in reply.unreadable[:SHOWN_MAX]:
        _show_message(row)
    if len(reply.unreadable) > SHOWN_MAX:
        out.print(f"… and {len(reply.unreadable) - SHOWN_MAX} more (all of them: --json)")
    if reply.unreadable:
        out.print(HINT, markup=False)
    else:
        out.print(f"The ledger is readable up to message {reply.last_sequence}.")


def _show_message(row: UnreadableMessage) -> None:
    mirror = {
        "same": "the mirror has the same bytes",
        "differs": "the mirror has OTHER bytes here or just before: restore from it",
        "missing": "the mirror does not have it",
    }[row.mirror]
    lines = (
        f"Message {row.sequence} is unreadable: {row.problem}.",
        f"  stored {local_time(row.stored_at, 'never')}, {row.size_bytes} bytes, {mirror}",
        f"  SHA-256 {row.digest}",
        f"  begins: {row.beginning}",
    )
    for line in lines:
        out.print(Text(line))
