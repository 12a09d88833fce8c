"""Rename at the connection: the one place where the names of a tenant are known.

Renamed are subjects, in both directions; the streams in requests to JetStream; and what its
documents hold, both of the request and of the reply.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from nats.aio.msg import Msg
from nats.aio.subscription import Subscription

from daydream_contracts.tenant import DAYDREAM, from_tenant, to_tenant
from daydream_runtime.nats_client import NatsClient
from daydream_runtime.nats_url import NatsAddress

API = "$JS.API."
EXPECTED_STREAM = "Nats-Expected-Stream"


class TenantClient(NatsClient):
    """A connection whose caller uses the names of the table, and whose server those of a tenant."""

    def __init__(self, user: str, tenant: str, *, encrypted: bool = False) -> None:
        super().__init__(user, encrypted=encrypted)
        self._outgoing, self._incoming = to_tenant(tenant), from_tenant(tenant)

    async def publish(
        self,
        subject: str,
        payload: bytes = b"",
        reply: str = "",
        headers: Mapping[str, Any] | None = None,
    ) -> None:
        """Publish under the tenant's subject."""
        sent = dict(headers) if headers else None
        if sent and EXPECTED_STREAM in sent:
            sent[EXPECTED_STREAM] = self._outgoing.stream(sent[EXPECTED_STREAM])
        await super().publish(self._outgoing.subject(subject), payload, reply, sent)

    async def subscribe(self, subject: str, *args: Any, **kwargs: Any) -> Subscription:
        """Subscribe to the tenant's subject. Messages carry that of the table."""
        return await super().subscribe(self._outgoing.subject(subject), *args, **kwargs)

    async def request(
        self,
        subject: str,
        payload: bytes = b"",
        timeout: float = 0.5,
        old_style: bool = False,
        headers: Mapping[str, Any] | None = None,
    ) -> Msg:
        """Send a request. Rename what a document of JetStream's API holds."""
        if not subject.startswith(API):
            return await super().request(subject, payload, timeout, old_style, headers)
        if payload:
            payload = json.dumps(self._outgoing.document(json.loads(payload))).encode()
        reply = await super().request(subject, payload, timeout, old_style, headers)
        if reply.data:
            reply.data = json.dumps(self._incoming.document(json.loads(reply.data))).encode()
        return reply

    def wire_subject(self, subject: str) -> str:
        """Return a subject as the server knows it."""
        return self._outgoing.subject(subject)

    def _build_message(
        self, sid: int, subject: bytes, reply: bytes, data: bytes, headers: Any
    ) -> Msg:
        return super()._build_message(  # type: ignore[no-any-return]
            sid,
            self._incoming.subject(subject.decode()).encode(),
            self._incoming.subject(reply.decode()).encode(),
            data,
            headers,
        )


def client_of(address: NatsAddress) -> NatsClient:
    """Return a client for this address. It is not connected yet."""
    login, encrypted = address.login, address.is_encrypted
    if login.tenant == DAYDREAM:
        return NatsClient(login.user, encrypted=encrypted)
    return TenantClient(login.user, login.tenant, encrypted=encrypted)
