"""How long a client waits for a reply before it asks again."""

from __future__ import annotations

from typing import Any, cast

import nats.errors
import pytest
from nats.aio.client import Client
from nats.aio.msg import Msg

from daydream_contracts.errors import RetryLaterError
from daydream_contracts.rpc import EmptyRequest, SetGoal
from daydream_contracts.topology import MEMORY_STATE, SAMPLER_GOAL
from daydream_runtime.rpc import TRY_S, RpcClient
from support.loop_states import example


class FakeSlowClient:
    """Replies to the first request that waits long enough."""

    def __init__(self, needed_s: float, error: type[Exception]) -> None:
        self.needed_s = needed_s
        self.error = error
        self.waited_s: list[float] = []

    async def request(self, *_: object, timeout: float, **__: Any) -> Msg:
        self.waited_s.append(timeout)
        if timeout < self.needed_s:
            raise self.error
        state = example(MEMORY_STATE.reply)
        return Msg(cast("Client", None), data=state.model_dump_json().encode())


def client(needed_s: float, error: type[Exception] = nats.errors.TimeoutError) -> FakeSlowClient:
    return FakeSlowClient(needed_s, error)


async def test_each_try_after_a_timeout_has_twice_as_long() -> None:
    slow = client(needed_s=3 * TRY_S)
    await RpcClient(cast("Client", slow)).request(MEMORY_STATE, EmptyRequest())
    assert slow.waited_s == [TRY_S, 2 * TRY_S, 4 * TRY_S]


async def test_without_a_responder_the_next_try_is_as_short() -> None:
    away = client(needed_s=3 * TRY_S, error=nats.errors.NoRespondersError)
    with pytest.raises(RetryLaterError, match="memory does not answer"):
        await RpcClient(cast("Client", away), patience_s=0.2).request(MEMORY_STATE, EmptyRequest())
    assert len(away.waited_s) > 2
    assert set(away.waited_s) == {TRY_S}


async def test_no_try_outlasts_the_patience_but_the_first() -> None:
    slow = client(needed_s=100)
    goal = SetGoal(pairs_max=1)
    with pytest.raises(RetryLaterError):
        await RpcClient(cast("Client", slow), patience_s=0.1).request(SAMPLER_GOAL, goal)
    assert set(slow.waited_s) == {TRY_S}
