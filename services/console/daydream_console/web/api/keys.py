"""Keys of the gateway for other programs of the lab."""

from __future__ import annotations

import hashlib
import secrets
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Request
from pydantic import BaseModel, Field

from daydream_console.web.api_route import ApiRoute
from daydream_console.web.problems import WRITE_PROBLEMS
from daydream_console.web.services import Reader, Services, Writer, check_json, record_command
from daydream_contracts.rpc import AddKey, EmptyRequest, GatewayState, IssuedKey, KeyList, RevokeKey
from daydream_contracts.topology import (
    GATEWAY_ADD_KEY,
    GATEWAY_KEYS,
    GATEWAY_REVOKE_KEY,
    GATEWAY_STATE,
)

router = APIRouter(tags=["gateway"], route_class=ApiRoute, responses=WRITE_PROBLEMS)
SECRET_PREFIX = "dd-"  # noqa: S105 (marks a key of the gateway, and is none)
SECRET_BYTES = 32
WORD = r"^[^\s:*>.\x00-\x1f]+$"
Word = Annotated[str, Field(min_length=1, max_length=100, pattern=WORD)]


class KeyBody(BaseModel):
    """The team that uses the key, and its purpose: one word each."""

    team: Word
    purpose: Word


class NewKey(BaseModel):
    """An issued key with its secret, which is stored nowhere and shown once."""

    key: IssuedKey
    secret: str


@router.get("/gateway")
async def get_gateway(services: Services, _: Reader) -> GatewayState:
    """Return what the gateway knows of each model."""
    return await services.client.rpc.request(GATEWAY_STATE, EmptyRequest())


@router.get("/gateway/keys")
async def list_keys(services: Services, _: Reader) -> KeyList:
    """List issued keys, revoked ones too."""
    return await services.client.rpc.request(GATEWAY_KEYS, EmptyRequest())


@router.post("/gateway/keys", dependencies=[Depends(check_json)])
async def issue_key(body: KeyBody, request: Request, services: Services, who: Writer) -> NewKey:
    """Issue a key. The answer holds its secret, which can't be read again."""
    await record_command(request, who, about=body.model_dump_json())
    secret = SECRET_PREFIX + secrets.token_urlsafe(SECRET_BYTES)
    digest = hashlib.sha256(secret.encode()).hexdigest()
    wanted = AddKey(secret_sha256=digest, team=body.team, purpose=body.purpose, who=who.who)
    key = await services.client.rpc.request(GATEWAY_ADD_KEY, wanted)
    return NewKey(key=key, secret=secret)


@router.delete("/gateway/keys/{key_id}")
async def revoke_key(
    key_id: Annotated[str, Path(min_length=1, max_length=100, pattern=r"^[A-Za-z0-9_-]+$")],
    request: Request,
    services: Services,
    who: Writer,
) -> IssuedKey:
    """Revoke a key. It is refused within seconds; calls in progress end."""
    await record_command(request, who)
    return await services.client.rpc.request(
        GATEWAY_REVOKE_KEY, RevokeKey(key_id=key_id, who=who.who)
    )
