"""Show the gateway to the models, and issue its keys to programs of the lab."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Sequence
from typing import Annotated
from uuid import uuid4

import typer
from pydantic import ValidationError

from daydream_console.cli.command import command
from daydream_console.cli.connection import connection
from daydream_console.cli.options import Data, Json, Who, Why
from daydream_console.cli.output import emit_items, emit_json, err, nanousd, out, table
from daydream_console.first_fault import first_fault
from daydream_contracts.errors import ConfigurationError
from daydream_contracts.rpc import (
    AddKey,
    ChangeBudget,
    EmptyRequest,
    IssuedKey,
    ModelState,
    RevokeKey,
    SetLimit,
)
from daydream_contracts.topology import (
    BUDGET_CHANGE,
    GATEWAY_ADD_KEY,
    GATEWAY_KEYS,
    GATEWAY_REVOKE_KEY,
    GATEWAY_STATE,
)

SERVICES = ("budget", "gateway")
SECRET_BYTES = 32
SECRET_PREFIX = "dd-"  # noqa: S105 (marks a key of the gateway, and is none)


@command
async def gateway_show(data: Data = None, as_json: Json = False) -> None:
    """Show the models that were asked, what the gateway learned of them, and why calls wait.

    Examples:
        daydream gateway show
    """
    async with connection(data, SERVICES) as client:
        state = await client.rpc.request(GATEWAY_STATE, EmptyRequest())
    if as_json:
        emit_json(state.model_dump(mode="json"))
        return
    if not state.models:
        out.print("No model was asked since the gateway started.")
    for model in state.models:
        _show_model(model)


@command
async def gateway_key_add(
    team: Annotated[str, typer.Option(help="Team that uses the key.")],
    purpose: Annotated[str, typer.Option(help="What it is used for, in one word.")],
    cap: Annotated[
        float | None,
        typer.Option(min=0, help="Cap of this key in dollars, for all time.", show_default=False),
    ] = None,
    who: Who = "",
    why: Why = "",
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Issue a key with which another program may use the gateway. Print its secret once.

    What is spent with it is foreground spend, and counts for the daydreaming tax. The caps on
    daydreaming do not limit it. Without --cap nothing does, except limits of its team or of all
    foreground spend (daydream budget set --scope).

    Examples:
        daydream gateway key add --team search --purpose chat --cap 20
    """
    secret = SECRET_PREFIX + secrets.token_urlsafe(SECRET_BYTES)
    digest = hashlib.sha256(secret.encode()).hexdigest()
    try:
        request = AddKey(secret_sha256=digest, team=team, purpose=purpose, who=who or "unknown")
    except ValidationError as error:
        raise ConfigurationError(
            first_fault(error).lstrip(": "), "Use words without spaces, points or colons"
        ) from None
    async with connection(data, SERVICES) as client:
        key = await client.rpc.request(GATEWAY_ADD_KEY, request)
        if cap is not None:
            limit = SetLimit(scope=f"key:{key.key_id}", window="lifetime", cap_nanousd=nanousd(cap))
            change = ChangeBudget(
                change_id=uuid4().hex, change=limit, who=who or "unknown", why=why
            )
            answer = await client.rpc.request(BUDGET_CHANGE, change)
            if answer.refusal is not None:  # a key without its cap is of no use to anyone
                revoke = RevokeKey(key_id=key.key_id, who=who or "unknown")
                await client.rpc.request(GATEWAY_REVOKE_KEY, revoke)
                raise ConfigurationError(
                    f"The key got no cap, so it was revoked: {answer.refusal.text.rstrip('.')}",
                    "See what is wrong: daydream budget show. Then issue another key",
                )
    if as_json:
        emit_json({**key.model_dump(mode="json"), "secret": secret})
        return
    err.print(f"Key {key.key_id} for {team}, {purpose}. Its secret is not stored anywhere:")
    if cap is None:
        err.print(
            f"It has no cap, and the caps on daydreaming do not limit it. To set one: "
            f"daydream budget set --scope key:{key.key_id} --window month --cap DOLLARS"
        )
    out.print(secret, markup=False, highlight=False, soft_wrap=True)


@command
async def gateway_key_list(data: Data = None, as_json: Json = False) -> None:
    """List issued keys, revoked ones too.

    Examples:
        daydream gateway key list
    """
    async with connection(data, SERVICES) as client:
        listed = await client.rpc.request(GATEWAY_KEYS, EmptyRequest())
    if as_json:
        emit_items(listed.model_dump(mode="json")["keys"])
    else:
        _show_keys(listed.keys)


@command
async def gateway_key_revoke(
    key: Annotated[
        str, typer.Argument(help="ID of the key, as 'daydream gateway key list' shows.")
    ],
    who: Who = "",
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Revoke a key. It is refused within seconds; calls in progress end.

    Examples:
        daydream gateway key revoke KEY
    """
    async with connection(data, SERVICES) as client:
        request = RevokeKey(key_id=key, who=who or "unknown")
        revoked = await client.rpc.request(GATEWAY_REVOKE_KEY, request)
    if as_json:
        emit_json(revoked.model_dump(mode="json"))
    else:
        out.print(f"Key {revoked.key_id} of {revoked.team} is revoked.")


def _show_model(model: ModelState) -> None:
    out.print(f"[bold]{model.model}[/bold] at {model.base_url} ({model.source})")
    out.print(f"  {model.in_flight} in flight, {model.waiting} waiting")
    if model.stopped:
        out.print(f"  [red]stopped: {model.stopped}[/red]")
    elif model.waiting_for:
        out.print(f"  [yellow]waits: {model.waiting_for}[/yellow]")
    for learned in model.learned:
        out.print(f"  learned: {learned}", markup=False)


def _show_keys(keys: Sequence[IssuedKey]) -> None:
    rows = table("Keys", ("id", "team", "purpose", "created", "revoked"), ())
    for key in keys:
        revoked = f"{key.revoked_at:%Y-%m-%d %H:%M}" if key.revoked_at else ""
        created = f"{key.created_at:%Y-%m-%d %H:%M} by {key.created_by}"
        rows.add_row(key.key_id, key.team, key.purpose, created, revoked)
    out.print(rows)
