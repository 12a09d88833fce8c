"""Send changes to the ledger, for the commands that change limits or spend."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from uuid import uuid4

from pydantic import ValidationError

from daydream_console.cli.budget_view import show_budget
from daydream_console.cli.connection import connection
from daydream_console.cli.output import emit_json
from daydream_console.first_fault import first_fault
from daydream_contracts.errors import ConfigurationError
from daydream_contracts.rpc import BudgetState, Change, ChangeBudget
from daydream_contracts.topology import BUDGET_CHANGE


async def change_budget(
    build: Callable[[], list[Change]], who: str, why: str, data: Path | None, *, as_json: bool
) -> None:
    """Build the changes, send them to the ledger, and print its state.

    Check all of them before the first is sent.
    """
    try:
        changes = build()
    except ValidationError as error:
        raise ConfigurationError(
            first_fault(error).lstrip(": "), "See the command's --help"
        ) from None
    async with connection(data) as client:
        for change in changes:
            request = ChangeBudget(
                change_id=uuid4().hex, change=change, who=who or "unknown", why=why
            )
            answer = await client.rpc.request(BUDGET_CHANGE, request)
            if answer.refusal is not None:
                raise ConfigurationError(
                    answer.refusal.text, "See the current limits: daydream budget show"
                )
    show_state(answer.state, as_json=as_json)


def show_state(state: BudgetState, *, as_json: bool) -> None:
    """Print the state of the ledger."""
    if as_json:
        emit_json(state.model_dump(mode="json"))
    else:
        show_budget(state)
