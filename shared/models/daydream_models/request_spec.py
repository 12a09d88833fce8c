"""How a stage asks in each size of a plan: prompt, limits of the answer, repair or not.

The pair says which size its reservation was opened for (`reservations.SIZES`).
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from daydream_contracts.rpc import Quote
from daydream_models.prompt import (
    BYTES_PER_TOKEN,
    FENCE_BYTES,
    PROBLEM_BYTES_MAX,
    REPAIR,
    Prompt,
)
from daydream_models.stage_plans import FULL, StageCost

FENCES_MAX = 8  # of untrusted texts in one prompt
REQUEST_MESSAGES = 2
REPAIR_MESSAGES = 4
TOKENS_PER_MESSAGE = 16  # more than any known chat template puts around a message
USUAL_OUTPUT_SHARE = 4  # an answer usually has a quarter of its maximum (measured: 420 of 2,270)


@dataclass(frozen=True)
class RequestSpec:
    """A prompt with its limits.

    `text_bytes_max` bounds the variables other than the pair's facts. `facts` is how often both
    facts are in the prompt.
    """

    prompt: Prompt
    output_tokens_max: int
    text_bytes_max: int = 0
    facts: int = 0
    repair: bool = True


RequestSpecs = Mapping[str, RequestSpec]


def request_spec_of(specs: RequestSpecs, size: str) -> RequestSpec:
    """Return the spec of a size, or the full one (for which the reservation may have to grow)."""
    return specs.get(size, specs[FULL])


def stage_cost(spec: RequestSpec, quote: Quote) -> StageCost:
    """Return what a request costs: at most, with its repair if it has one, and usually."""
    text_bytes = spec.prompt.fixed_bytes + spec.text_bytes_max + FENCES_MAX * FENCE_BYTES
    output_max = spec.output_tokens_max + quote.reasoning_tokens
    fixed = _bound(quote, text_bytes, REQUEST_MESSAGES, output_max)
    if spec.repair:
        answer_bytes = BYTES_PER_TOKEN * spec.output_tokens_max
        schema_bytes = len(json.dumps(spec.prompt.schema))
        further = answer_bytes + PROBLEM_BYTES_MAX + len(REPAIR) + schema_bytes
        fixed += _bound(quote, text_bytes + further, REPAIR_MESSAGES, output_max)
    return StageCost(
        fixed_nanousd=fixed,
        nanousd_per_fact_byte=(1 + spec.repair) * spec.facts * quote.input_token_nanousd,
        expected_fixed_nanousd=_expected(spec, quote, text_bytes),
        expected_nanousd_per_fact_byte=-(
            -spec.facts * quote.input_token_nanousd // BYTES_PER_TOKEN
        ),
    )


def _bound(quote: Quote, text_bytes: int, messages: int, output_tokens: int) -> int:
    """Return the maximum cost of a request: a token is at least one byte."""
    input_tokens = text_bytes + TOKENS_PER_MESSAGE * (messages + 1)
    return (
        quote.call_nanousd
        + input_tokens * quote.input_token_nanousd
        + output_tokens * quote.output_token_nanousd
    )


def usual_nanousd(spec: RequestSpec, quote: Quote, messages: Sequence[Mapping[str, str]]) -> int:
    """Return what a request with these messages usually costs, without a repair.

    Unlike the plan's, it counts the bytes that are sent, not their maximum.
    """
    schema_bytes = len(json.dumps(spec.prompt.schema)) if spec.prompt.schema else 0
    text_bytes = sum(len(message["content"].encode()) for message in messages)
    return _expected(spec, quote, text_bytes + schema_bytes)


def _expected(spec: RequestSpec, quote: Quote, text_bytes: int) -> int:
    """Return what a request without a repair usually costs, before there is any experience."""
    output_tokens = spec.output_tokens_max // USUAL_OUTPUT_SHARE + quote.reasoning_tokens
    return (
        quote.call_nanousd
        + text_bytes // BYTES_PER_TOKEN * quote.input_token_nanousd
        + output_tokens * quote.output_token_nanousd
    )
