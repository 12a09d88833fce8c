"""`/v1/chat/completions`, `/v1/embeddings` and `/v1/models`.

Every request needs a key. A named call (`x-daydream-call`) is paid once, however often it is
repeated. A call without a name is paid each time, and its stream is passed on as it comes.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any
from uuid import uuid4

import nats.errors
from nats.js.errors import APIError
from opentelemetry.trace import Span, Status, StatusCode
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from daydream_budget.gateway.api.requests import chat_body, embedding_body
from daydream_budget.gateway.api.streams import begun, replayed
from daydream_budget.gateway.callers import CallContext, Callers
from daydream_budget.gateway.models import Models
from daydream_budget.gateway.pass_through import PassThrough
from daydream_budget.gateway.providers.provider import CHAT_PATH, EMBEDDINGS_PATH
from daydream_budget.gateway.purchase import Purchases, receipt
from daydream_budget.gateway.refusals import CallRefusedError
from daydream_contracts.gateway_http import DISPOSITION_HEADER, EXTENSION
from daydream_contracts.metrics import gateway as table
from daydream_runtime.span_failures import record_backpressure
from daydream_runtime.telemetry import Attribute, Telemetry

log = logging.getLogger(__name__)
EVENT_STREAM = "text/event-stream"
STORE_RETRY_S = 2.0
WAITING = ("wait", "stop")
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
PATH_CHARS_MAX = 100
Handler = Callable[[Request], Awaitable[Response]]


class ApiRoutes:
    """The routes of one replica."""

    def __init__(
        self,
        callers: Callers,
        models: Models,
        purchases: Purchases,
        pass_through: PassThrough,
        telemetry: Telemetry,
    ) -> None:
        self._callers = callers
        self._models = models
        self._purchases = purchases
        self._pass_through = pass_through
        self._telemetry = telemetry
        self._requests = telemetry.counter(table.HTTP_REQUESTS)
        self._duration_s = telemetry.histogram(table.HTTP_DURATION)

    @property
    def routes(self) -> tuple[Route, ...]:
        """Return the routes for the service's HTTP side."""
        return (
            self._route("/v1/chat/completions", self.chat, "POST"),
            self._route("/v1/embeddings", self.embeddings, "POST"),
            self._route("/v1/models", self.list_models, "GET"),
            self._route("/v1/models/{name:path}", self.find_model, "GET"),
            self._route("/{path:path}", self.no_such_path, *METHODS),
        )

    def _route(self, path: str, handler: Handler, *methods: str) -> Route:
        """Continue the caller's trace, and measure. A wait for a turn or for money is in both."""

        async def answered(request: Request) -> Response:
            started = time.perf_counter()
            with self._telemetry.request_span(f"{request.method} {path}", request.headers) as span:
                try:
                    response, disposition = await handler(request), "ok"
                except Exception as error:
                    refused = _refusal(error)
                    _record_refusal(span, refused)
                    response = JSONResponse(
                        refused.body(), refused.status, headers=refused.headers()
                    )
                    disposition = refused.disposition
                # within the span, which is then the example of its bucket
                self._duration_s.record(time.perf_counter() - started, path)
            self._requests.add(1, disposition)
            return response

        return Route(path, answered, methods=methods)

    async def chat(self, request: Request) -> Response:
        """Answer a chat request, whole or as a stream."""
        caller = await self._callers.context(request.headers)
        body = chat_body(await request.body())
        stream = bool(body.pop("stream", False))
        options = body.pop("stream_options", None) or {}
        wants_usage = bool(options.get("include_usage"))
        if stream and not caller.call_id:
            events = self._pass_through.events(caller, body, wants_usage=wants_usage)
            return StreamingResponse(await begun(events), media_type=EVENT_STREAM)
        answer, headers = await self._buy(caller, CHAT_PATH, body)
        if stream:
            content = b"".join(replayed(answer, usage=wants_usage))
            return Response(content, media_type=EVENT_STREAM, headers=headers)
        return JSONResponse(answer, headers=headers)

    async def embeddings(self, request: Request) -> Response:
        """Return the vectors of some texts."""
        caller = await self._callers.context(request.headers)
        body = embedding_body(await request.body())
        unnamed = replace(caller, call_id="")  # vectors are too large to be stored
        answer, headers = await self._buy(unnamed, EMBEDDINGS_PATH, body)
        return JSONResponse(answer, headers=headers)

    async def list_models(self, request: Request) -> Response:
        """List the models that the providers offer, as far as they say so."""
        await self._callers.context(request.headers)
        data = [_described(*offered) for offered in await self._models.offered()]
        return JSONResponse({"object": "list", "data": data})

    async def find_model(self, request: Request) -> Response:
        """Describe a model that can be asked. No provider is asked."""
        await self._callers.context(request.headers)
        model = self._models.served(request.path_params["name"])
        return JSONResponse(_described(model.name, model.provider.config.name))

    async def no_such_path(self, request: Request) -> Response:
        """Refuse a path or method that is none of the routes. It comes last among them."""
        text = f"there is no {request.method} {request.url.path[:PATH_CHARS_MAX]} here"
        raise CallRefusedError(404, "not_found", text, "reject")

    async def _buy(
        self, caller: CallContext, path: str, body: dict[str, Any]
    ) -> tuple[dict[str, Any], dict[str, str]]:
        """Return the body of an answer, with its receipt, and its headers."""
        if caller.call_id:
            answer = await self._purchases.answer(caller, path, body)
        else:
            answer = await self._pass_through.answer(caller, path, body)
        content = {**answer.body, EXTENSION: receipt(caller, answer)}
        return content, {DISPOSITION_HEADER: answer.disposition}


def _described(name: str, provider: str) -> dict[str, Any]:
    return {"id": name, "object": "model", "created": 0, "owned_by": provider}


def _refusal(error: Exception) -> CallRefusedError:
    """Return the answer to a caller for an error."""
    match error:
        case CallRefusedError():
            return error
        case nats.errors.Error() | APIError() | ConnectionError() | TimeoutError():
            text = f"the gateway's store does not answer ({type(error).__name__})"
            return CallRefusedError(503, "store_unavailable", text, "wait", STORE_RETRY_S)
    number = uuid4().hex[:8]
    log.error("A request failed by a bug of the gateway. Number: %s", number, exc_info=error)
    text = f"the gateway has a bug; its log names it under {number}"
    return CallRefusedError(500, "bug", text, "retry")


def _record_refusal(span: Span, refused: CallRefusedError) -> None:
    """Mark the span as failed, unless the caller waits for money, a provider or a person."""
    if refused.disposition in WAITING:
        record_backpressure(span, refused.code)
    elif span.is_recording():
        span.set_attribute(Attribute.ERROR, refused.code)
        span.set_status(Status(StatusCode.ERROR, refused.code))
