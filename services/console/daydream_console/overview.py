"""The running system at a glance, for the page and the command.

Everything is read from JetStream and the services. Nothing is stored here, so a restart loses
nothing.
"""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

import nats.errors
from nats.js import JetStreamContext
from pydantic import Field

from daydream_console.client import Client
from daydream_console.stages import StageState, count_dead_letters, read_stages, with_failures
from daydream_contracts.errors import DaydreamError, RetryLaterError
from daydream_contracts.events import ContractModel, Message
from daydream_contracts.rpc import (
    BudgetState,
    EmptyRequest,
    GatewayState,
    MemoryState,
    ModelState,
    SamplerState,
)
from daydream_contracts.topology import (
    BUDGET_STATE,
    CONSUMERS,
    GATEWAY_STATE,
    MEMORY_STATE,
    SAMPLER_STATE,
    Endpoint,
    ReplyT,
)
from daydream_runtime.rpc import RpcClient

ANSWER_TIMEOUT_S = 2.0
HANDLED_TIMEOUT_S = 10.0
POLL_S = 0.05
PAID_SUBJECTS = {  # messages that a reservation pays for
    consumer.route.subject for consumer in CONSUMERS if consumer.message.payer is not Message.payer
}


class Overview(ContractModel):
    """The state of every part. None for a service that does not answer."""

    at: datetime
    memory: MemoryState | None
    sampler: SamplerState | None
    budget: BudgetState | None
    gateway: GatewayState | None = None
    stages: tuple[StageState, ...]
    dead_letters: int
    dead_letters_recent: int = Field(default=0, description="of the last hour")
    connected: bool = Field(default=True, description="whether NATS answers")

    @property
    def waiting_models(self) -> list[ModelState]:
        """Return the models that answer no calls at the moment, each with its reason."""
        models = self.gateway.models if self.gateway else ()
        return [model for model in models if model.waiting_for]

    @property
    def pipeline_idle(self) -> bool:
        """Return True if no daydream is in progress."""
        return all(stage.idle for stage in self.stages if stage.subject in PAID_SUBJECTS)


async def overview(
    rpc: RpcClient, js: JetStreamContext, *, timeout_s: float = ANSWER_TIMEOUT_S
) -> Overview:
    """Ask all services at once. A service that does not answer within the timeout is None."""
    memory, sampler, budget, gateway, stages, dead_letters = await asyncio.gather(
        _state_of(rpc, MEMORY_STATE, timeout_s),
        _state_of(rpc, SAMPLER_STATE, timeout_s),
        _state_of(rpc, BUDGET_STATE, timeout_s),
        _state_of(rpc, GATEWAY_STATE, timeout_s),
        read_stages(js),
        count_dead_letters(js),
    )
    return Overview(
        at=datetime.now(UTC),
        memory=memory,
        sampler=sampler,
        budget=budget,
        gateway=gateway,
        stages=with_failures(stages or (), dead_letters),
        dead_letters=dead_letters.stored,
        dead_letters_recent=dead_letters.recent,
        connected=stages is not None,
    )


async def _state_of(
    rpc: RpcClient, endpoint: Endpoint[EmptyRequest, ReplyT], timeout_s: float
) -> ReplyT | None:
    try:
        return await rpc.request(endpoint, EmptyRequest(), patience_s=timeout_s, try_s=timeout_s)
    except DaydreamError:
        return None


async def handled_up_to(client: Client, message: type[Message], sequence: int) -> bool:
    """Return True if all consumers of this message have handled everything up to this sequence.

    The sequence decides, because a consumer may report zero pending messages for a moment after a
    publish.
    """
    for consumer in CONSUMERS:
        if consumer.message is message:
            try:
                info = await client.js.consumer_info(consumer.route.stream, consumer.durable)
            except (nats.errors.Error, TimeoutError):  # unknown now; the caller polls
                return False
            if (info.ack_floor.stream_seq if info.ack_floor else 0) < sequence:
                return False
    return True


async def wait_until_handled(
    client: Client, message: type[Message], sequence: int, timeout_s: float = HANDLED_TIMEOUT_S
) -> None:
    """Wait until this message has been handled. Raise RetryLaterError after the timeout."""
    deadline = asyncio.get_running_loop().time() + timeout_s
    while not await handled_up_to(client, message, sequence):
        if asyncio.get_running_loop().time() > deadline:
            raise RetryLaterError("the change is stored, but was not applied yet")
        await asyncio.sleep(POLL_S)
