"""The rows of the tables of the page about judges."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

from pydantic import BaseModel, Field

from daydream_console.web.services import ConsoleServices
from daydream_contracts.rpc import CriticState, EmptyRequest, Share
from daydream_contracts.topology import CRITIC_STATE


class GateRow(BaseModel):
    """What one gate stopped and saved."""

    gate: str
    stopped: int
    saved_nanousd: int


class CanaryRow(BaseModel):
    """What became of one kind of canary."""

    canary: str
    promoted: Share
    passed_oracle: Share | None


class PlaceRow(BaseModel):
    """The scores of one judge in one place of a call about several hypotheses."""

    judge: str
    place: int = Field(description="0 is the first")
    answers: int
    mean_score: float


class EndingRow(BaseModel):
    """How many of the oracle's examinations ended in this way."""

    ending: str
    examinations: int


Rows = Sequence[BaseModel]


async def _critic(services: ConsoleServices) -> CriticState:
    return await services.client.rpc.request(CRITIC_STATE, EmptyRequest())


async def _judges(services: ConsoleServices) -> Rows:
    return (await _critic(services)).judges


async def _calibration(services: ConsoleServices) -> Rows:
    return (await _critic(services)).calibration


async def _gates(services: ConsoleServices) -> Rows:
    critic = await _critic(services)
    return [
        GateRow(gate=gate, stopped=count, saved_nanousd=critic.saved_nanousd.get(gate, 0))
        for gate, count in critic.stopped.items()
    ]


async def _canaries(services: ConsoleServices) -> Rows:
    critic = await _critic(services)
    return [
        CanaryRow(canary="bridge", promoted=critic.bridges, passed_oracle=critic.oracle_bridges),
        CanaryRow(canary="decoy", promoted=critic.decoys, passed_oracle=critic.oracle_decoys),
    ]


async def _places(services: ConsoleServices) -> Rows:
    return [
        PlaceRow(judge=judge.name, place=at.place, answers=at.answers, mean_score=at.mean)
        for judge in (await _critic(services)).judges
        for at in judge.places
    ]


async def _endings(services: ConsoleServices) -> Rows:
    examined = (await _critic(services)).examined
    return [EndingRow(ending=name, examinations=count) for name, count in examined.items()]


CRITIC_TABLES: dict[str, Callable[[ConsoleServices], Awaitable[Rows]]] = {
    "calibration": _calibration,
    "canaries": _canaries,
    "gates": _gates,
    "judges": _judges,
    "oracle-endings": _endings,
    "places": _places,
}
