"""Authorize a call from a reservation before it is made, and settle it with its cost afterwards."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import uuid4

from daydream_contracts.errors import RELEASED, PermanentError, RetryLaterError
from daydream_contracts.events import derive_id
from daydream_contracts.rpc import Authorize, Grant, IncreaseReservation, Refusal, Settle
from daydream_contracts.topology import BUDGET_AUTHORIZE, BUDGET_INCREASE, BUDGET_SETTLE
from daydream_runtime.rpc import RpcClient

DEFAULT_WAIT_S = 15.0  # after a refusal that does not name a time
PROVIDER_ID_CHARS_MAX = 200


@dataclass(frozen=True)
class BudgetClient:
    """Pay for the calls that one stage makes to one model."""

    rpc: RpcClient
    stage: str
    model: str
    team: str = ""

    async def authorize(
        self, reservation_id: str, call_id: str, upper_bound_nanousd: int, lifetime_s: float
    ) -> str:
        """Return the id of the attempt that the ledger has authorized.

        A reservation that does not cover the call is increased (an expired one is reopened). Raise
        RetryLaterError while the ledger refuses, PermanentError if the reservation can't pay.
        """
        authorize = Authorize(
            reservation_id=reservation_id,
            call_id=call_id,
            nonce=uuid4().hex,
            stage=self.stage,
            model=self.model,
            team=self.team,
            upper_bound_nanousd=upper_bound_nanousd,
            lifetime_s=lifetime_s,
        )
        grant = await self.rpc.request(BUDGET_AUTHORIZE, authorize)
        if grant.refusal is not None and grant.refusal.reason == "reservation":
            await self._increase(authorize, grant.refusal.shortfall_nanousd)
            grant = await self.rpc.request(BUDGET_AUTHORIZE, authorize)
        return _granted(grant).attempt_id

    async def settle(
        self,
        attempt_id: str,
        cost_nanousd: int | None,
        input_tokens: int | None = None,
        output_tokens: int | None = None,
        provider_id: str = "",
    ) -> None:
        """Report the cost of an attempt. None: unknown, so all that was authorized. Idempotent."""
        settle = Settle(
            attempt_id=attempt_id,
            cost_nanousd=cost_nanousd,
            input_tokens=input_tokens,
            output_tokens=output_tokens,
            provider_id=provider_id[:PROVIDER_ID_CHARS_MAX],
        )
        await self.rpc.request(BUDGET_SETTLE, settle)

    async def _increase(self, authorize: Authorize, by_nanousd: int) -> None:
        increase = IncreaseReservation(
            reservation_id=authorize.reservation_id,
            increase_id=derive_id("increase", authorize.nonce),
            stage=authorize.stage,
            model=authorize.model,
            team=authorize.team,
            by_nanousd=by_nanousd,
        )
        _granted(await self.rpc.request(BUDGET_INCREASE, increase))


def _granted(grant: Grant) -> Grant:
    if grant.refusal is not None:
        raise refusal_error(grant.refusal)
    return grant


def refusal_error(refusal: Refusal) -> RetryLaterError | PermanentError:
    """Return a refusal as an error of the delivery middleware. Waiting for money is no failure."""
    if refusal.reason in (RELEASED, "too-old", "unknown-reservation"):
        return PermanentError(refusal.reason, refusal.text)
    return RetryLaterError(
        refusal.text,
        until=refusal.retry_at,
        delay_s=None if refusal.retry_at else DEFAULT_WAIT_S,
    )
