"""A verdict once more: the messages of each call, made again from the verdict and the kept prompts, the answers, and the arithmetic, done again.

Nothing is called. A call carries the digest of the messages as they were sent, so it is seen whether what was made again is exactly that. It is not where a
fact was erased since, or a prompt was filled with a neighbour that memory no longer has.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from nats.js.errors import KeyNotFoundError

from daydream_console.client import Client
from daydream_contracts.errors import PermanentError
from daydream_contracts.events import Aggregation, HypothesisProposed, ModelCall, VerdictReached
from daydream_contracts.prompts import (
    compare_variables,
    judge_variables,
    link_after_examples_variables,
    link_variables,
    refute_variables,
    single_fact_variables,
)
from daydream_contracts.rpc import ListVerdicts
from daydream_contracts.topology import MEMORY_INSIGHTS, PROMPTS
from daydream_models.prompt import Prompt, StoredPrompt, digest_of, repair_messages

Messages = tuple[dict[str, str], ...]
CLOSE = 1e-6


@dataclass(frozen=True)
class InspectedCall:
    """A call. `messages` None: its prompt is not kept. `exact`: they are what was sent."""

    call: ModelCall
    messages: Messages | None
    exact: bool


@dataclass(frozen=True)
class VerdictInspection:
    """A verdict with its calls and sums. `log_odds`: done again from the votes; `sums_agree`: with what the verdict says."""

    verdict: VerdictReached
    calls: tuple[InspectedCall, ...]
    log_odds: float | None
    sums_agree: bool

    def as_data(self) -> dict[str, Any]:
        """For programs."""
        return {
            "verdict": self.verdict.model_dump(mode="json"),
            "calls": [
                {**one.call.model_dump(mode="json"), "messages": one.messages, "exact": one.exact}
                for one in self.calls
            ],
            "log_odds": self.log_odds,
            "sums_agree": self.sums_agree,
        }


async def inspect_verdict(client: Client, verdict_id: str) -> VerdictInspection:
    """Raises Permanent for a verdict that memory does not know."""
    page = await client.ask(MEMORY_INSIGHTS, ListVerdicts(verdict_ids=(verdict_id,)))
    if not page.verdicts:
        raise PermanentError(
            "unknown-verdict",
            f"nobody knows a verdict {verdict_id}; daydream insights --all --json lists them",
        )
    (verdict,) = page.verdicts
    others = {one.other_verdict_id for one in verdict.comparisons} | {
        one.verdict_id for one in verdict.hypothesis.examples
    }
    neighbours = await client.ask(
        MEMORY_INSIGHTS, ListVerdicts(verdict_ids=tuple(others) or (verdict_id,))
    )
    prompts = await _prompts(
        client, {call.prompt.digest for call in (*verdict.hypothesis.calls, *verdict.calls)}
    )
    fills = list(_fills(verdict, neighbours.verdicts))
    calls = (
        *_calls(verdict.hypothesis.calls, prompts, _links(verdict.hypothesis, neighbours.verdicts)),
        *_calls(verdict.calls, prompts, fills),
    )
    log_odds = sum_of(verdict.aggregation) if verdict.aggregation else None
    said = verdict.aggregation.log_odds if verdict.aggregation else None
    agree = log_odds is None or said is None or math.isclose(log_odds, said, abs_tol=CLOSE)
    return VerdictInspection(verdict, tuple(calls), log_odds, agree)


def sum_of(aggregation: Aggregation) -> float | None:
    """The log-odds of the votes; None where scores were taken as they are."""
    if aggregation.prior is None or aggregation.deflection is None:
        return None
    return (
        aggregation.prior
        + sum(vote.weight * (vote.value - vote.base) / vote.scale for vote in aggregation.votes)
        - aggregation.deflection / 2
    )


async def _prompts(client: Client, digests: set[str]) -> dict[str, Prompt]:
    bucket = await client.js.key_value(PROMPTS.name)
    found = {}
    for digest in digests:
        try:
            found[digest] = StoredPrompt.model_validate_json(
                (await bucket.get(digest)).value or b""
            ).prompt
        except KeyNotFoundError:
            continue
    return found


def _links(
    proposed: HypothesisProposed, others: tuple[VerdictReached, ...]
) -> list[dict[str, str]]:
    """What the writer's prompt was filled with: without examples, or after those that it was shown."""
    texts = {one.verdict_id: one.hypothesis.synthesis for one in others}
    examples = [
        (one.interesting, synthesis)
        for one in proposed.examples
        if (synthesis := texts.get(one.verdict_id)) is not None
    ]
    return [link_variables(proposed.pair), link_after_examples_variables(proposed.pair, examples)]


def _fills(
    verdict: VerdictReached, neighbours: tuple[VerdictReached, ...]
) -> Iterator[dict[str, str]]:
    """All that a prompt of the critic may have been filled with."""
    synthesis = verdict.hypothesis.synthesis
    if synthesis is None:
        return
    yield judge_variables(synthesis)
    if verdict.examination is not None:
        pair = verdict.hypothesis.pair
        yield from (single_fact_variables(fact) for fact in (pair.first, pair.second))
        yield from (
            refute_variables(pair, synthesis, verdict.examination.statements, attempt)
            for attempt in range(len(verdict.examination.attempts))
        )
    own = compare_variables(synthesis)
    for other in neighbours:
        if other.hypothesis.synthesis is not None and other.verdict_id != verdict.verdict_id:
            text = compare_variables(other.hypothesis.synthesis)
            yield {"first": own, "second": text}
            yield {"first": text, "second": own}


def _calls(
    calls: tuple[ModelCall, ...], prompts: dict[str, Prompt], fills: list[dict[str, str]]
) -> Iterator[InspectedCall]:
    before: ModelCall | None = None
    for call in calls:
        prompt = prompts.get(call.prompt.digest)
        fitting = (
            [prompt.fill(**fill) for fill in fills if prompt.placeholders == set(fill)]
            if prompt
            else []
        )
        if prompt and call.repair and before:
            limit = max(
                1, len(before.answer.encode())
            )  # the answer was cut where the plan said; what is kept is not longer
            fitting = [
                repair_messages(messages, before.answer, prompt.schema, limit)
                for messages in fitting
            ]
        exact = [messages for messages in fitting if digest_of(messages) == call.messages_digest]
        yield InspectedCall(call, next(iter(exact or fitting), None), bool(exact))
        before = call
