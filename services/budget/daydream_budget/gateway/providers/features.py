"""Features of a request that a provider may refuse, and how refusals name them.

A feature is a string: a parameter (`seed`), a response format (`response_format:json_schema`), a
keyword of its schema (`schema:maxLength`) or a role (`role:system`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

FORMAT: Final = "response_format:"
SCHEMA: Final = "schema:"
ROLE: Final = "role:"

MAXIMUM_NAMES = ("max_completion_tokens", "max_tokens")
# Parameters without which the same question is still asked. None that changes its meaning.
DROPPABLE = (
    "logprobs",
    "top_logprobs",
    "seed",
    "reasoning_effort",
    "temperature",
    "top_p",
    "frequency_penalty",
    "presence_penalty",
    "service_tier",
    "parallel_tool_calls",
    "prompt_cache_key",
    "prompt_cache_retention",
    "safety_identifier",
    "user",
    "metadata",
    "store",
    "verbosity",
    "stream_options",
)
# A feature that means nothing without another one goes with it.
GOES_WITH = {"logprobs": ("top_logprobs",), "stream": ("stream_options",)}
# The order in which features are given up that a refusal does not name.
UNNAMED_ORDER = (
    "logprobs",
    "seed",
    "service_tier",
    "reasoning_effort",
    "temperature",
    "response_format:json_schema",
)
OTHER_NAMES = {
    "reasoning_effort": ("reasoning effort", "thinking", "reasoning.effort"),
    "response_format": ("response format", "structured output", "json mode", "output_config"),
    "logprobs": ("log probabilities", "logprob"),
    "stream": ("streaming", "stream this model"),
    "service_tier": ("service tier",),
}
REFUSING = re.compile(
    r"unsupported|unrecognized|unrecognised|unknown|unavailable|unimplemented|deprecated"
    r"|not (?:\w+ ){0,2}(?:support|permit|allow|enable|available|accept|implement|recogni)"
    r"|n['’]t (?:support|accept|allow)|cannot (?:find field|be used)|extra (?:inputs|fields)"
    r"|unexpected (?:keyword )?(?:argument|parameter|field)|enabled only|only the default"
    r"|no longer|must be verified|cannot both be specified"
    r"|invalid (?:parameter|argument)|grammar",
    re.IGNORECASE,
)
REFUSING_SURELY = re.compile(
    r"unsupported|not (?:\w+ ){0,2}(?:support|permit|allow|enable|handle)|grammar"
    r"|can handle the requested parameters",
    re.IGNORECASE,
)
SCHEMA_PROBLEM = re.compile(r"schema|grammar|xgrammar|guided", re.IGNORECASE)
ROLE_PROBLEM = re.compile(
    r"(?:'|\")?(system|developer)(?:'|\")?[ _-]*(?:role|message|instruction|prompt)"
    r"|role['\"]? does not support '(system|developer)'",
    re.IGNORECASE,
)


PLAIN_WORDS = frozenset({"user", "store", "metadata"})  # they count in quotes only
# A schema that uses these is the caller's affair: giving them up would change its meaning.
STRUCTURE = ("oneOf", "anyOf", "allOf", "$ref", "$defs", "patternProperties", "propertyNames")


def names_of(feature: str) -> tuple[str, ...]:
    """Return the spellings of a parameter: as it is, in camel case, and other words for it."""
    first, *others = feature.split("_")
    camel = first + "".join(part.title() for part in others)
    return (feature, camel, *OTHER_NAMES.get(feature, ()))


def is_named(feature: str, words: str) -> bool:
    """Return True if a text names a parameter, and not only as part of another name."""
    edges = (r"['\"`]", r"['\"`]") if feature in PLAIN_WORDS else (r"(?<![\w.])", r"(?!\w)")
    return any(
        re.search(edges[0] + re.escape(name) + edges[1], words, re.IGNORECASE)
        for name in names_of(feature)
    )


def format_of(body: Mapping[str, Any]) -> str:
    """Return the type of the response format that a request asks for; empty: none."""
    wanted = body.get("response_format")
    kind = wanted.get("type") if isinstance(wanted, Mapping) else ""
    return kind if isinstance(kind, str) else ""


def roles_of(body: Mapping[str, Any]) -> frozenset[str]:
    """Return the roles of the messages of a request."""
    messages = body.get("messages")
    return frozenset(
        str(message.get("role"))
        for message in (messages if isinstance(messages, list) else ())
        if isinstance(message, Mapping)
    )


def is_sent(feature: str, body: Mapping[str, Any]) -> bool:
    """Return True if a request has a feature."""
    if feature.startswith(FORMAT):
        return format_of(body) == feature.removeprefix(FORMAT)
    if feature.startswith(ROLE):
        return feature.removeprefix(ROLE) in roles_of(body)
    return body.get(feature) is not None
