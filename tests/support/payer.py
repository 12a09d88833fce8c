"""A worker that pays for its calls from the ledger and behaves as workers do on bad days.

It sends requests twice, repeats old ones late and out of order, dies between an authorization and
its call or between a call and its settlement, and leaves reservations open.

    python tests/support/payer.py --nats URL --endpoint URL --name a --seed 1

Each call is named after its attempt, so the endpoint's log shows whether one grant was used twice.
"""

from __future__ import annotations

import argparse
import asyncio
import random
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import httpx
import nats

from daydream_contracts.errors import DaydreamError
from daydream_contracts.events.base import ContractModel
from daydream_contracts.rpc import (
    AllocationRequest,
    Authorize,
    Grant,
    OpenReservation,
    ReleaseReservation,
    Settle,
)
from daydream_contracts.topology import (
    BUDGET_AUTHORIZE,
    BUDGET_OPEN,
    BUDGET_RELEASE,
    BUDGET_SETTLE,
    Endpoint,
)
from daydream_runtime.rpc import RpcClient

CALLS = 2
BOUND_NANOUSD = 250_000  # an answer of the endpoint costs less than half of it
LIFETIME_S = 3.0
INPUT_NANOUSD, OUTPUT_NANOUSD = 150, 600
REMEMBERED = 50


class FaultyPayer:
    """One task of a worker."""

    def __init__(self, rpc: RpcClient, client: httpx.AsyncClient, name: str, seed: int) -> None:
        self._rpc, self._client, self._name = rpc, client, name
        self._pause_s = 0.1  # while the cap refuses
        self._chance = random.Random(f"{name} {seed}")
        self._past: list[tuple[Endpoint[Any, Any], ContractModel]] = []

    async def work(self) -> None:
        """Pay one reservation after another."""
        number = 0
        while True:
            try:
                number += await self._reservation(f"{self._name}-{number}")
            except (DaydreamError, httpx.HTTPError):
                number += 1  # leave the reservation open, as a worker that dies does

    async def _reservation(self, name: str) -> bool:
        part = AllocationRequest(
            stage="synthesizer", model="priced-1", upper_bound_nanousd=CALLS * BOUND_NANOUSD
        )
        opened: Grant = await self._request(
            BUDGET_OPEN,
            OpenReservation(
                reservation_id=name, allocations=(part,), requested_at=datetime.now(UTC)
            ),
        )
        if not opened.granted and opened.refusal and opened.refusal.reason == "cap":
            await asyncio.sleep(self._pause_s)
            return False
        for call in range(CALLS):
            if await self._call(name, f"{name}-{call}"):
                return True
        if self._chance.random() < 0.9:
            await self._request(BUDGET_RELEASE, ReleaseReservation(reservation_id=name))
        return True

    async def _call(self, reservation: str, call: str) -> bool:
        """Make one call. Return True if the worker dies in it."""
        authorize = Authorize(
            reservation_id=reservation,
            call_id=call,
            nonce=uuid4().hex,
            stage="synthesizer",
            model="priced-1",
            upper_bound_nanousd=BOUND_NANOUSD,
            lifetime_s=LIFETIME_S,
        )
        grant: Grant = await self._request(BUDGET_AUTHORIZE, authorize)
        if not grant.granted or self._chance.random() < 0.03:
            return True
        messages = [{"role": "user", "content": f"attempt {grant.attempt_id}"}]
        reply = (
            await self._client.post(
                "/chat/completions", json={"model": "priced-1", "messages": messages}
            )
        ).json()
        if self._chance.random() < 0.03:
            return True
        usage = reply["usage"]
        cost = usage["prompt_tokens"] * INPUT_NANOUSD + usage["completion_tokens"] * OUTPUT_NANOUSD
        await self._request(
            BUDGET_SETTLE,
            Settle(attempt_id=grant.attempt_id, cost_nanousd=cost, provider_id=reply["id"]),
        )
        return False

    async def _request(self, endpoint: Endpoint[Any, Any], request: ContractModel) -> Any:
        """Send a request, sometimes twice, and sometimes repeat an old one."""
        answer = await self._rpc.request(endpoint, request)
        self._past = [*self._past[-REMEMBERED:], (endpoint, request)]
        if self._chance.random() < 0.1:
            repeated = await self._rpc.request(endpoint, request)
            if (
                isinstance(answer, Grant)
                and answer.attempt_id
                and repeated.attempt_id not in ("", answer.attempt_id)
            ):
                raise SystemExit(f"two grants for one authorization: {answer} and {repeated}")
        if self._chance.random() < 0.1:
            with suppress(DaydreamError):
                await self._rpc.request(*self._chance.choice(self._past))
        return answer


async def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--nats", required=True)
    parser.add_argument("--endpoint", required=True)
    parser.add_argument("--name", required=True)
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--tasks", type=int, default=6)
    options = parser.parse_args()

    async def quiet(_: Exception) -> None:
        """Ignore errors: the server is killed on purpose."""

    nc = await nats.connect(
        options.nats, max_reconnect_attempts=-1, reconnect_time_wait=0.1, error_cb=quiet
    )
    async with httpx.AsyncClient(base_url=options.endpoint, trust_env=False, timeout=10) as client:
        rpc = RpcClient(nc, patience_s=30)
        await asyncio.gather(
            *(
                FaultyPayer(rpc, client, f"{options.name}.{task}", options.seed).work()
                for task in range(options.tasks)
            )
        )


if __name__ == "__main__":
    asyncio.run(main())
