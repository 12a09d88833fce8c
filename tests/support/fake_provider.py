"""A fake provider of models on loopback, with its own log and bill: the witness of real calls.

    python -m support.fake_provider --port 0 --log FILE     prints its address

`/v1/chat/completions` answers as `POST /control` says; `/<behaviour>/v1/chat/completions` as the
behaviour says. The log is written before each answer, line by line, so it outlives a kill.

    GET  /log       every line of the log            GET /billed   what it counted and billed
    POST /control   {"behaviour": "plain", "latency_s": 0, "tokens_per_s": 0, "drip_s": 1,
                     "limit": {"kind": "window", "calls": 60, "seconds": 60},
                     "outage": {"status": 529, "seconds": 600},
                     "stream": {"usage": {"cost": 0}, "error": {"code": 429}, "pieces": 0}}

A stream reports the `usage` that `stream` names, none for null; with `error` it ends in that after
a number of `pieces`. `/<behaviour>/v1/files` and `…/batches` answer as the behaviour says, too.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import json
import time
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any, Self

from aiohttp import web

from support import fake_quirks
from support.batch_endpoint import Batches
from support.endpoint import DIMENSIONS, INPUT_NANOUSD, words_as_vector
from support.fake_answers import (
    BEHAVIOURS,
    FakeCall,
    FakeReply,
    error,
    right,
    tokens,
)
from support.fake_limits import limit_of

HOUR_S = 3600.0
PIECE_CHARS = 16  # of a streamed answer: about four tokens
BODY_BYTES_MAX = 64 * 2**20
MODELS = ("priced-1", "priced-2")
assert fake_quirks.__doc__  # the import registers its behaviours


def log_key(body: Mapping[str, Any]) -> str:
    """Return what the log calls a request. The same question has the same key."""
    question = json.dumps([body["messages"], body.get("seed")])
    return hashlib.sha256(question.encode()).hexdigest()[:16]


class FakeBill:
    """What was asked, answered and billed."""

    def __init__(self, log: Path | None = None) -> None:
        self.lines: list[dict[str, Any]] = []
        self.totals = {"calls": 0, "answered": 0, "refused": 0, "gone": 0, "billed_nanousd": 0}
        self.asked: dict[str, int] = {}  # how often the same question reached the model
        self._file = log.open("a", encoding="utf-8") if log else None

    def write(self, event: str, **fields: Any) -> None:
        """Write a line of the log."""
        line = {"at": time.time(), "event": event, **fields}
        self.lines.append(line)
        if self._file:
            self._file.write(json.dumps(line) + "\n")
            self._file.flush()

    def bill(self, key: str, reply: FakeReply, behaviour: str = "") -> None:
        """Count an answer before it is sent: it is billed even if the client is gone.

        The line names the behaviour too: the first question is the same for each (a probe).
        """
        if reply.billed_nanousd:
            self.asked[key] = self.asked.get(key, 0) + 1
            self.totals["billed_nanousd"] += reply.billed_nanousd
        else:
            self.totals["refused"] += 1
        amounts = {"status": reply.status, "billed_nanousd": reply.billed_nanousd}
        self.write("billed", key=key, behaviour=behaviour, **amounts)


class FakeProvider:
    """The server, in this process: `async with FakeProvider() as fake`."""

    def __init__(self, log: Path | None = None) -> None:
        self.bill = FakeBill(log)
        self.calls: dict[str, int] = {}
        self.requests: list[dict[str, Any]] = []
        self.paths: list[str] = []  # of requests to the batch API
        self.peers: set[object] = set()  # one for each connection that brought a call
        self.control: dict[str, Any] = {}
        self.in_progress = 0
        self.in_progress_max = 0
        self.drip_s, self.latency_s, self.late_s = 1.0, 0.0, HOUR_S
        self.url = ""
        self._limit = limit_of(None)
        self._outage_ends_s = 0.0
        self._batches = Batches(self._batched, self._book_batched)
        self._runner = web.AppRunner(self._app(), handle_signals=False, shutdown_timeout=0.1)

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._runner.cleanup()

    async def start(self, port: int = 0) -> None:
        """Listen, on any free port for 0."""
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", port)
        await site.start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"

    def base_url(self, behaviour: str = "") -> str:
        """Return the base URL of a behaviour."""
        return f"{self.url}/{behaviour}/v1" if behaviour else f"{self.url}/v1"

    def tell(self, **control: Any) -> None:
        """Change how it answers from now on, as `POST /control` does."""
        self.control = control
        self.drip_s = control.get("drip_s", 1.0)
        self.latency_s = control.get("latency_s", 0.0)
        self._limit = limit_of(control.get("limit"))
        outage = control.get("outage") or {}
        self._outage_ends_s = time.monotonic() + outage.get("seconds", 0.0)

    def _app(self) -> web.Application:
        app = web.Application(client_max_size=BODY_BYTES_MAX)
        app.router.add_get("/log", self._get_log)
        app.router.add_get("/billed", self._get_billed)
        app.router.add_post("/control", self._post_control)
        for root in ("", "/{behaviour}"):
            app.router.add_get(root + "/v1/models", self._get_models)
            app.router.add_post(root + "/v1/chat/completions", self._complete)
            app.router.add_post(root + "/v1/embeddings", self._embed)
            files, batches = f"{root}/v1/files", f"{root}/v1/batches"
            app.router.add_post(files, partial(self._batch_api, self._upload))
            app.router.add_get(
                f"{files}/{{name}}/content", partial(self._batch_api, self._get_file)
            )
            app.router.add_post(batches, partial(self._batch_api, self._create_batch))
            app.router.add_get(batches, partial(self._batch_api, self._get_batches))
            app.router.add_get(f"{batches}/{{name}}", partial(self._batch_api, self._get_batch))
        return app

    async def _get_log(self, _: web.Request) -> web.Response:
        return web.json_response(self.bill.lines)

    async def _get_billed(self, _: web.Request) -> web.Response:
        repeated = {key: count for key, count in self.bill.asked.items() if count > 1}
        peak = {"in_progress_max": self.in_progress_max}
        return web.json_response({**self.bill.totals, **peak, "repeated": repeated})

    async def _post_control(self, request: web.Request) -> web.Response:
        self.tell(**await request.json())
        return web.json_response({})

    async def _get_models(self, request: web.Request) -> web.Response:
        other = request.match_info.get("behaviour") == "no-such-model"
        names = ("another-model",) if other else MODELS
        return web.json_response({"object": "list", "data": [{"id": name} for name in names]})

    async def _complete(self, request: web.Request) -> web.StreamResponse:
        name = request.match_info.get("behaviour") or self.control.get("behaviour", "plain")
        body = await request.json()
        self.requests.append(body)
        if request.transport is not None:
            self.peers.add(request.transport.get_extra_info("peername"))
        self.calls[name] = self.calls.get(name, 0) + 1
        self.bill.totals["calls"] += 1
        key = log_key(body)
        self.bill.write("start", key=key, behaviour=name, call=self.calls[name])
        self.in_progress += 1
        self.in_progress_max = max(self.in_progress, self.in_progress_max)
        try:
            reply = self._refused() or await self._answer(name, body, request)
            self.bill.bill(key, reply, name)
            return await self._send(request, reply, is_stream=bool(body.get("stream")))
        except (ConnectionError, asyncio.CancelledError) as error:
            self.bill.totals["gone"] += 1
            self.bill.write("gone", key=key)
            if isinstance(error, asyncio.CancelledError):
                raise
            return web.Response()  # unread: the client closed the connection
        finally:
            self.in_progress -= 1

    def _refused(self) -> FakeReply | None:
        if time.monotonic() < self._outage_ends_s:
            return error(self.control["outage"].get("status", 529), "Overloaded")
        wait_s = self._limit.wait_s() if self._limit else 0.0
        if wait_s > 0:
            return error(429, "Rate limit reached", retry_after=f"{wait_s:.3f}")
        return None

    async def _answer(self, name: str, body: dict[str, Any], request: web.Request) -> FakeReply:
        if name not in BEHAVIOURS:
            return error(404, f"There is nothing at {request.path}")
        if self.latency_s:
            await asyncio.sleep(self.latency_s)
        key = request.headers.get("authorization", "").removeprefix("Bearer ")
        return BEHAVIOURS[name](FakeCall(body, self.calls[name], {**request.query, "key": key}))

    async def _send(
        self, request: web.Request, reply: FakeReply, *, is_stream: bool
    ) -> web.StreamResponse:
        data = reply.body if isinstance(reply.body, bytes) else json.dumps(reply.body).encode()
        kind = "text/html" if data.startswith(b"<") else "application/json"
        headers = {"content-type": kind, **reply.headers}
        if is_stream and _is_streamable(reply):
            return await self._stream(request, reply.body)
        if reply.how == "whole":
            self.bill.totals["answered"] += 1
            return web.Response(status=reply.status, body=data, headers=headers)
        if reply.how == "late-headers":
            await asyncio.sleep(self.late_s)
        return await self._badly(request, reply, data, headers)

    async def _badly(
        self, request: web.Request, reply: FakeReply, data: bytes, headers: dict[str, str]
    ) -> web.StreamResponse:
        response = web.StreamResponse(status=reply.status, headers=headers)
        response.content_length = len(data)
        await response.prepare(request)
        if reply.how == "drop":
            await response.write(data[: len(data) // 2])
            assert request.transport is not None
            request.transport.close()
            return response
        for byte in data:
            await response.write(bytes([byte]))
            await asyncio.sleep(self.drip_s)
        return response

    async def _stream(self, request: web.Request, body: dict[str, Any]) -> web.StreamResponse:
        response = web.StreamResponse(headers={"content-type": "text/event-stream"})
        await response.prepare(request)
        common = {"id": body["id"], "object": "chat.completion.chunk", "model": body["model"]}
        pause_s = 4 / self.control["tokens_per_s"] if self.control.get("tokens_per_s") else 0.0
        script = self.control.get("stream") or {}
        pieces = _pieces(body["choices"][0])
        if "error" in script:
            pieces = pieces[: script.get("pieces", 0)]
        for sent, choice in enumerate(pieces):
            event = {**common, "choices": [choice]}
            await response.write(b"data: " + json.dumps(event).encode() + b"\n\n")
            self.bill.totals["pieces"] = sent + 1
            await asyncio.sleep(pause_s)
        if "error" in script:
            await response.write(
                b"data: " + json.dumps({"error": script["error"]}).encode() + b"\n\n"
            )
        reported = script.get("usage", {})
        if body.get("usage") and reported is not None and "error" not in script:
            event = {**common, "choices": [], "usage": {**body["usage"], **reported}}
            await response.write(b"data: " + json.dumps(event).encode() + b"\n\n")
        await response.write(b"data: [DONE]\n\n")
        self.bill.totals["answered"] += 1
        return response

    async def _embed(self, request: web.Request) -> web.StreamResponse:
        body = await request.json()
        self.bill.totals["calls"] += 1
        refused = self._refused()
        texts = [body["input"]] if isinstance(body["input"], str) else body["input"]
        length = body.get("dimensions") or DIMENSIONS
        rows = [
            {"object": "embedding", "index": at, "embedding": words_as_vector(str(text), length)}
            for at, text in enumerate(texts)
        ]
        count = sum(tokens(text) if isinstance(text, str) else len(text) for text in texts)
        answer = {
            "object": "list",
            "model": body["model"],
            "data": rows,
            "usage": {"prompt_tokens": count, "total_tokens": count},
        }
        reply = refused or FakeReply(200, answer, count * INPUT_NANOUSD)
        self.bill.bill(f"embedding-{self.bill.totals['calls']}", reply)
        return await self._send(request, reply, is_stream=False)

    def _batched(self, body: dict[str, Any]) -> tuple[dict[str, Any], int]:
        reply = right(FakeCall(body, len(self.bill.lines)))
        return reply.body, reply.billed_nanousd

    def _book_batched(self, key: str, cost_nanousd: int, answer_id: str) -> None:
        self.bill.bill(key, FakeReply(200, {"id": answer_id}, cost_nanousd))

    async def _batch_api(
        self, handler: Callable[[web.Request], Awaitable[web.Response]], request: web.Request
    ) -> web.StreamResponse:
        self.paths.append(request.path)
        name = request.match_info.get("behaviour", "")
        if name not in BEHAVIOURS:
            return await handler(request)
        await request.read()
        question = {"model": MODELS[0], "messages": [{"role": "user", "content": ""}]}
        self.calls[name] = self.calls.get(name, 0) + 1
        return await self._send(
            request, await self._answer(name, question, request), is_stream=False
        )

    async def _upload(self, request: web.Request) -> web.Response:
        return web.json_response(self._batches.upload(await request.read()))

    async def _get_file(self, request: web.Request) -> web.Response:
        return web.Response(text=self._batches.files[request.match_info["name"]])

    async def _create_batch(self, request: web.Request) -> web.Response:
        made = self._batches.create(await request.json(), self.control.get("batch") or {})
        return web.json_response(made)

    async def _get_batches(self, _: web.Request) -> web.Response:
        listed = list(self._batches.batches.values())
        return web.json_response({"object": "list", "data": listed, "has_more": False})

    async def _get_batch(self, request: web.Request) -> web.Response:
        batch = self._batches.look(request.match_info["name"], self.control.get("batch") or {})
        return web.json_response(batch or {"error": {"message": "no such batch"}})


def _pieces(choice: dict[str, Any]) -> list[dict[str, Any]]:
    """Split a choice into the deltas of a stream."""
    message = choice["message"]
    deltas: list[dict[str, Any]] = [{"role": "assistant"}]
    for name in ("reasoning_content", "reasoning", "content"):
        text = message.get(name)
        if isinstance(text, str):
            parts = range(0, len(text), PIECE_CHARS)
            deltas += [{name: text[start : start + PIECE_CHARS]} for start in parts]
        elif text:
            deltas.append({name: text})
    pieces = [{"index": 0, "delta": delta, "finish_reason": None} for delta in deltas]
    return [*pieces, {"index": 0, "delta": {}, "finish_reason": choice["finish_reason"]}]


def _is_streamable(reply: FakeReply) -> bool:
    """Return True for a completion that is sent well; all else is sent as without a stream."""
    choices: list[Any] = reply.body.get("choices") or [] if isinstance(reply.body, dict) else []
    has_messages = all(isinstance(choice["message"], dict) for choice in choices)
    return reply.how == "whole" and bool(choices) and has_messages


async def serve(port: int, log: Path | None) -> None:
    """Serve until the process is killed."""
    fake = FakeProvider(log)
    await fake.start(port)
    print(fake.url, flush=True)
    await asyncio.Event().wait()


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--log", type=Path)
    options = parser.parse_args()
    asyncio.run(serve(options.port, options.log))


if __name__ == "__main__":
    main()
