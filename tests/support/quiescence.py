"""Wait until a running system has ended what it began."""

from __future__ import annotations

from nats.js import JetStreamContext

from daydream_console.overview import overview
from daydream_contracts.rpc import EmptyRequest, SetGoal
from daydream_contracts.topology import SAMPLER_GOAL, SAMPLER_STATE
from daydream_runtime.rpc import RpcClient


async def draws_have_ended(rpc: RpcClient) -> bool:
    """Let the draws in progress end, and no others begin. Return whether none is left.

    A pair of a draw in progress may be published before it counts as drawn, and its daydream may
    even have ended. So such draws have to end before anything is counted.
    """
    state = await rpc.request(SAMPLER_STATE, EmptyRequest())
    goal = state.drawn + state.drawing
    state = await rpc.request(SAMPLER_GOAL, SetGoal(pairs_max=goal))
    return state.drawn >= goal and not state.drawing


async def daydreams_have_ended(rpc: RpcClient, js: JetStreamContext) -> bool:
    """Return whether no message is pending, and no money is held, for any daydream.

    An overview asks all services at once, so it may have the memory's state of a moment before the
    ledger's. Count in a later one.
    """
    state = await overview(rpc, js)
    if not (state.budget and state.memory and state.sampler and state.pipeline_idle):
        return False
    return not state.budget.reservations_open and not state.budget.attempts_authorized
