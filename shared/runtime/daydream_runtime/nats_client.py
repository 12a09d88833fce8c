"""Connect to NATS with a client that names a missing permission.

The server reports a refused publish apart from it, as an error of the connection. The caller waits
for a reply that never comes, and sees a timeout. `NatsClient` raises the reason instead.
"""

from __future__ import annotations

import re
import time
from collections import deque
from collections.abc import Mapping
from typing import Any

import nats.errors
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.aio.subscription import Subscription

from daydream_runtime.nats_url import PlainServerError

VIOLATION = re.compile(
    r'permissions violation for (?P<act>publish|subscription) to "(?P<subject>[^"]+)"',
    re.IGNORECASE,
)
REFUSALS_MAX = 100
SENT_MAX = 256  # subjects that are remembered; a refusal comes within milliseconds
SHOWN_S = 30.0  # a pull that is refused is repeated sooner
ASK = "ask the operator to run daydream-nats-users and to reload NATS"


class PermissionDeniedError(nats.errors.Error):
    """A user may not do something. The text names the user, the subject and the fix."""

    def __init__(self, user: str, act: str, subject: str) -> None:
        verb = "publish" if act == "publish" else "subscribe"
        super().__init__(f"the NATS user {user} may not {verb} to {subject}: {ASK}")
        self.act = act
        self.subject = subject
        self.at = time.monotonic()


class NatsClient(Client):
    """A connection of one user. A request that was refused raises PermissionDeniedError.

    `encrypted`: send nothing to a server that does not encrypt. nats-py 2.16 follows the server
    there, also for a URL with tls://.
    """

    def __init__(self, user: str, *, encrypted: bool = False) -> None:
        super().__init__()
        self.user = user
        self._encrypted = encrypted
        self._refusals: dict[str, PermissionDeniedError] = {}
        self._sent: deque[str] = deque(maxlen=SENT_MAX)

    def refusal(self) -> PermissionDeniedError | None:
        """Return the last refusal: of a subscription, or of a publish in the last 30 s."""
        since = time.monotonic() - SHOWN_S
        refusals = self._refusals.values()
        shown = (error for error in refusals if error.act != "publish" or error.at > since)
        return max(shown, key=lambda error: error.at, default=None)

    async def request(
        self,
        subject: str,
        payload: bytes = b"",
        timeout: float = 0.5,
        old_style: bool = False,
        headers: Mapping[str, Any] | None = None,
    ) -> Msg:
        """Send a request and return the reply. Raise PermissionDeniedError if it was refused."""
        asked_at = time.monotonic()
        try:
            return await super().request(
                subject, payload, timeout, old_style, dict(headers) if headers else None
            )
        except nats.errors.TimeoutError:
            refusal = self._refusals.get(self.wire_subject(subject))
            if refusal is not None and refusal.at >= asked_at:
                raise refusal from None
            raise

    def _connect_command(self) -> bytes:
        """Return what is sent first, with the credentials. Raise PlainServerError."""
        if self._encrypted and not self._server_info.get("tls_required"):
            raise PlainServerError("the server does not encrypt the connection")
        return super()._connect_command()

    async def _process_err(self, err_msg: str) -> None:
        """Take a refusal apart. The server closes the connection for no refusal."""
        violation = VIOLATION.search(err_msg)
        if violation is None:
            await super()._process_err(err_msg)
            return
        subject = self._as_sent(violation["subject"])
        refusal = PermissionDeniedError(self.user, violation["act"].lower(), subject)
        if len(self._refusals) >= REFUSALS_MAX:
            self._refusals.pop(next(iter(self._refusals)))
        self._refusals[subject] = refusal
        await self._error_cb(refusal)

    async def publish(
        self,
        subject: str,
        payload: bytes = b"",
        reply: str = "",
        headers: dict[str, Any] | None = None,
    ) -> None:
        """Publish, and remember the subject for a while: it may be refused."""
        self._sent.append(subject)
        await super().publish(subject, payload, reply, headers)

    async def subscribe(self, subject: str, *args: Any, **kwargs: Any) -> Subscription:
        """Subscribe, and remember the subject: it may be refused."""
        self._sent.append(subject)
        return await super().subscribe(subject, *args, **kwargs)

    def wire_subject(self, subject: str) -> str:
        """Return a subject as the server knows it."""
        return subject

    def _as_sent(self, subject: str) -> str:
        """Return a refused subject as it was sent: nats-py writes errors in lower case."""
        return next((sent for sent in self._sent if sent.lower() == subject.lower()), subject)
