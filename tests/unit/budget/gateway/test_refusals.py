"""Refusals in the words of real servers, from public reports, teach what is not taken."""

from __future__ import annotations

import json
from typing import Any

import pytest

from daydream_budget.gateway.providers.refused_features import refused_features
from support.provider_replies import completion, error, reply_to

SCHEMA = {
    "type": "object",
    "properties": {
        "text": {"type": "string", "maxLength": 40},
        "items": {"type": "array", "minItems": 8, "items": {"type": "integer"}},
    },
    "required": ["text", "items"],
    "additionalProperties": False,
}
SENT: dict[str, Any] = {
    "model": "m",
    "messages": [{"role": "system", "content": "s"}, {"role": "user", "content": "u"}],
    "max_tokens": 500,
    "max_completion_tokens": 500,
    "temperature": 0.5,
    "seed": 1,
    "logprobs": True,
    "top_logprobs": 10,
    "reasoning_effort": "low",
    "presence_penalty": 0,
    "service_tier": "flex",
    "user": "lab",
    "stream": True,
    "stream_options": {"include_usage": True},
    "response_format": {
        "type": "json_schema",
        "json_schema": {"name": "answer", "schema": SCHEMA},
    },
}
FORMAT = "response_format:json_schema"
ALL_KEYWORDS = ("schema:additionalProperties", "schema:maxLength", "schema:minItems")


def problem(*location: str) -> dict[str, Any]:
    return {"type": "extra_forbidden", "loc": ["body", *location], "msg": "Extra inputs are not"}


def gemini(message: str) -> list[dict[str, Any]]:
    return [error(message, code=400, status="INVALID_ARGUMENT")]


REFUSALS: list[tuple[str, int, Any, tuple[str, ...]]] = [
    (
        "OpenAI",
        400,
        error(
            "Unsupported parameter: 'max_tokens' is not supported with this model. Use "
            "'max_completion_tokens' instead.",
            param="max_tokens",
            code="unsupported_parameter",
        ),
        ("max_tokens",),
    ),
    (
        "OpenAI",
        400,
        error(
            "Unsupported value: 'temperature' does not support 0.5 with this model. Only the "
            "default (1) value is supported.",
            param="temperature",
            code="unsupported_value",
        ),
        ("temperature",),
    ),
    (
        "OpenAI",
        400,
        error(
            "Your organization must be verified to stream this model.",
            param="stream",
            code="unsupported_value",
        ),
        ("stream", "stream_options"),
    ),
    (
        "OpenAI o1-mini",
        400,
        error(
            "Unsupported value: 'messages[0].role' does not support 'system' with this model.",
            param="messages[0].role",
            code="unsupported_value",
        ),
        ("role:system",),
    ),
    (
        "OpenAI strict mode",
        400,
        error(
            "Invalid schema for response_format 'answer': In context=('properties', 'text'), "
            "'maxLength' is not permitted.",
            param="response_format",
        ),
        ("schema:maxLength",),
    ),
    (
        "OpenAI",
        403,
        error("You are not allowed to request logprobs from this model"),
        ("logprobs", "top_logprobs"),
    ),
    (
        "Azure",
        400,
        error(
            "response_format value as json_schema is enabled only for api versions "
            "2024-08-01-preview and later",
            code="BadRequest",
        ),
        (FORMAT,),
    ),
    (
        "Azure, older models",
        400,
        error("Unrecognized request argument supplied: max_completion_tokens"),
        ("max_completion_tokens",),
    ),
    ("DeepSeek", 400, error("This response_format type is unavailable now"), (FORMAT,)),
    (
        "DeepSeek reasoner",
        400,
        error("deepseek-reasoner does not support the parameter `logprobs`"),
        ("logprobs", "top_logprobs"),
    ),
    (
        "Gemini",
        400,
        gemini('Invalid JSON payload received. Unknown name "seed": Cannot find field.'),
        ("seed",),
    ),
    (
        "Gemini",
        400,
        gemini("Logprobs is not enabled for models/gemini-2.5-pro"),
        ("logprobs", "top_logprobs"),
    ),
    (
        "Gemini",
        400,
        gemini("Developer instruction is not enabled for models/gemma-3"),
        ("role:system",),
    ),
    (
        "Mistral",
        422,
        {
            "object": "error",
            "message": {"detail": [problem("max_completion_tokens")]},
            "type": "invalid_request_error",
        },
        ("max_completion_tokens",),
    ),
    (
        "vLLM",
        400,
        {
            "object": "error",
            "message": "[{'type': 'extra_forbidden', 'loc': ('body', 'service_tier'), 'msg': "
            "'Extra inputs are not permitted', 'input': 'flex'}]",
            "type": "BadRequestError",
            "param": None,
            "code": 400,
        },
        ("service_tier",),
    ),
    (
        "vLLM",
        400,
        error("The provided JSON schema contains features not supported by xgrammar."),
        ALL_KEYWORDS,
    ),
    ("vLLM", 500, error('Grammar error: Unimplemented keys: ["minItems"]'), ("schema:minItems",)),
    (
        "vLLM for Gaudi",
        400,
        error(
            "Gaudi doesn't support logprobs. Please remove 'logprobs'/'top_logprobs' from your "
            "request to receive a response.",
            type="BadRequestError",
        ),
        ("logprobs", "top_logprobs"),
    ),
    (
        "Anthropic",
        400,
        error(
            "output_config.format.schema: For 'array' type, 'minItems' values other than 0 or 1"
            " are not supported"
        ),
        ("schema:minItems",),
    ),
    (
        "Vertex",
        501,
        error("one or more response schemas specified unsupported field max_length"),
        ("schema:maxLength",),
    ),
    (
        "xAI",
        400,
        {
            "code": "Client specified an invalid argument",
            "error": "Argument not supported on this model: presencePenalty",
        },
        ("presence_penalty",),
    ),
    (
        "xAI",
        400,
        {
            "code": "invalid-argument",
            "error": "Model grok-4 does not support parameter reasoningEffort.",
        },
        ("reasoning_effort",),
    ),
    (
        "Groq",
        400,
        error("`logprobs` is not supported with this model"),
        ("logprobs", "top_logprobs"),
    ),
    (
        "Groq",
        400,
        error("This model does not support response format `json_schema`."),
        (FORMAT,),
    ),
    ("Ollama", 400, error('"llama3.2" does not support thinking'), ("reasoning_effort",)),
    ("llama.cpp", 400, error("Failed to parse grammar"), ALL_KEYWORDS),
    (
        "OpenRouter",
        404,
        error("No endpoints found that can handle the requested parameters.", code=404),
        ("logprobs", "top_logprobs"),
    ),
    (
        "OpenRouter",
        400,
        error(
            "Provider returned error",
            code=400,
            metadata={
                "raw": json.dumps(
                    error("stream is not supported", param="stream", code="unsupported_value")
                )
            },
        ),
        ("stream", "stream_options"),
    ),
    ("a chat template", 400, error("System role not supported"), ("role:system",)),
    (
        "an older OpenAI server",
        400,
        error("Unknown parameter: 'stream_options'."),
        ("stream_options",),
    ),
]


@pytest.mark.parametrize(("server", "status", "body", "features"), REFUSALS)
def test_a_refusal_says_what_is_not_taken(
    server: str, status: int, body: Any, features: tuple[str, ...]
) -> None:
    refusal = refused_features(reply_to(status, body), SENT)
    assert refusal is not None, server
    assert refusal.features == features


def test_lm_studio_wants_another_response_format() -> None:
    reply = reply_to(400, {"error": "'response_format.type' must be 'json_schema' or 'text'"})
    sent = {**SENT, "response_format": {"type": "json_object"}}
    refusal = refused_features(reply, sent)
    assert refusal is not None
    assert refusal.features == ("response_format:json_object",)


@pytest.mark.parametrize(
    ("message", "name", "cap", "is_for_call"),
    [
        (
            "max_tokens is too large: 500. This model supports at most 96 completion tokens, "
            "whereas you provided 500.",
            "max_tokens",
            96,
            False,
        ),
        (
            "Invalid max_tokens value, the valid range of max_tokens is [1, 81]",
            "max_tokens",
            81,
            False,
        ),
        ("max_tokens: 500 > 64, which is the maximum allowed number", "max_tokens", 64, False),
        ("`max_tokens` must be less than or equal to `96`", "max_tokens", 96, False),
        (
            "The parameter `max_completion_tokens` specified in the request are not valid: integer "
            "above maximum value, expected a value <= 128, but got 500 instead",
            "max_completion_tokens",
            128,
            False,
        ),
        (
            "'max_tokens' or 'max_completion_tokens' is too large: 500. This model's maximum "
            "context length is 901 tokens and your request has 600 input tokens (500 > 901 - 600).",
            "max_completion_tokens",
            301,
            True,
        ),
        ("Invalid 'top_logprobs': must be less than or equal to 5", "top_logprobs", 5, False),
    ],
)
def test_a_maximum_that_is_too_large_says_the_largest(
    message: str, name: str, cap: int, *, is_for_call: bool
) -> None:
    refusal = refused_features(reply_to(400, error(message)), SENT)
    assert refusal is not None
    assert (refusal.capped, refusal.cap, refusal.is_for_call) == (name, cap, is_for_call)


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (400, error("Invalid 'temperature': must be at most 2", param="temperature")),
        (400, error("'messages' must contain the word 'json' in some form")),
        (400, error("Unexpected role 'user' after role 'user'")),
        (400, error("Invalid schema for response_format 'answer': 'oneOf' is not permitted")),
        (
            400,
            error(
                "Invalid schema for response_format 'answer': In context=(), 'required' is "
                "required to be supplied and to be an array including every key in properties."
            ),
        ),
        (401, error("Your key does not support seed")),
        (404, error("The model does not exist or is not available")),
        (429, error("temperature is not supported while we are busy")),
        (500, error("Unexpected error while the seed was read")),
        (200, completion("seed is not supported")),
        (400, b""),
    ],
)
def test_other_answers_teach_nothing(status: int, body: Any) -> None:
    assert refused_features(reply_to(status, body), SENT) is None


def test_what_was_not_sent_cannot_be_refused() -> None:
    reply = reply_to(400, error("Unknown parameter: 'seed'.", param="seed"))
    assert refused_features(reply, {"model": "m", "messages": []}) is None
