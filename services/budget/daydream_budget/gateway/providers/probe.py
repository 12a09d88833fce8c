"""Find out what a model at an address can do, by one small paid call.

The caller's `ask` makes each call, corrects it by what refusals teach, and pays for it like for any
other. The question leaves the form of its answer to the schema alone, so an answer in another form
shows that the schema was ignored.
"""

from __future__ import annotations

import json
import time
from collections.abc import Awaitable, Callable
from typing import Any

from daydream_budget.gateway.providers.capabilities import Capabilities
from daydream_budget.gateway.providers.config import ProviderConfig
from daydream_budget.gateway.providers.dialect import Dialect
from daydream_budget.gateway.providers.features import FORMAT
from daydream_budget.gateway.providers.reasoning import (
    ReasoningAllowances,
    is_cut_while_thinking,
    thought_tokens,
)
from daydream_budget.gateway.providers.reply import ProviderReply

PROBE_TOKENS_MAX = 200
PAID_CALLS_MAX = 3
THOUGHT_FACTOR = 4  # the question is simpler than a daydream
ALLOWANCE_MIN = 2048
ROLE = "probe"
Ask = Callable[[dict[str, Any]], Awaitable[ProviderReply]]
SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "tint": {"type": "string", "maxLength": 40},
        "warmth": {"type": "integer", "minimum": 1, "maximum": 10},
    },
    "required": ["tint", "warmth"],
    "additionalProperties": False,
}
IGNORED = "the answer did not follow the schema that was asked for"
QUESTION = "Name a colour of the evening sky and say how warm it is from 1 to 10."


async def probe(ask: Ask, config: ProviderConfig, model: str, dialect: Dialect) -> Capabilities:
    """Ask the model, at most three paid times. `dialect` learns that a schema is ignored.

    An answer that was cut in thought is asked for again, once, since `ask` then gives it more room;
    whether a model never stops thinking shows in a real call. Never raise for what a provider does:
    a `problem` says why there is no answer.
    """
    was_cut = False
    for paid_calls in range(1, PAID_CALLS_MAX + 1):
        reply = await ask(probe_request(model))
        if is_cut_while_thinking(reply) and not was_cut:
            was_cut = True
            continue
        if not _is_schema_ignored(reply, dialect):
            break
        if paid_calls < PAID_CALLS_MAX:
            dialect.refuse(FORMAT + dialect.best_format, IGNORED, time.time())
    return _findings(reply, config, model, dialect).model_copy(update={"paid_calls": paid_calls})


def probe_request(model: str) -> dict[str, Any]:
    """Return the question of the probe, with everything that a stage may ask for."""
    shape = {"name": "colour", "strict": True, "schema": SCHEMA}
    return {
        "model": model,
        "messages": [
            {"role": "system", "content": "You answer briefly."},
            {"role": "user", "content": QUESTION},
        ],
        "max_completion_tokens": PROBE_TOKENS_MAX,
        "temperature": 0.5,
        "seed": 1,
        "logprobs": True,
        "top_logprobs": 2,
        "response_format": {"type": "json_schema", "json_schema": shape},
    }


def follows_schema(text: str) -> bool:
    """Return True if an answer is the object that the schema of the probe asks for."""
    start = text.find("{")
    try:
        answer = json.JSONDecoder().raw_decode(text[start:])[0] if start >= 0 else None
    except ValueError:
        return False
    return isinstance(answer, dict) and {"tint", "warmth"} <= answer.keys()


def _first_allowance(config: ProviderConfig, model: str) -> int:
    fixed = config.reasoning_tokens_max
    return ReasoningAllowances(model, fixed=fixed).for_role(ROLE).tokens


def _is_schema_ignored(reply: ProviderReply, dialect: Dialect) -> bool:
    is_answer = reply.shape == "completion" and reply.finish == "stop"
    return is_answer and dialect.best_format != "text" and not follows_schema(reply.text)


def _findings(
    reply: ProviderReply, config: ProviderConfig, model: str, dialect: Dialect
) -> Capabilities:
    thought = thought_tokens(reply)
    output = reply.usage.output_tokens if reply.usage else 0
    return Capabilities(
        provider=config.name,
        model=model,
        probed_at_s=time.time(),
        problem="" if reply.shape == "completion" else reply.message or reply.shape,
        maximum_name=dialect.maximum_name,
        best_format=dialect.best_format,
        follows_schema=follows_schema(reply.text),
        takes_seed=dialect.takes("seed"),
        takes_temperature=dialect.takes("temperature"),
        returns_logprobs=_has_logprobs(reply),
        streams=dialect.can_stream,
        text_source=reply.text_source,
        thought_source=reply.thought_source or ("think tags" if "<think" in reply.text else ""),
        reports_usage=reply.usage is not None,
        reports_cost=reply.reported_cost_nanousd is not None,
        reasoning_tokens=thought,
        reasoning_share=min(1.0, thought / output) if output else 0.0,
        reasoning_allowance=_allowance(config, model, thought, reply),
    )


def _allowance(config: ProviderConfig, model: str, thought: int, reply: ProviderReply) -> int:
    """Return the allowance to begin with: it is corrected by what answers show."""
    if config.reasoning_tokens_max is not None:
        return config.reasoning_tokens_max
    if is_cut_while_thinking(reply):
        return _first_allowance(config, model)  # more room brought no answer
    seen = max(ALLOWANCE_MIN, THOUGHT_FACTOR * thought) if thought else 0
    return max(seen, _first_allowance(config, model))


def _has_logprobs(reply: ProviderReply) -> bool:
    choices = reply.body.get("choices") or [{}]
    logprobs = choices[0].get("logprobs")
    return isinstance(logprobs, dict) and bool(logprobs.get("content"))
