"""Who asks, and what they may do.

There are four ways to be known, tried in this order:

1. A bearer token: `Authorization: Bearer SECRET`. `NAME:SECRET` in the settings names its person.
2. A session cookie, which the sign-in page gives for a token.
3. A proxy that has authenticated the person (OIDC), on a trusted address, by its header.
4. The loopback address, if no token is set: who runs programs on this machine.

Anything else may do nothing. Requests that change something and come from a browser must come from
the console's own pages.
"""

from __future__ import annotations

import base64
import getpass
import hashlib
import hmac
import ipaddress
import json
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from fastapi import Request
from pydantic import SecretStr
from starlette.datastructures import Headers

from daydream_console.web.problems import ProblemError

COOKIE = "daydream-session"
SESSION_S = 30 * 86_400
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
NAME_CHARS_MAX = 100
SIGN_IN = (
    "Sign in at /sign-in, or send Authorization: Bearer with a value of DAYDREAM_CONSOLE_TOKEN"
)


@dataclass(frozen=True)
class Identity:
    """A person or program, and whether it may change anything. `via`: how it is known."""

    who: str
    may_write: bool
    via: str


@dataclass(frozen=True)
class NamedToken:
    """A token, and the person whom it belongs to, if it is named."""

    name: str
    secret: str = field(repr=False)
    may_write: bool

    @classmethod
    def of(cls, text: SecretStr, *, may_write: bool) -> NamedToken:
        """Read `NAME:SECRET` or `SECRET`."""
        name, _, secret = text.get_secret_value().rpartition(":")
        return cls(name, secret, may_write)


@dataclass(frozen=True)
class AccessRules:
    """The rules of one console. `proxies` are networks; `writers` empty: all known persons."""

    tokens: Sequence[NamedToken] = ()
    proxies: Sequence[ipaddress.IPv4Network | ipaddress.IPv6Network] = ()
    user_header: str = "x-forwarded-user"
    writers: frozenset[str] = frozenset()
    loopback_only: bool = True

    def identify(self, request: Request) -> Identity | None:
        """Return who asks, or None."""
        return (
            self._by_token(request)
            or self._by_session(request)
            or self._by_proxy(request)
            or self._by_loopback(request)
        )

    def _by_token(self, request: Request) -> Identity | None:
        scheme, _, given = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer":
            return None
        token = self.token_of(given.strip())
        if token is None:
            return None
        claimed = request.headers.get("daydream-who", "")[:NAME_CHARS_MAX]
        return Identity(token.name or claimed or "a token", token.may_write, "token")

    def token_of(self, secret: str) -> NamedToken | None:
        """Return the token with this secret."""
        matching = [
            token
            for token in self.tokens
            if hmac.compare_digest(token.secret.encode(), secret.encode())
        ]
        return matching[0] if matching else None

    def session(self, token: NamedToken, who: str) -> str:
        """Return the value of a session cookie. It ends with its token, or after 30 days."""
        ends = int(time.time()) + SESSION_S
        name = token.name or who.strip()[:NAME_CHARS_MAX] or "a browser"
        content = base64.urlsafe_b64encode(json.dumps([name, ends]).encode()).decode()
        return f"{content}.{_signature(token, content)}"

    def _by_session(self, request: Request) -> Identity | None:
        content, _, signature = request.cookies.get(COOKIE, "").partition(".")
        for token in self.tokens if signature else ():
            if hmac.compare_digest(_signature(token, content), signature):
                name, ends = json.loads(base64.urlsafe_b64decode(content))
                if ends > time.time():
                    return Identity(name, token.may_write, "session")
        return None

    def person_behind_proxy(self, host: str, headers: Headers) -> str:
        """Return whom a trusted proxy at this host names, or an empty text."""
        who = headers.get(self.user_header, "").strip()[:NAME_CHARS_MAX]
        try:
            address = ipaddress.ip_address(host)
        except ValueError:
            return ""
        return who if any(address in network for network in self.proxies) else ""

    def _by_proxy(self, request: Request) -> Identity | None:
        host = request.client.host if request.client else ""
        who = self.person_behind_proxy(host, request.headers)
        return Identity(who, not self.writers or who in self.writers, "proxy") if who else None

    def _by_loopback(self, request: Request) -> Identity | None:
        if self.tokens or self.proxies or not self.loopback_only:
            return None
        claimed = request.headers.get("daydream-who", "")[:NAME_CHARS_MAX]
        return Identity(claimed or _user(), True, "loopback")


def is_loopback(host: str) -> bool:
    """Return True for an address that only programs of this machine can reach."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container's user may have no name
        return "local user"


def _signature(token: NamedToken, content: str) -> str:
    return hmac.new(token.secret.encode(), content.encode(), hashlib.sha256).hexdigest()


def check_same_origin(request: Request, identity: Identity) -> None:
    """Refuse a change that a page of another site makes the browser send.

    A bearer token is no such case: browsers do not add it by themselves.
    """
    if request.method in SAFE_METHODS or identity.via == "token":
        return
    site = request.headers.get("sec-fetch-site", "same-origin")
    origin = request.headers.get("origin")
    foreign = origin is not None and urlsplit(origin).netloc != request.headers.get("host")
    if site not in {"same-origin", "none"} or foreign:
        raise ProblemError(
            403,
            "cross-site",
            "This change was sent by a page of another site",
            "Use the console's own pages, or a token",
        )


def reader(request: Request) -> Identity:
    """Return who asks. Raise the problem 401 for an unknown client."""
    rules: AccessRules = request.app.state.services.access
    identity = rules.identify(request)
    if identity is None:
        raise _unknown(request, rules)
    check_same_origin(request, identity)
    request.state.identity = identity
    return identity


def writer(request: Request) -> Identity:
    """Return who asks, if they may change something. Raise the problem 401 or 403 otherwise."""
    identity = reader(request)
    if not identity.may_write:
        raise ProblemError(
            403, "read-only", f"{identity.who} may only read", "Use a token that may write"
        )
    return identity


def _unknown(request: Request, rules: AccessRules) -> ProblemError:
    if not rules.tokens and not rules.proxies:
        return ProblemError(
            403,
            "no-access-configured",
            "The console listens on a network address, and has no token",
            "Set DAYDREAM_CONSOLE_TOKEN, or DAYDREAM_CONSOLE_PROXIES",
        )
    given = "authorization" in request.headers
    detail = "The token is wrong" if given else "This needs a token"
    return ProblemError(401, "unauthorized", detail, SIGN_IN)
