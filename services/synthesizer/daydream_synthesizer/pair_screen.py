"""Rank pairs with one cheap call, before anything is written about them.

Data: up to 20 pairs → a prompt with a short excerpt of each note, one letter per pair → the
probability of each letter as the answer's only token → probabilities in the order of the pairs. The
money is a separate reservation with the purpose `screening`. Reservation and call have ids that
derive from the request, so a request that is sent again pays nothing twice.

A place in the list may be favoured. The order of the pairs is shuffled by the request's id, so that
this adds noise to a rank, and no bias for any pair.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import UTC, datetime
from string import ascii_uppercase

from daydream_contracts.errors import RetryLaterError
from daydream_contracts.events import derive_id
from daydream_contracts.prompt_variables import EXCERPT_BYTES_MAX, screen_variables
from daydream_contracts.rpc import OpenReservation, ReleaseReservation, ScreenedPairs, ScreenPairs
from daydream_contracts.rpc.synthesizer import SCREENED_MAX
from daydream_contracts.topology import BUDGET_OPEN, BUDGET_RELEASE
from daydream_models.answer import ProseAnswer
from daydream_models.client import ModelClient
from daydream_models.model_request import ModelRequest
from daydream_models.prompt import load_prompt
from daydream_models.request_spec import RequestSpec
from daydream_models.stage_plans import FULL
from daydream_runtime.rpc import RpcClient

PROMPT = load_prompt(
    "daydream_synthesizer", "screen.v1.md", "", {}, frozenset({"pairs"}), prose=True
)
LETTER_TOKENS_MAX = 4
SPEC = RequestSpec(
    PROMPT,
    LETTER_TOKENS_MAX,
    text_bytes_max=SCREENED_MAX * 2 * (EXCERPT_BYTES_MAX + 8),
    repair=False,
)
NO_PROBABILITIES = "the model's server gives no token probabilities, or it did not name a pair"


@dataclass(frozen=True)
class PairScreen:
    """One model that ranks, and the ledger that pays for it."""

    model: ModelClient
    rpc: RpcClient

    async def rank(self, request: ScreenPairs) -> ScreenedPairs:
        """Return the probability that each pair is the best. Raise RetryLaterError without money.

        Without token probabilities, say so: one letter ranks nothing.
        """
        order = list(range(len(request.pairs)))
        random.Random(request.screen_id).shuffle(order)
        reservation_id = await self._reserve(request.screen_id)
        reply = await self.model.request(
            ModelRequest(
                key=request.screen_id,
                reservation_id=reservation_id,
                prompt=PROMPT,
                messages=PROMPT.fill(**screen_variables(request.pairs[at] for at in order)),
                output_tokens_max=LETTER_TOKENS_MAX,
                temperature=0.0,
                repair=False,
                alternatives=SCREENED_MAX,
            ),
            ProseAnswer,
        )
        release = ReleaseReservation(reservation_id=reservation_id, branch=0)
        await self.rpc.request(BUDGET_RELEASE, release)
        cost = sum(call.cost_nanousd for call in reply.calls)
        letters = dict(zip(order, ascii_uppercase, strict=False))
        chosen = [reply.letters.get(letters[at], 0.0) for at in range(len(order))]
        if not any(chosen):
            return ScreenedPairs(cost_nanousd=cost, problem=NO_PROBABILITIES)
        return ScreenedPairs(probabilities=tuple(chosen), cost_nanousd=cost)

    async def _reserve(self, screen_id: str) -> str:
        reservation_id = derive_id("screening reservation", screen_id)
        request = OpenReservation(
            reservation_id=reservation_id,
            allocations=self.model.plan({FULL: SPEC}).allocations(0, 1),
            purpose="screening",
            requested_at=datetime.now(UTC),
        )
        refusal = (await self.rpc.request(BUDGET_OPEN, request)).refusal
        if refusal is not None:
            raise RetryLaterError(refusal.text, until=refusal.retry_at)
        return reservation_id
