"""Ask the ledger for the money of an attempt, and settle it.

A stage's call is paid from the reservation that the stage names. A call without one (an embedding,
or a program of the lab) gets its own reservation: opening and authorizing are one request,
settling and releasing another one. What ended calls cost travels with the request for the next one.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from uuid import uuid4

from daydream_budget.gateway.callers import CallContext
from daydream_budget.gateway.refusals import CallRefusedError
from daydream_budget.gateway.settlements import Settlements
from daydream_contracts.errors import PermanentError, RetryLaterError, TransientError
from daydream_contracts.events import derive_id
from daydream_contracts.rpc import (
    AllocationRequest,
    Authorize,
    Grant,
    OpenReservation,
    Purpose,
    Refusal,
    Settle,
)
from daydream_contracts.topology import BUDGET_AUTHORIZE, BUDGET_OPEN
from daydream_runtime.rpc import RpcClient

DEFAULT_WAIT_S = 15.0  # after a refusal that does not name a time
WAIT_S_MIN = 0.5
# Near a cap, calls in progress settle in moments: so long a call waits here with its turn.
NEAR_CAP_WAIT_S, NEAR_CAP_PAUSE_S = 2.0, 0.1
PROVIDER_ID_CHARS_MAX = 200
NEVER_AGAIN = ("released", "too-old", "unknown-reservation")


@dataclass(frozen=True)
class AuthorizedAttempt:
    """An authorized attempt. `release`: its reservation is its own, and ends with it."""

    attempt_id: str
    release: bool


class Funds:
    """The money of all calls."""

    def __init__(self, rpc: RpcClient) -> None:
        self._rpc = rpc
        self._settlements = Settlements(rpc)

    async def finish(self, timeout_s: float) -> None:
        """Wait until all attempts that have ended are settled, at most `timeout_s`."""
        await self._settlements.finish(timeout_s)

    async def authorize(
        self, context: CallContext, model: str, bound_nanousd: int, lifetime_s: float
    ) -> AuthorizedAttempt:
        """Authorize one attempt that costs at most the bound. Raise CallRefusedError."""
        nonce = uuid4().hex
        own = not context.reservation_id
        reservation_id = context.reservation_id or derive_id("call", nonce)
        authorize = Authorize(
            reservation_id=reservation_id,
            call_id=context.call_id or reservation_id,
            nonce=nonce,
            stage=context.caller.name,
            model=model,
            team=context.caller.key.team if context.caller.key else "",
            upper_bound_nanousd=bound_nanousd,
            lifetime_s=lifetime_s,
        )
        try:
            ask = partial(self._ask, context, authorize)
            grant = await self._settlements.travel(ask)
            deadline = time.monotonic() + NEAR_CAP_WAIT_S
            while grant.refusal and grant.refusal.near_cap and time.monotonic() < deadline:
                await asyncio.sleep(NEAR_CAP_PAUSE_S)  # the ledger queues it: see admission_queue
                grant = await self._settlements.travel(ask)
        except (RetryLaterError, TransientError) as error:
            raise CallRefusedError(
                503, "budget_unavailable", str(error), "wait", DEFAULT_WAIT_S
            ) from error
        except PermanentError as error:
            raise CallRefusedError(500, error.reason, str(error), "reject") from error
        return AuthorizedAttempt(_granted(grant).attempt_id, release=own)

    async def _ask(
        self, context: CallContext, authorize: Authorize, settlements: tuple[Settle, ...]
    ) -> Grant:
        authorize = authorize.model_copy(update={"settlements": settlements})
        if context.reservation_id:
            return await self._rpc.request(BUDGET_AUTHORIZE, authorize)
        return await self._rpc.request(BUDGET_OPEN, _reservation(context, authorize))

    def settle(
        self,
        attempt: AuthorizedAttempt,
        cost_nanousd: int | None,
        *,
        input_tokens: int | None = None,
        output_tokens: int | None = None,
        provider_id: str = "",
        sent: bool = True,
    ) -> asyncio.Future[None]:
        """Settle an attempt with its cost. None: unknown, so all of the bound. Idempotent.

        Few need to wait for the future. It raises DaydreamError if the ledger can't be reached;
        then the attempt counts in full when its time is up.
        """
        settle = Settle(
            attempt_id=attempt.attempt_id,
            cost_nanousd=cost_nanousd,
            input_tokens=input_tokens,
            output_tokens=output_tokens,
            provider_id=provider_id[:PROVIDER_ID_CHARS_MAX],
            release=attempt.release,
            sent=sent,
        )
        return self._settlements.add(settle)


def _reservation(context: CallContext, first: Authorize) -> OpenReservation:
    """Return the request for a reservation that pays for one call."""
    key = context.caller.key
    purpose: Purpose = "foreground" if key else "embedding"
    allocation = AllocationRequest(
        stage=first.stage,
        model=first.model,
        team=first.team,
        key=key.key_id if key else "",
        label=key.purpose if key else "",
        upper_bound_nanousd=first.upper_bound_nanousd,
    )
    return OpenReservation(
        reservation_id=first.reservation_id,
        allocations=(allocation,),
        first_attempt=first,
        purpose=purpose,
        requested_at=datetime.now(UTC),
    )


def _granted(grant: Grant) -> Grant:
    if grant.refusal is not None:
        raise _refused(grant.refusal)
    return grant


def _refused(refusal: Refusal) -> CallRefusedError:
    """Return a refusal of the ledger for the caller. Waiting for money is no failure."""
    if refusal.reason in NEVER_AGAIN:
        return CallRefusedError(409, refusal.reason, refusal.text, "reject")
    wait_s = DEFAULT_WAIT_S
    if refusal.retry_at is not None:
        wait_s = max(WAIT_S_MIN, (refusal.retry_at - datetime.now(UTC)).total_seconds())
    return CallRefusedError(429, "budget_exceeded", refusal.text, "wait", wait_s)
