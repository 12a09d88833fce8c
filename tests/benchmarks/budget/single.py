"""Envelopes for a single call: opened with the first draw in it, closed by its settlement."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import count

from benchmarks.budget.desk import Short
from benchmarks.budget.endpoint import PricedEndpoint
from benchmarks.budget.trace import Call
from daydream_shared.requests import Draw, EnvelopePart, Grant, OpenEnvelope, Settle
from daydream_shared.rpc import Asker
from daydream_shared.subjects import BUDGET_OPEN, BUDGET_SETTLE

MODEL = "priced"


@dataclass(frozen=True)
class Drawn:
    """A call that may be made."""

    call: Call
    attempt_id: str


class SingleCalls:
    """One envelope a call."""

    def __init__(self, ask: Asker, endpoint: PricedEndpoint, name: str, team: str = "") -> None:
        self._ask, self._endpoint, self._name, self._team = ask, endpoint, name, team
        self._ids = count()

    def smallest(self, work: Call) -> int:
        return work.bound

    async def admit(self, work: Call) -> Drawn | Short:
        name = f"{self._name}-{next(self._ids)}"
        part = EnvelopePart(stage="synthesizer", model=MODEL, team=self._team, bound_nanousd=work.bound)
        first = draw(name, name, "synthesizer", work.bound, self._team)
        grant = await self._ask(BUDGET_OPEN, OpenEnvelope(envelope_id=name, parts=(part,), first=first, asked_at=datetime.now(UTC)))
        return short(grant) or Drawn(work, grant.attempt_id)

    async def spend(self, ticket: Drawn) -> int:
        cost = await self._endpoint.answer(ticket.call)
        settled = await self._ask(BUDGET_SETTLE, Settle(attempt_id=ticket.attempt_id, cost_nanousd=cost, last=True))
        if settled.known and settled.charged_nanousd != cost:  # unknown: asked again after a lost answer, and the envelope is closed
            raise RuntimeError(f"a call of {cost} is on the books as {settled}")
        return ticket.call.bound - cost


def draw(envelope_id: str, call_id: str, stage: str, bound: int, team: str) -> Draw:
    """One attempt's draw."""
    return Draw(envelope_id=envelope_id, call_id=call_id, nonce=call_id, stage=stage, model=MODEL, team=team, bound_nanousd=bound, lifetime_s=600)


def short(grant: Grant) -> Short | None:
    """None when granted; a refusal for another reason than the cap has no place here."""
    if grant.refusal is None:
        return None
    if grant.refusal.reason != "cap":
        raise RuntimeError(grant.refusal.text)
    return Short(grant.refusal.short_nanousd)
