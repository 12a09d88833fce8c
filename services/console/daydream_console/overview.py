"""The running system at a glance, for the page and for the command alike: read from JetStream and the services, never from
a memory of our own that a restart would empty."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import TypeVar

import nats.errors
from nats.js import JetStreamContext
from nats.js.errors import NotFoundError

from daydream_console.client import Client
from daydream_contracts.errors import DaydreamError, RetryLaterError
from daydream_contracts.events import ContractModel, Message
from daydream_contracts.rpc import BudgetState, EmptyRequest, MemoryState, SamplerState
from daydream_contracts.topology import (
    BUDGET_STATE,
    CONSUMERS,
    MEMORY_STATE,
    SAMPLER_STATE,
    A,
    Consumer,
    Endpoint,
)
from daydream_runtime.rpc import RpcClient

R = TypeVar("R")
PATIENCE_S = 2.0
ON_THE_WAY = {
    row.route.subject for row in CONSUMERS if row.message.payer is not Message.payer
}  # what a reservation pays for


class StageState(ContractModel):
    """One consumer: `pending` in its stream, `in_progress` with its workers, `redelivered` among those."""

    service: str
    subject: str
    pending: int
    in_progress: int
    redelivered: int

    @property
    def idle(self) -> bool:
        return not self.pending and not self.in_progress


class Overview(ContractModel):
    """What every part says; None for a part that does not answer."""

    at: datetime
    memory: MemoryState | None
    sampler: SamplerState | None
    budget: BudgetState | None
    stages: tuple[StageState, ...]
    dead_letters: int

    @property
    def pipeline_idle(self) -> bool:
        """Whether no daydream is on its way."""
        return all(stage.idle for stage in self.stages if stage.subject in ON_THE_WAY)


async def overview(
    ask: RpcClient, js: JetStreamContext, *, patience_s: float = PATIENCE_S
) -> Overview:
    """Ask everybody at once."""

    async def maybe(endpoint: Endpoint[EmptyRequest, A]) -> A | None:
        try:
            return await ask(endpoint, EmptyRequest(), patience_s=patience_s, try_s=patience_s)
        except DaydreamError:
            return None

    memory, sampler, budget, stages, dead = await asyncio.gather(
        maybe(MEMORY_STATE),
        maybe(SAMPLER_STATE),
        maybe(BUDGET_STATE),
        _stages(js),
        _dead_letters(js),
    )
    return Overview(
        at=datetime.now(UTC),
        memory=memory,
        sampler=sampler,
        budget=budget,
        stages=stages,
        dead_letters=dead,
    )


async def _stages(js: JetStreamContext) -> tuple[StageState, ...]:
    """One after the other, in the direction of the flow: what moves on meanwhile is seen further down, and nothing slips through."""
    return tuple([await _stage(js, row) for row in CONSUMERS])


async def _stage(js: JetStreamContext, consumer: Consumer) -> StageState:
    try:
        info = await js.consumer_info(consumer.route.stream, consumer.durable)
        pending, in_progress, redelivered = (
            info.num_pending or 0,
            info.num_ack_pending or 0,
            info.num_redelivered or 0,
        )
    except (NotFoundError, nats.errors.Error, TimeoutError):
        pending, in_progress, redelivered = 0, 0, 0
    return StageState(
        service=consumer.service,
        subject=consumer.route.subject,
        pending=pending,
        in_progress=in_progress,
        redelivered=redelivered,
    )


async def _dead_letters(js: JetStreamContext) -> int:
    try:
        return (await js.stream_info("DEADLETTERS")).state.messages
    except (NotFoundError, nats.errors.Error, TimeoutError):
        return 0


async def taken_up(client: Client, message: type[Message], sequence: int) -> bool:
    """Whether all consumers of this message are done with everything up to this place in its stream.

    The place is what counts: a consumer may say for a moment after a publish that nothing waits.
    """
    for row in CONSUMERS:
        if row.message is message:
            try:
                floor = (await client.js.consumer_info(row.route.stream, row.durable)).ack_floor
            except (nats.errors.Error, TimeoutError):  # nobody can say now; the caller asks again
                return False
            if (floor.stream_seq if floor else 0) < sequence:
                return False
    return True


async def settled(
    client: Client, message: type[Message], sequence: int, patience_s: float = 10.0
) -> None:
    """Wait until the message at this place has been taken up. Raises RetryLaterError after the patience."""
    deadline = asyncio.get_running_loop().time() + patience_s
    while not await taken_up(client, message, sequence):
        if asyncio.get_running_loop().time() > deadline:
            raise RetryLaterError("it is kept, but was not taken up yet")
        await asyncio.sleep(0.05)
