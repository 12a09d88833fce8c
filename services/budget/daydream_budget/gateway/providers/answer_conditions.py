"""Conditions of the table of answers: each says in its docstring which answers it matches."""

from __future__ import annotations

from daydream_budget.gateway.providers.reply import ProviderReply

QUOTA_CODES = frozenset(
    {
        "insufficient_quota",
        "insufficient_balance",
        "billing_hard_limit_reached",
        "billing_not_active",
        "credit_limit_reached",
        "quota_exceeded",
    }
)
# "exceeded your current quota" is not among them: Gemini says it of its limits per minute too
QUOTA_WORDS = ("insufficient balance", "insufficient credit", "credit balance is too low")
MODEL_CODES = frozenset({"model_not_found", "deploymentnotfound", "invalid_model", "unknown_model"})
FILTER_CODES = frozenset(
    {
        "content_filter",
        "content_policy_violation",
        "responsibleaipolicyviolation",
        "data_inspection_failed",
        "moderation_blocked",
    }
)
FILTER_WORDS = ("content management policy", "input was flagged", "requires moderation")
LENGTH_CODES = frozenset(
    {"context_length_exceeded", "string_above_max_length", "request_too_large"}
)
LENGTH_WORDS = (
    "maximum context length",
    "context window",
    "exceeds the available context size",
    "prompt is too long",
    "input is too long",
    "reduce the length of the messages",
)
DIALECT_CODES = frozenset({"unsupported_parameter", "unsupported_value", "unknown_parameter"})
BROKEN_FINISHES = frozenset({"error", "insufficient_system_resource"})
TRY_AGAIN = frozenset({408, 409, 425, 499})
OVERLOADED = frozenset({503, 529})


def not_sent(reply: ProviderReply) -> bool:
    """Match no connection to the provider: refused, no such host, no trusted certificate."""
    return reply.shape == "not-sent"


def too_slow(reply: ProviderReply) -> bool:
    """Match the wall-clock limit around an attempt."""
    return reply.shape == "too-slow"


def broke_off(reply: ProviderReply) -> bool:
    """Match a connection that ended before the answer did, or an answer that is too large."""
    return reply.shape == "broke-off"


def runaway(reply: ProviderReply) -> bool:
    """Match an answer that repeats white space, a line or a token until it is stopped."""
    return reply.is_runaway


def page(reply: ProviderReply) -> bool:
    """Match a web page with status 200, such as a sign-in page, or an address without `/v1`."""
    return reply.is_200("html")


def truncated(reply: ProviderReply) -> bool:
    """Match a 200 whose body is no JSON, or JSON that is cut off."""
    return reply.is_200("text")


def without_choices(reply: ProviderReply) -> bool:
    """Match a 200 with JSON that is no answer: a list, no choices, a message that is a string."""
    return reply.is_200("other")


def unnamed_error(reply: ProviderReply) -> bool:
    """Match an error inside a 200 that names no status."""
    return reply.is_error_in_200


def redirect(reply: ProviderReply) -> bool:
    """Match a redirect, which is not followed: the key would go to another address."""
    return 300 <= reply.status < 400


def quota(reply: ProviderReply) -> bool:
    """Match an exhausted quota or balance: `insufficient_quota` and the like, whatever status."""
    return _is_failure(reply) and (reply.code.lower() in QUOTA_CODES or _says(reply, QUOTA_WORDS))


def no_balance(reply: ProviderReply) -> bool:
    """Match 402."""
    return reply.status == 402


def filtered(reply: ProviderReply) -> bool:
    """Match a prompt that a content filter refused."""
    return _is_failure(reply) and (reply.code.lower() in FILTER_CODES or _says(reply, FILTER_WORDS))


def key_refused(reply: ProviderReply) -> bool:
    """Match 401 and 403."""
    return reply.status in (401, 403)


def no_such_model(reply: ProviderReply) -> bool:
    """Match 404 with an error body, and `model_not_found` with any status."""
    by_code = _is_failure(reply) and reply.code.lower() in MODEL_CODES
    return by_code or (reply.status == 404 and reply.shape == "error")


def no_such_path(reply: ProviderReply) -> bool:
    """Match 404 without an error body, and 405: there is no such API at this address."""
    return reply.status in (404, 405)


def busy(reply: ProviderReply) -> bool:
    """Match 429."""
    return reply.status == 429


def too_long(reply: ProviderReply) -> bool:
    """Match 413 and a prompt longer than the context of the model."""
    by_words = _is_client_error(reply) and _says(reply, LENGTH_WORDS)
    return reply.status == 413 or by_words or reply.code.lower() in LENGTH_CODES


def wrong_dialect(reply: ProviderReply) -> bool:
    """Match a refused parameter for which no correction is known. A stage's model is stopped."""
    return _is_client_error(reply) and reply.code.lower() in DIALECT_CODES


def try_again(reply: ProviderReply) -> bool:
    """Match 408, 409, 425 and 499."""
    return reply.status in TRY_AGAIN


def refused(reply: ProviderReply) -> bool:
    """Match any other 4xx."""
    return _is_client_error(reply)


def overloaded(reply: ProviderReply) -> bool:
    """Match 503 and 529."""
    return reply.status in OVERLOADED


def failed(reply: ProviderReply) -> bool:
    """Match any other failure with an error body."""
    return _is_failure(reply) and reply.shape == "error"


def failed_without_body(reply: ProviderReply) -> bool:
    """Match any other failure without an error body, such as the 502 of a proxy."""
    return _is_failure(reply)


def broken_answer(reply: ProviderReply) -> bool:
    """Match an answer that the provider itself calls broken (finish reason `error`)."""
    return reply.finish in BROKEN_FINISHES


def filtered_answer(reply: ProviderReply) -> bool:
    """Match an answer that a content filter ended."""
    return reply.finish == "content_filter"


def refusal(reply: ProviderReply) -> bool:
    """Match a model that declines: `refusal` is set and there is no other text."""
    return bool(reply.refusal) and not reply.text.strip()


def cut(reply: ProviderReply) -> bool:
    """Match an answer that reached the maximum of its tokens."""
    return reply.finish == "length"


def empty(reply: ProviderReply) -> bool:
    """Match an answer without text and without tool calls."""
    return reply.shape == "completion" and not (reply.text.strip() or reply.has_tool_calls)


def answer(reply: ProviderReply) -> bool:
    """Match text or tool calls."""
    return reply.shape == "completion"


def vectors(reply: ProviderReply) -> bool:
    """Match embeddings."""
    return reply.shape == "embeddings"


def _is_failure(reply: ProviderReply) -> bool:
    return reply.status != 200


def _is_client_error(reply: ProviderReply) -> bool:
    return 400 <= reply.status < 500


def _says(reply: ProviderReply, phrases: tuple[str, ...]) -> bool:
    words = reply.message.lower()
    return any(phrase in words for phrase in phrases)
