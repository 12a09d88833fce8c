"""A worker that pays for its calls from the ledger, and behaves as workers do on bad days: it asks twice, repeats old questions
late and out of order, dies between a draw and its call or between a call and its settlement, and leaves reservations open.

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
from daydream_contracts.rpc import (
    AllocationRequest,
    Authorize,
    ContractModel,
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
BOUND = 250_000  # nano-dollars; an answer of the endpoint's costs less than half of it
LIFETIME_S = 3.0
INPUT_NANOUSD, OUTPUT_NANOUSD = 150, 600
REMEMBERED = 50


class Payer:
    """One task of a worker."""

    def __init__(self, ask: RpcClient, client: httpx.AsyncClient, name: str, seed: int) -> None:
        self._ask, self._client, self._name = ask, client, name
        self._chance = random.Random(f"{name} {seed}")
        self._past: list[tuple[Endpoint[Any, Any], ContractModel]] = []

    async def work(self) -> None:
        """Pay one reservation after the other."""
        number = 0
        while True:
            try:
                number += await self._reservation(f"{self._name}-{number}")
            except (DaydreamError, httpx.HTTPError):
                number += 1  # what was open stays open, as it does when a worker dies

    async def _reservation(self, name: str) -> bool:
        part = AllocationRequest(
            stage="synthesizer", model="priced-1", upper_bound_nanousd=CALLS * BOUND
        )
        opened: Grant = await self._say(
            BUDGET_OPEN,
            OpenReservation(
                reservation_id=name, allocations=(part,), requested_at=datetime.now(UTC)
            ),
        )
        if not opened.granted and opened.refusal and opened.refusal.reason == "cap":
            await asyncio.sleep(0.1)
            return False
        for call in range(CALLS):
            if await self._call(name, f"{name}-{call}"):
                return True
        if self._chance.random() < 0.9:
            await self._say(BUDGET_RELEASE, ReleaseReservation(reservation_id=name))
        return True

    async def _call(self, reservation: str, call: str) -> bool:
        """One call; True when the worker dies in it."""
        draw = Authorize(
            reservation_id=reservation,
            call_id=call,
            nonce=uuid4().hex,
            stage="synthesizer",
            model="priced-1",
            upper_bound_nanousd=BOUND,
            lifetime_s=LIFETIME_S,
        )
        grant: Grant = await self._say(BUDGET_AUTHORIZE, draw)
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
        await self._say(
            BUDGET_SETTLE,
            Settle(attempt_id=grant.attempt_id, cost_nanousd=cost, provider_id=reply["id"]),
        )
        return False

    async def _say(self, endpoint: Endpoint[Any, Any], question: ContractModel) -> Any:
        """Ask, now and then twice, and now and then something old once more."""
        answer = await self._ask(endpoint, question)
        self._past = [*self._past[-REMEMBERED:], (endpoint, question)]
        if self._chance.random() < 0.1:
            again = await self._ask(endpoint, question)
            if (
                isinstance(answer, Grant)
                and answer.attempt_id
                and again.attempt_id not in ("", answer.attempt_id)
            ):
                raise SystemExit(f"two grants for one draw: {answer} and {again}")
        if self._chance.random() < 0.1:
            with suppress(DaydreamError):
                await self._ask(*self._chance.choice(self._past))
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
        """It is killed on purpose."""

    nc = await nats.connect(
        options.nats, max_reconnect_attempts=-1, reconnect_time_wait=0.1, error_cb=quiet
    )
    async with httpx.AsyncClient(base_url=options.endpoint, trust_env=False, timeout=10) as client:
        ask = RpcClient(nc, patience_s=30)
        await asyncio.gather(
            *(
                Payer(ask, client, f"{options.name}.{task}", options.seed).work()
                for task in range(options.tasks)
            )
        )


if __name__ == "__main__":
    asyncio.run(main())
