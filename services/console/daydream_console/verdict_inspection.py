"""Inspect a verdict: rebuild the messages of each call from the verdict and the stored prompts, and
redo the sums.

No model is called. A call carries the digest of the messages as they were sent, so a rebuilt
message is known to be exact or not. It is not exact if a fact was erased since, or if the prompt
contained a similar hypothesis that the memory no longer has.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from nats.js.errors import KeyNotFoundError

from daydream_console.client import Client
from daydream_contracts.buckets import PROMPTS
from daydream_contracts.errors import PermanentError
from daydream_contracts.events import (
    Aggregation,
    HypothesisProposed,
    ModelCall,
    Synthesis,
    VerdictReached,
)
from daydream_contracts.prompt_variables import (
    compare_variables,
    judge_variables,
    judge_with_facts_variables,
    link_after_examples_variables,
    link_variables,
    output_variables,
    refute_variables,
    several_variables,
    shown_together,
    single_fact_variables,
)
from daydream_contracts.rpc import ListVerdicts
from daydream_contracts.topology import MEMORY_VERDICTS
from daydream_models.prompt import Prompt, StoredPrompt, digest_of, repair_messages

Messages = tuple[dict[str, str], ...]
Variables = dict[str, str]
SUM_TOLERANCE = 1e-6
JUDGED_TOGETHER_MAX = 8  # hypotheses in a call


@dataclass(frozen=True)
class InspectedCall:
    """A model call.

    `messages` is None if its prompt is not stored. `exact`: these are the messages that were sent.
    """

    call: ModelCall
    messages: Messages | None
    exact: bool

    def as_json(self) -> dict[str, Any]:
        call = self.call.model_dump(mode="json")
        return {**call, "messages": self.messages, "exact": self.exact}


@dataclass(frozen=True)
class VerdictInspection:
    """A verdict with its calls, the log-odds as summed again, and whether they agree with the
    verdict.
    """

    verdict: VerdictReached
    calls: tuple[InspectedCall, ...]
    log_odds: float | None
    sums_agree: bool

    def as_json(self) -> dict[str, Any]:
        """Return the inspection as JSON values."""
        return {
            "verdict": self.verdict.model_dump(mode="json"),
            "calls": [call.as_json() for call in self.calls],
            "log_odds": self.log_odds,
            "sums_agree": self.sums_agree,
        }


async def inspect_verdict(client: Client, verdict_id: str) -> VerdictInspection:
    """Rebuild the calls and sums of a verdict.

    Raise PermanentError if the memory does not know it.
    """
    verdicts = await _verdicts(client, {verdict_id})
    if not verdicts:
        raise PermanentError(
            "unknown-verdict",
            f"Unknown verdict ID: {verdict_id}",
        )
    (verdict,) = verdicts
    hypothesis = verdict.hypothesis
    related_ids = {comparison.other_verdict_id for comparison in verdict.comparisons}
    related_ids |= {example.verdict_id for example in hypothesis.examples}
    related = await _verdicts(client, related_ids)
    all_calls = (*hypothesis.calls, *verdict.calls)
    prompts = await _prompts(client, {call.prompt.digest for call in all_calls})
    calls = (
        *_rebuild(hypothesis.calls, prompts, _writer_variables(hypothesis, related)),
        *_rebuild(verdict.calls, prompts, list(_critic_variables(verdict, related))),
    )
    aggregation = verdict.aggregation
    log_odds = sum_of(aggregation) if aggregation else None
    stated = aggregation.log_odds if aggregation else None
    unknown = log_odds is None or stated is None
    agree = unknown or math.isclose(log_odds or 0, stated or 0, abs_tol=SUM_TOLERANCE)
    return VerdictInspection(verdict, calls, log_odds, agree)


def sum_of(aggregation: Aggregation) -> float | None:
    """Return the log-odds of the votes, or None if the scores were used as they are."""
    if aggregation.prior is None or aggregation.deflection is None:
        return None
    votes = (vote.weight * (vote.value - vote.base) / vote.scale for vote in aggregation.votes)
    return aggregation.prior + sum(votes) - aggregation.deflection / 2


async def _verdicts(client: Client, verdict_ids: set[str]) -> tuple[VerdictReached, ...]:
    if not verdict_ids:
        return ()
    query = ListVerdicts(verdict_ids=tuple(verdict_ids))
    return (await client.rpc.request(MEMORY_VERDICTS, query)).verdicts


async def _prompts(client: Client, digests: set[str]) -> dict[str, Prompt]:
    """Return the stored prompts by digest."""
    bucket = await client.js.key_value(PROMPTS.name)
    prompts = {}
    for digest in digests:
        try:
            entry = await bucket.get(digest)
        except KeyNotFoundError:
            continue
        prompts[digest] = StoredPrompt.model_validate_json(entry.value or b"").prompt
    return prompts


def _writer_variables(
    hypothesis: HypothesisProposed, related: Sequence[VerdictReached]
) -> list[Variables]:
    """Return the possible variables of the writer's prompt: without examples, and with those that
    it was shown.
    """
    texts = {verdict.verdict_id: verdict.hypothesis.synthesis for verdict in related}
    examples = [
        (example.interesting, synthesis)
        for example in hypothesis.examples
        if (synthesis := texts.get(example.verdict_id)) is not None
    ]
    pair = hypothesis.pair
    return [link_variables(pair), link_after_examples_variables(pair, examples)]


def _critic_variables(
    verdict: VerdictReached, related: Sequence[VerdictReached]
) -> Iterator[Variables]:
    """Yield all variables that a prompt of the critic can have had."""
    synthesis = verdict.hypothesis.synthesis
    if synthesis is None:
        return
    yield judge_variables(synthesis)
    yield judge_with_facts_variables(verdict.hypothesis.pair, synthesis)
    yield output_variables(verdict.hypothesis, synthesis)
    yield from map(several_variables, _judged_together(verdict))
    if verdict.examination is not None:
        pair = verdict.hypothesis.pair
        yield from (single_fact_variables(fact) for fact in (pair.first, pair.second))
        for attempt in range(len(verdict.examination.attempts)):
            yield refute_variables(pair, synthesis, verdict.examination.statements, attempt)
    own = compare_variables(synthesis)
    for other in related:
        other_synthesis = other.hypothesis.synthesis
        if other_synthesis is not None and other.verdict_id != verdict.verdict_id:
            text = compare_variables(other_synthesis)
            yield {"first": own, "second": text}
            yield {"first": text, "second": own}


def _judged_together(verdict: VerdictReached) -> Iterator[Sequence[Synthesis]]:
    """Yield the groups in which the hypothesis may have been judged, alone first."""
    hypothesis = verdict.hypothesis
    if hypothesis.synthesis is None:
        return
    yield [hypothesis.synthesis]
    if hypothesis.together is not None:
        for count_max in range(2, JUDGED_TOGETHER_MAX + 1):
            yield shown_together(hypothesis.pair.pair_id, hypothesis.together, count_max)[0]


def _rebuild(
    calls: tuple[ModelCall, ...], prompts: dict[str, Prompt], candidates: list[Variables]
) -> Iterator[InspectedCall]:
    """Rebuild the messages of each call, from the candidate whose digest matches, if any."""
    previous: ModelCall | None = None
    for call in calls:
        prompt = prompts.get(call.prompt.digest)
        options = _options(prompt, candidates) if prompt else []
        if prompt and call.repair and previous:
            # The answer was cut where the plan said; what is stored is not longer.
            limit = max(1, len(previous.answer.encode()))
            options = [
                repair_messages(messages, previous.answer, prompt.schema, limit, call.problem)
                for messages in options
            ]
        exact = [messages for messages in options if digest_of(messages) == call.messages_digest]
        yield InspectedCall(call, next(iter(exact or options), None), bool(exact))
        previous = call


def _options(prompt: Prompt, candidates: list[Variables]) -> list[Messages]:
    return [
        prompt.fill(**variables)
        for variables in candidates
        if prompt.placeholders == set(variables)
    ]
