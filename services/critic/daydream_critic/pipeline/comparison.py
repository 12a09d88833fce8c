"""What lies near the line is held against its neighbours there: which of two hypotheses is better, asked in both orders.

Data: a hypothesis and what is known of its place → its neighbours near the line (`experience`), nearest first, their texts from memory → for each both
orders → its place, with the judge's favour for a position taken out (`pairwise`) → stops as soon as the interval of its place clears the line.
A neighbour is shown only to a model that may see it beside this pair: never another team's, never of a clearance that this pair does not have.
An answer that can't be read is left out; it is not asked for again. Neither texts of neighbours nor what was said of them are kept in the verdict, so an
erasure need not find them there.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict

from daydream_contracts.access import may_appear_with
from daydream_contracts.events import Comparison, HypothesisProposed, ModelCall, derive_id
from daydream_contracts.prompts import compare_variables
from daydream_contracts.rpc import ListVerdicts, VerdictPage
from daydream_contracts.topology import MEMORY_INSIGHTS
from daydream_critic.history.projection import CriticHistory
from daydream_critic.history.records import ReferenceHypothesis
from daydream_critic.pipeline.judge import Judge
from daydream_critic.stats.bradley_terry import placed
from daydream_models.model_request import ModelRequest
from daydream_models.request_spec import RequestSpec
from daydream_runtime.rpc import RpcClient

PROMPT = "compare.v1.md"
PLACEHOLDERS = frozenset({"first", "second"})
JUSTIFICATION_CHARS_MAX = 160
TOKENS_MAX = JUSTIFICATION_CHARS_MAX + 40
TEMPERATURE = 0.2
SURE = 1.64  # standard errors that the place must lie from the line: 95 % on that side
NEIGHBOURS_LOOKED_AT = 10


class CompareAnswer(BaseModel):
    """The answer as it is read."""

    model_config = ConfigDict(extra="ignore")

    justification: str
    better: Literal["first", "second"]


def schema() -> dict[str, Any]:
    """The JSON schema of the answer."""
    properties = {
        "justification": {"type": "string", "maxLength": JUSTIFICATION_CHARS_MAX},
        "better": {"type": "string", "enum": ["first", "second"]},
    }
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


@dataclass(frozen=True)
class RatingEstimate:
    """Where a hypothesis lies, in log-odds, and how sure that is; the comparisons and calls that it took."""

    mean: float
    error: float
    comparisons: tuple[Comparison, ...] = ()
    calls: tuple[ModelCall, ...] = ()


@dataclass(frozen=True)
class PairwiseComparer:
    """Asks judges to compare. `neighbours_max`: with how many others."""

    form: RequestSpec
    ask: RpcClient
    neighbours_max: int

    async def settle(
        self,
        judge: Judge,
        proposed: HypothesisProposed,
        start: RatingEstimate,
        line: float,
        experience: CriticHistory,
    ) -> RatingEstimate:
        """The place of a hypothesis after comparisons, as few as make it clear on which side of the line it is."""
        found = start
        position = experience.position(judge.name)
        for seen, text in await self._neighbours(proposed, line, experience):
            if abs(found.mean - line) > SURE * found.error:
                break
            done, calls = list(found.comparisons), list(found.calls)
            for shown_first in (True, False):
                won, paid = await self._one(judge, proposed, seen, text, shown_first=shown_first)
                calls += paid
                if won is not None:
                    done.append(
                        Comparison(
                            judge=judge.name,
                            other_verdict_id=seen.verdict_id,
                            other_log_odds=seen.log_odds,
                            shown_first=shown_first,
                            won=won,
                        )
                    )
            mean, error = placed(
                start.mean,
                start.error,
                np.array([one.other_log_odds for one in done]),
                np.array([one.shown_first for one in done], bool),
                np.array([one.won for one in done], bool),
                position,
            )
            found = RatingEstimate(mean, error, tuple(done), tuple(calls))
        return found

    async def _neighbours(
        self, proposed: HypothesisProposed, line: float, experience: CriticHistory
    ) -> list[tuple[ReferenceHypothesis, str]]:
        near = [
            seen
            for seen in experience.near(line)
            if seen.hypothesis_id != proposed.hypothesis_id and _may_meet(seen, proposed)
        ][:NEIGHBOURS_LOOKED_AT]
        if not near:
            return []
        page: VerdictPage = await self.ask(
            MEMORY_INSIGHTS, ListVerdicts(verdict_ids=tuple(seen.verdict_id for seen in near))
        )
        texts = {one.verdict_id: one.hypothesis.synthesis for one in page.verdicts}
        return [
            (seen, compare_variables(synthesis))
            for seen in near
            if (synthesis := texts.get(seen.verdict_id)) is not None
        ][: self.neighbours_max]

    async def _one(
        self,
        judge: Judge,
        proposed: HypothesisProposed,
        seen: ReferenceHypothesis,
        text: str,
        *,
        shown_first: bool,
    ) -> tuple[bool | None, tuple[ModelCall, ...]]:
        """Whether the hypothesis is better than its neighbour; None: the answer can't be read."""
        assert proposed.synthesis is not None
        own = compare_variables(proposed.synthesis)
        first, second = (own, text) if shown_first else (text, own)
        question = ModelRequest(
            key=derive_id(
                "comparison",
                proposed.hypothesis_id,
                seen.hypothesis_id,
                judge.name,
                str(shown_first),
            ),
            reservation_id=proposed.pair.reservation_id,
            prompt=self.form.prompt,
            messages=self.form.prompt.fill(first=first, second=second),
            output_tokens_max=self.form.output_tokens_max,
            temperature=TEMPERATURE,
            repair=False,
        )
        reply = await judge.model.request(question, CompareAnswer)
        calls = tuple(call.model_copy(update={"answer": ""}) for call in reply.calls)
        return None if reply.value is None else (
            reply.value.better == "first"
        ) == shown_first, calls


def _may_meet(seen: ReferenceHypothesis, proposed: HypothesisProposed) -> bool:
    return may_appear_with(seen.team, seen.clearances, (proposed.pair.first, proposed.pair.second))
