"""Authorize a call from a reservation before it is made, and settle it with its cost afterwards."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import uuid4

from daydream_contracts.errors import RELEASED, PermanentError, RetryLaterError
from daydream_contracts.rpc import Authorize, Refusal, Settle
from daydream_contracts.topology import BUDGET_AUTHORIZE, BUDGET_SETTLE
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

        A reservation that holds less grows by itself (an expired one is reopened). Raise
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
        if grant.refusal is not None:
            raise refusal_error(grant.refusal)
        return grant.attempt_id

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


def refusal_error(refusal: Refusal) -> RetryLaterError | PermanentError:
    """Return a refusal as an error of the delivery middleware. Waiting for money is no failure."""
    if refusal.reason in (RELEASED, "too-old", "unknown-reservation"):
        return PermanentError(refusal.reason, refusal.text)
    return RetryLaterError(
        refusal.text,
        until=refusal.retry_at,
        delay_s=None if refusal.retry_at else DEFAULT_WAIT_S,
    )
