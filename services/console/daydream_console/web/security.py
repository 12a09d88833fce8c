"""What surrounds every request: security headers, the host check, limits of rate and body.

It is plain ASGI, outside of routing, so that it covers 404 and 405 too. The order, from outside:
headers → host → rate → body.
"""

from __future__ import annotations

import ipaddress
import time
from collections import OrderedDict
from collections.abc import Collection
from dataclasses import dataclass, field

from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from daydream_console.web.access import AccessRules
from daydream_console.web.problems import Problem, problem, problem_response

BODY_BYTES_MAX = 1 << 20
TOO_LARGE = f"The body is larger than {BODY_BYTES_MAX} bytes"
CLIENTS_MAX = 10_000
LOOPBACK_NAMES = ("localhost", "127.0.0.1", "::1", "testserver")
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; "
    "img-src 'self' data:; connect-src 'self'; font-src 'self'; manifest-src 'self'; "
    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'; object-src 'none'",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
}


@dataclass
class TokenBuckets:
    """Limit the requests of each client: `rate_per_s` in the long run, `burst` at once."""

    rate_per_s: float
    burst: float
    _buckets: OrderedDict[str, tuple[float, float]] = field(default_factory=OrderedDict)

    def take(self, client: str) -> bool:
        """Take one token. Return False if the client has none left."""
        now = time.monotonic()
        tokens, at = self._buckets.pop(client, (self.burst, now))
        tokens = min(self.burst, tokens + (now - at) * self.rate_per_s)
        allowed = tokens >= 1
        self._buckets[client] = (tokens - 1 if allowed else tokens, now)
        while len(self._buckets) > CLIENTS_MAX:
            self._buckets.popitem(last=False)
        return allowed


class SecurityMiddleware:
    """Guard an application. `hosts`: names that it answers to, besides addresses and loopback.

    A client is an address. Behind a trusted proxy it is a person, since all have one address.
    """

    def __init__(
        self, app: ASGIApp, hosts: Collection[str], buckets: TokenBuckets, access: AccessRules
    ) -> None:
        self.app = app
        self.access = access
        self.hosts = {host.lower() for host in (*hosts, *LOOPBACK_NAMES)}
        self.buckets = buckets

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
                headers.setdefault("Cache-Control", "no-store")
            await send(message)

        if (refusal := self._refuse(scope)) is not None:
            await problem_response(refusal)(scope, receive, send_with_headers)
            return
        await self._limit_body(scope, receive, send_with_headers)

    def _refuse(self, scope: Scope) -> Problem | None:
        headers = Headers(scope=scope)
        if not self._knows(headers.get("host", "")):
            return problem(
                421,
                "unknown-host",
                "The console does not answer to this host name",
                "Add it to DAYDREAM_CONSOLE_HOSTS",
            )
        address = (scope.get("client") or ("",))[0]
        person = self.access.person_behind_proxy(address, headers)
        if not self.buckets.take(f"{address} {person}"):
            return problem(429, "too-many-requests", "Too many requests", "Wait for a second")
        length = headers.get("content-length", "0")
        if not length.isdigit() or int(length) > BODY_BYTES_MAX:
            return _too_large()
        return None

    def _knows(self, host: str) -> bool:
        name = host.rpartition(":")[0] if _has_port(host) else host
        name = name.strip("[]").lower()
        if name in self.hosts:
            return True
        try:  # a page of another site has a name, so it can't use an address (DNS rebinding)
            ipaddress.ip_address(name)
        except ValueError:
            return False
        return True

    async def _limit_body(self, scope: Scope, receive: Receive, send: Send) -> None:
        size = 0

        async def limited() -> Message:
            nonlocal size
            message = await receive()
            size += len(message.get("body", b""))
            if size > BODY_BYTES_MAX:
                raise HTTPException(413, TOO_LARGE)
            return message

        await self.app(scope, limited, send)


def _has_port(host: str) -> bool:
    return host.rpartition(":")[2].isdigit() and (host.count(":") == 1 or "]" in host)


def _too_large() -> Problem:
    return problem(413, "body-too-large", TOO_LARGE, "Send less")
