"""Quirks of real providers for the fake one: refusals in their words, thought, costs, filters."""

from __future__ import annotations

import json

from support.fake_answers import (
    THOUGHT_TOKENS,
    FakeCall,
    FakeReply,
    behaviour,
    completion,
    error,
    right,
    tokens,
)


@behaviour("max-completion-tokens")
def max_completion_tokens(call: FakeCall) -> FakeReply:
    """OpenAI's reasoning models: the other name of the maximum, and one temperature."""
    if "max_tokens" in call.request:
        words = "'max_tokens' is not supported with this model. Use 'max_completion_tokens'"
        return error(
            400,
            f"Unsupported parameter: {words} instead.",
            param="max_tokens",
            code="unsupported_parameter",
        )
    if call.request.get("temperature", 1) != 1:
        words = "'temperature' does not support 0.5 with this model. Only the default (1) value is"
        return error(
            400,
            f"Unsupported value: {words} supported.",
            param="temperature",
            code="unsupported_value",
        )
    return right(call)


@behaviour("old-azure")
def old_azure(call: FakeCall) -> FakeReply:
    """A deployment that needs its API version and knows neither the new name nor schemas."""
    if "api-version" not in call.query:
        return error(404, "Resource not found", code="404")
    if "max_completion_tokens" in call.request:
        words = "Unrecognized request argument supplied: max_completion_tokens"
        return error(400, words)
    if call.format == "json_schema":
        words = "response_format value as json_schema is enabled only for api versions 2024-08-01"
        return error(400, f"{words}-preview and later", code="BadRequest")
    return right(call)


@behaviour("no-json-schema")
def no_json_schema(call: FakeCall) -> FakeReply:
    """DeepSeek."""
    if call.format == "json_schema":
        return error(400, "This response_format type is unavailable now")
    return right(call)


@behaviour("text-only")
def text_only(call: FakeCall) -> FakeReply:
    """No response format at all."""
    if call.format:
        return error(400, f"response_format '{call.format}' is not supported by this server")
    return right(call)


@behaviour("no-seed")
def no_seed(call: FakeCall) -> FakeReply:
    """Gemini: the error is in a list."""
    if "seed" not in call.request:
        return right(call)
    words = 'Invalid JSON payload received. Unknown name "seed": Cannot find field.'
    fields = {"code": 400, "message": words, "status": "INVALID_ARGUMENT"}
    return FakeReply(400, [{"error": fields}])


@behaviour("mistral")
def mistral(call: FakeCall) -> FakeReply:
    """422 with pydantic's problems for whatever it does not know."""
    known = {"model", "messages", "max_tokens", "temperature", "response_format", "stream"}
    unknown = sorted(set(call.request) - known)
    if not unknown:
        return right(call)
    problem = {
        "type": "extra_forbidden",
        "loc": ["body", unknown[0]],
        "msg": "Extra inputs are not permitted",
        "input": call.request[unknown[0]],
    }
    body = {"object": "error", "message": {"detail": [problem]}, "param": None, "code": None}
    return FakeReply(422, body | {"type": "invalid_request_error"})


@behaviour("thinks")
def thinks(call: FakeCall) -> FakeReply:
    """Thought counts into the maximum; where that is too small, nothing is said."""
    need = THOUGHT_TOKENS + tokens(call.text)
    is_cut = need > call.limit
    details = {"reasoning_tokens": call.limit if is_cut else THOUGHT_TOKENS}
    return completion(
        call,
        "" if is_cut else call.text,
        finish="length" if is_cut else "stop",
        spent=min(need, call.limit),
        completion_tokens_details=details,
    )


@behaviour("draft-in-thoughts")
def draft_in_thoughts(call: FakeCall) -> FakeReply:
    """Cut off while it thinks; the thoughts hold a draft that is then rejected."""
    thought = f"Draft: {call.text} Hmm, that draft is wrong, I should start again and"
    message = {"reasoning_content": thought}
    return completion(call, None, message=message, finish="length", spent=call.limit)


@behaviour("schema-ignored")
def schema_ignored(call: FakeCall) -> FakeReply:
    """200 with prose where a schema is asked for; a schema in the prompt is followed."""
    if call.format == "json_schema":
        return completion(call, "Orange, and rather warm.")
    return right(call)


@behaviour("error-in-200")
def error_in_200(call: FakeCall) -> FakeReply:
    """OpenRouter: every second call is a 200 with an error 429 inside."""
    if call.number % 2 == 0:
        return right(call)
    inside = {"message": "Provider returned error", "code": 429}
    return FakeReply(200, {"id": None, "choices": None, "usage": None, "error": inside})


@behaviour("out-of-balance")
def out_of_balance(call: FakeCall) -> FakeReply:
    return error(402, "Insufficient Balance")


@behaviour("timeout-408")
def timeout_408(call: FakeCall) -> FakeReply:
    """Every second call."""
    if call.number % 2:
        return error(408, "Request timed out. Please retry.", code="timeout")
    return right(call)


@behaviour("overloaded-529")
def overloaded_529(call: FakeCall) -> FakeReply:
    return error(529, "Overloaded", code="overloaded_error")


@behaviour("quota")
def quota(call: FakeCall) -> FakeReply:
    words = "You exceeded your current quota, please check your plan and billing details."
    return error(429, words, code="insufficient_quota")


@behaviour("bad-key")
def bad_key(call: FakeCall) -> FakeReply:
    """401 that quotes the key, as some providers do."""
    return error(401, f"Incorrect API key provided: {call.query['key']}", code="invalid_api_key")


@behaviour("redirect")
def redirect(call: FakeCall) -> FakeReply:
    """A redirect to another address, which must not get the key."""
    return FakeReply(307, b"", headers={"location": "/elsewhere/v1/batches"})


@behaviour("no-such-model")
def no_such_model(call: FakeCall) -> FakeReply:
    words = f"The model `{call.request['model']}` does not exist or you have no access to it."
    return error(404, words, code="model_not_found")


@behaviour("clipped-prompt")
def clipped_prompt(call: FakeCall) -> FakeReply:
    """Only 128 tokens of any prompt are read."""
    return completion(call, call.text, prompt_tokens=128)


@behaviour("blanks")
def blanks(call: FakeCall) -> FakeReply:
    """White space until the maximum."""
    text = "{" + " \n" * (call.limit * 2)
    return completion(call, text, finish="length", spent=call.limit)


@behaviour("stutters")
def stutters(call: FakeCall) -> FakeReply:
    """One line until the maximum."""
    line = "And so the tide comes in again.\n"
    text = line * (call.limit * 4 // len(line) + 1)
    return completion(call, text, finish="length", spent=call.limit)


@behaviour("content-filter")
def content_filter(call: FakeCall) -> FakeReply:
    """Azure, for the prompt."""
    words = "The response was filtered due to the content management policy."
    return error(400, words, param="prompt", code="content_filter")


@behaviour("same-answer")
def same_answer(call: FakeCall) -> FakeReply:
    """Whatever the prompt is, the answer is the same."""
    return completion(call, json.dumps({"tint": "grey", "warmth": 1}))


@behaviour("reported-cost")
def reported_cost(call: FakeCall) -> FakeReply:
    """`usage.cost` names a price that is higher than the list's."""
    reply = completion(call, call.text, cost=0.0123)
    return FakeReply(200, reply.body, billed_nanousd=12_300_000)


@behaviour("failed")
def failed(call: FakeCall) -> FakeReply:
    return error(500, "The server had an error while processing your request.")


@behaviour("bad-gateway")
def bad_gateway(call: FakeCall) -> FakeReply:
    """A proxy's 502 after the model has answered: billed, although no answer comes."""
    page = b"<html><head><title>502 Bad Gateway</title></head></html>"
    return FakeReply(502, page, right(call).billed_nanousd)


@behaviour("half-characters")
def half_characters(call: FakeCall) -> FakeReply:
    """Halves of characters: two that a stream parts (16 to a piece), and one that is alone."""
    return completion(call, "fifteen letters\ud83d\ude00 and \ud800.", spent=12)
