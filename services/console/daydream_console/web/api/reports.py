"""What sampler, critic, synthesizer and memory say of themselves."""

from __future__ import annotations

from fastapi import APIRouter

from daydream_console.web.api_route import ApiRoute
from daydream_console.web.problems import READ_PROBLEMS
from daydream_console.web.services import Reader, Services
from daydream_contracts.rpc import (
    CriticState,
    EmptyRequest,
    MemoryState,
    SamplerState,
    SynthesizerState,
)
from daydream_contracts.topology import (
    CRITIC_STATE,
    MEMORY_STATE,
    SAMPLER_STATE,
    SYNTHESIZER_STATE,
)

router = APIRouter(tags=["reports"], route_class=ApiRoute, responses=READ_PROBLEMS)


@router.get("/sampler")
async def get_sampler(services: Services, _: Reader) -> SamplerState:
    """Return what the sampler is doing, and what each strategy brought."""
    return await services.client.rpc.request(SAMPLER_STATE, EmptyRequest())


@router.get("/critic")
async def get_critic(services: Services, _: Reader) -> CriticState:
    """Return how good the judges are, and what the critic did to canaries."""
    return await services.client.rpc.request(CRITIC_STATE, EmptyRequest())


@router.get("/synthesizer")
async def get_synthesizer(services: Services, _: Reader) -> SynthesizerState:
    """Return which models write, and what each brought."""
    return await services.client.rpc.request(SYNTHESIZER_STATE, EmptyRequest())


@router.get("/memory")
async def get_memory(services: Services, _: Reader) -> MemoryState:
    """Return how much the memory holds."""
    return await services.client.rpc.request(MEMORY_STATE, EmptyRequest())
