"""Answer requests to the gateway over NATS: quotes, keys and its state. All are idempotent."""

from __future__ import annotations

from typing import Annotated

from daydream_budget.gateway.issued_keys import IssuedKeys
from daydream_budget.gateway.models import Models
from daydream_budget.gateway.quotes import quote
from daydream_budget.gateway.state import gateway_state
from daydream_contracts.rpc import (
    AddKey,
    EmptyRequest,
    GatewayState,
    IssuedKey,
    KeyList,
    Quote,
    QuoteRequest,
    RevokeKey,
)
from daydream_runtime.from_context import FromContext


async def quote_model(request: QuoteRequest, models: Annotated[Models, FromContext()]) -> Quote:
    """Return the prices of a model's tokens. Nothing is spent."""
    return quote(models, request.model)


async def add_key(request: AddKey, keys: Annotated[IssuedKeys, FromContext()]) -> IssuedKey:
    """Issue a key. Idempotent: its id derives from its secret's digest."""
    return await keys.add(request)


async def revoke_key(request: RevokeKey, keys: Annotated[IssuedKeys, FromContext()]) -> IssuedKey:
    """Revoke a key. Idempotent: the first revocation stays."""
    return await keys.revoke(request)


async def list_keys(request: EmptyRequest, keys: Annotated[IssuedKeys, FromContext()]) -> KeyList:
    """List the issued keys. Read only."""
    return await keys.list()


async def state(
    request: EmptyRequest,
    models: Annotated[Models, FromContext()],
    instance: Annotated[str, FromContext()],
) -> GatewayState:
    """Return what this replica knows of its models. Read only."""
    return gateway_state(models, instance)
