"""A worker's way to its envelope: draw before a call, settle after it, grow where more is needed."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import uuid4

from daydream_shared.failures import CLOSED, NotNow, Permanent
from daydream_shared.messages import derive_id
from daydream_shared.requests import Draw, Grant, GrowEnvelope, Refusal, Settle
from daydream_shared.rpc import Asker
from daydream_shared.subjects import BUDGET_DRAW, BUDGET_GROW, BUDGET_SETTLE

WAIT_S_WITHOUT_TIME = 15.0


@dataclass(frozen=True)
class Purse:
    """Pays for one stage's calls."""

    ask: Asker
    stage: str
    model: str
    team: str = ""

    async def draw(self, envelope_id: str, call_id: str, bound_nanousd: int, lifetime_s: float) -> str:
        """The attempt's id, once the ledger has granted it. The envelope is grown (or reopened, when it expired) if it does
        not cover the call. Raises NotNow while the ledger refuses, Permanent when the envelope can't pay any more."""
        question = Draw(
            envelope_id=envelope_id, call_id=call_id, nonce=uuid4().hex, stage=self.stage, model=self.model, team=self.team,
            bound_nanousd=bound_nanousd, lifetime_s=lifetime_s,
        )  # fmt: skip
        grant = await self.ask(BUDGET_DRAW, question)
        if grant.refusal is not None and grant.refusal.reason == "envelope":
            await self._grow(question, grant.refusal.short_nanousd)
            grant = await self.ask(BUDGET_DRAW, question)
        return _granted(grant).attempt_id

    async def settle(
        self, attempt_id: str, cost_nanousd: int | None, input_tokens: int | None = None, output_tokens: int | None = None, provider_id: str = ""
    ) -> None:
        """Say what the attempt cost; None: unknown, so all that was drawn. Doing it twice has no effect."""
        settle = Settle(
            attempt_id=attempt_id, cost_nanousd=cost_nanousd, input_tokens=input_tokens, output_tokens=output_tokens, provider_id=provider_id[:200]
        )  # fmt: skip
        await self.ask(BUDGET_SETTLE, settle)

    async def _grow(self, draw: Draw, by_nanousd: int) -> None:
        growth = GrowEnvelope(
            envelope_id=draw.envelope_id, growth_id=derive_id("growth", draw.nonce), stage=draw.stage, model=draw.model, team=draw.team, by_nanousd=by_nanousd
        )  # fmt: skip
        _granted(await self.ask(BUDGET_GROW, growth))


def _granted(grant: Grant) -> Grant:
    if grant.refusal is None:
        return grant
    raise refused(grant.refusal)


def refused(refusal: Refusal) -> NotNow | Permanent:
    """A refusal as the failure that the middleware knows: waiting for money never counts as a failure."""
    if refusal.reason in (CLOSED, "too-old", "unknown-envelope"):
        return Permanent(refusal.reason, refusal.text)
    return NotNow(refusal.text, until=refusal.retry_at, delay_s=None if refusal.retry_at else WAIT_S_WITHOUT_TIME)
