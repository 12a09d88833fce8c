"""Find out what a refusal refuses: by the parameter that it names, by its code, by its words.

The wordings are those of public reports; `tests/unit/budget/gateway/test_refusals.py` has them.
A refusal of a value (`temperature must be at most 2`) is the caller's mistake and teaches nothing,
except where the value is one that the gateway chose: the maximum of tokens, `top_logprobs`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from daydream_budget.gateway.providers.features import (
    DROPPABLE,
    FORMAT,
    GOES_WITH,
    MAXIMUM_NAMES,
    REFUSING,
    REFUSING_SURELY,
    ROLE,
    ROLE_PROBLEM,
    SCHEMA,
    SCHEMA_PROBLEM,
    STRUCTURE,
    UNNAMED_ORDER,
    format_of,
    is_named,
    is_sent,
    roles_of,
)
from daydream_budget.gateway.providers.reply import ProviderReply
from daydream_budget.gateway.providers.response_schemas import keywords_in, schema_of

REFUSAL_STATUSES = frozenset({400, 403, 404, 416, 422, 500, 501})
# These have many other reasons: their words have to say that something is not supported.
UNSURE_STATUSES = frozenset({403, 404, 500, 501})
UNSUPPORTED_CODES = frozenset(
    {"unsupported_parameter", "unsupported_value", "unknown_parameter", "extra_forbidden"}
)
UNNAMED_WORDS = ("requested parameters", "unsupported parameter", "extra inputs")
CAPPED = (*MAXIMUM_NAMES, "top_logprobs")
_CAPS = (
    r"at most (\d+)",
    r"(?:less than or equal to|<=|no more than|not exceed|up to|maximum (?:of|value (?:of|is)))"
    r"\s*[`'\"]?(\d+)",
    r"\[\s*\d+\s*,\s*(\d+)\s*\]",  # DeepSeek: the valid range of max_tokens is [1, 8192]
    r"\d+ > (\d+), which is the maximum",  # Anthropic
    r"between \d+ and (\d+)",
)
_CONTEXT = re.compile(r"\(\d+ > (\d+) - (\d+)\)")  # vLLM: what the prompt leaves of the context


@dataclass(frozen=True)
class RefusedFeatures:
    """What a provider refuses: features, or a value above `cap` of the parameter `capped`.

    `is_for_call`: the cap follows from this prompt and holds for this call only.
    """

    features: tuple[str, ...] = ()
    capped: str = ""
    cap: int = 0
    is_for_call: bool = False


def refused_features(reply: ProviderReply, sent: Mapping[str, Any]) -> RefusedFeatures | None:
    """Return what an answer refuses of the request that was sent, or None."""
    if reply.status not in REFUSAL_STATUSES or not (reply.message or reply.param):
        return None
    capped = _cap(reply, sent)
    if capped:
        return capped
    if not _is_refusing(reply) or _is_about_structure(reply, sent):
        return None
    features = next((named for named in _candidates(reply, sent) if named), ())
    return RefusedFeatures(_with_dependents(features, sent)) if features else None


def _is_refusing(reply: ProviderReply) -> bool:
    if reply.status in UNSURE_STATUSES:
        return bool(REFUSING_SURELY.search(reply.message))
    by_code = reply.code.lower() in UNSUPPORTED_CODES
    return by_code or bool(REFUSING.search(reply.message)) or _is_format_wish(reply.message)


def _candidates(reply: ProviderReply, sent: Mapping[str, Any]) -> Iterator[tuple[str, ...]]:
    """Yield what may be meant, the surest first."""
    yield _role(reply, sent)
    yield _schema(reply, sent)
    yield _by_param(reply.param, sent)
    yield _by_words(reply.message, sent)
    yield _unnamed(reply, sent)


def _role(reply: ProviderReply, sent: Mapping[str, Any]) -> tuple[str, ...]:
    match = ROLE_PROBLEM.search(reply.message)
    named = (match[1] or match[2]).lower() if match else ""
    sent_roles = [role for role in ("system", "developer") if role in roles_of(sent)]
    if not named or not sent_roles:
        return ()
    return (ROLE + (named if named in sent_roles else sent_roles[0]),)


def _schema(reply: ProviderReply, sent: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the keywords that the words name, else all that the schema has, else the format."""
    schema = schema_of(sent)
    if schema is None:
        return ()
    used = sorted(keywords_in(schema))
    named = [word for word in used if is_named(word, reply.message) or _snake(word, reply.message)]
    if named:
        return tuple(SCHEMA + word for word in named)
    about_format = is_named("response_format", reply.message) and not _is_about_schema(reply)
    if about_format or not SCHEMA_PROBLEM.search(reply.message.replace("json_schema", "")):
        return ()
    return tuple(SCHEMA + word for word in used) or (f"{FORMAT}json_schema",)


def _is_about_structure(reply: ProviderReply, sent: Mapping[str, Any]) -> bool:
    return schema_of(sent) is not None and any(word in reply.message for word in STRUCTURE)


def _is_about_schema(reply: ProviderReply) -> bool:
    return bool(re.search(r"invalid schema|in context=", reply.message, re.IGNORECASE))


def _snake(word: str, message: str) -> bool:
    return re.sub(r"([A-Z])", r"_\1", word).lower() in message


def _by_param(param: str, sent: Mapping[str, Any]) -> tuple[str, ...]:
    name = re.split(r"[.\[]", param)[0]
    return _features(name, sent) if name else ()


def _by_words(message: str, sent: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the first sent parameter that the words name."""
    if _is_format_wish(message):
        return _features("response_format", sent)
    for name in (*MAXIMUM_NAMES, "stream_options", "stream", *DROPPABLE, "response_format"):
        if is_named(name, message) and (features := _features(name, sent)):
            return features
    return ()


def _features(name: str, sent: Mapping[str, Any]) -> tuple[str, ...]:
    if name == "response_format":
        kind = format_of(sent)
        return (FORMAT + kind,) if kind in ("json_schema", "json_object") else ()
    known = name in DROPPABLE or name in MAXIMUM_NAMES or name == "stream"
    return (name,) if known and is_sent(name, sent) else ()


def _unnamed(reply: ProviderReply, sent: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the next feature to give up where only "the requested parameters" are refused."""
    if not any(phrase in reply.message.lower() for phrase in UNNAMED_WORDS):
        return ()
    return next(((feature,) for feature in UNNAMED_ORDER if is_sent(feature, sent)), ())


def _is_format_wish(message: str) -> bool:
    """Return True for LM Studio's "'response_format.type' must be 'json_schema' or 'text'"."""
    return bool(re.search(r"response_format\.type\W+must be", message))


def _with_dependents(features: tuple[str, ...], sent: Mapping[str, Any]) -> tuple[str, ...]:
    dependents = (name for feature in features for name in GOES_WITH.get(feature, ()))
    return (*features, *(name for name in dependents if is_sent(name, sent)))


def _cap(reply: ProviderReply, sent: Mapping[str, Any]) -> RefusedFeatures | None:
    name = next(
        (
            name
            for name in CAPPED
            if is_sent(name, sent) and (name == reply.param or is_named(name, reply.message))
        ),
        "",
    )
    if not name or not isinstance(sent[name], int):
        return None
    context = _CONTEXT.search(reply.message)
    if context:
        cap = int(context[1]) - int(context[2])
        return RefusedFeatures((), name, cap, is_for_call=True) if cap > 0 else None
    for pattern in _CAPS:
        match = re.search(pattern, reply.message, re.IGNORECASE)
        if match and 0 < int(match[1][:9]) < sent[name]:
            return RefusedFeatures((), name, int(match[1][:9]))
    return None
