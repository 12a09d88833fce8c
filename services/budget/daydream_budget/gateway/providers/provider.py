"""One attempt at a provider: nothing that a provider does raises an exception here.

The wall-clock limit covers connecting, headers and body: a client's own timeout counts from read
to read, so that a body of one byte a second never ends. The size of an answer is limited too.
The key is in no text that leaves this module.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import aiohttp

from daydream_budget.gateway.providers.clipped import is_prompt_clipped
from daydream_budget.gateway.providers.config import ProviderConfig
from daydream_budget.gateway.providers.http_client import new_client
from daydream_budget.gateway.providers.read_reply import OK, completion_reply, read_reply
from daydream_budget.gateway.providers.reply import ProviderReply, Shape, shorten
from daydream_budget.gateway.providers.server_events import DONE, StreamedCompletion, event_of

CHAT_PATH = "/chat/completions"
EMBEDDINGS_PATH = "/embeddings"
MODELS_PATH = "/models"
BODY_BYTES_MAX = 16 * 2**20
VECTORS_BYTES_MAX = 128 * 2**20  # 2,048 vectors of 3,072 numbers
FILE_BYTES_MAX = 512 * 2**20  # the answers of a batch of 10,000 calls
FILE_BYTES_PER_S = 256 * 2**10  # a file may take a second more for each of these
MODELS_MAX = 10_000
DRAIN_S = 0.2
DRAIN_BYTES_MAX = 4096
SECRET_CHARS_MIN = 6  # a shorter key would redact half of every text
REDACTED = b"[redacted]"
CALL_ERRORS = (aiohttp.ClientError, OSError, TimeoutError, ValueError)
# Failures before a request was sent. The others may have been billed.
NOT_SENT_ERRORS = (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError)


class AnswerTooLargeError(aiohttp.ClientError):
    """Says that a body went over its limit."""


@dataclass(frozen=True)
class FileUpload:
    """A file for a provider's API of files."""

    name: str
    content: bytes
    purpose: str

    def form(self) -> aiohttp.FormData:
        """Return the form that carries it, which can be sent once."""
        form = aiohttp.FormData()
        form.add_field("purpose", self.purpose)
        kind = "application/octet-stream"
        form.add_field("file", self.content, filename=self.name, content_type=kind)
        return form


class Provider:
    """A provider's address, key and connections. Nothing else in the gateway knows the key."""

    def __init__(self, config: ProviderConfig) -> None:
        self.config = config
        self._client: aiohttp.ClientSession | None = None
        self._secrets = [
            secret.encode() for secret in config.secrets() if len(secret) >= SECRET_CHARS_MIN
        ]

    async def close(self) -> None:
        """Close the connections."""
        if self._client is not None:
            await self._client.close()

    async def attempt(self, path: str, body: Mapping[str, Any]) -> ProviderReply:
        """Send a request and read the whole answer.

        With `stream` in the body the answer is read as a stream, and broken off if it repeats
        itself; the reply is the same as without.
        """
        try:
            async with asyncio.timeout(self.config.timeout_s):
                async with self._post(path, body) as response:
                    if body.get("stream") and _is_stream(response):
                        reply = await self._assembled(response)
                    else:
                        reply = await self._read(response, _bytes_max(path))
        except CALL_ERRORS as error:
            return self._failed(error)
        return replace(reply, is_prompt_clipped=is_prompt_clipped(reply, body))

    async def stream(self, body: Mapping[str, Any]) -> AsyncGenerator[bytes | ProviderReply, None]:
        """Yield the lines of a streamed answer, redacted.

        A `ProviderReply` comes in place of the lines where the answer is no stream, or after them
        where it broke.
        """
        # The limit is around each wait and not around the loop: it must not cancel the code of the
        # caller, which handles a line meanwhile.
        deadline_s = asyncio.get_running_loop().time() + self.config.timeout_s
        response: aiohttp.ClientResponse | None = None
        try:
            async with asyncio.timeout_at(deadline_s):
                response = await self._post(CHAT_PATH, {**body, "stream": True})
            if not _is_stream(response):
                async with asyncio.timeout_at(deadline_s):
                    reply = await self._read(response, BODY_BYTES_MAX)
                yield reply
                return
            lines = self._lines(response)
            while True:
                async with asyncio.timeout_at(deadline_s):
                    line = await anext(lines, None)
                if line is None:
                    return
                is_last = event_of(line) == DONE
                if is_last:
                    await _drain(response)
                yield line
                if is_last:
                    return
        except CALL_ERRORS as error:
            yield self._failed(error)
        finally:
            if response is not None:
                response.close()

    async def models(self) -> tuple[list[str], ProviderReply]:
        """Return the names of the provider's models, and its answer. This costs nothing.

        The list is empty if the provider does not list its models.
        """
        raw = await self.fetch("GET", MODELS_PATH, bytes_max=VECTORS_BYTES_MAX)
        reply = raw if isinstance(raw, ProviderReply) else read_reply(200, {}, raw)
        rows = reply.body.get("data") or reply.body.get("models")
        names = [
            str(row.get("id") or row.get("name")).removeprefix("models/")
            for row in (rows if isinstance(rows, list) else [])[:MODELS_MAX]
            if isinstance(row, Mapping)
        ]
        return names, reply

    async def fetch(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        body: Mapping[str, Any] | None = None,
        upload: FileUpload | None = None,
        bytes_max: int = FILE_BYTES_MAX,
    ) -> bytes | ProviderReply:
        """Make a request that is no model call. Return what came with a 2xx, redacted.

        A `ProviderReply` comes instead where it failed. The limits are those of an attempt, and a
        file, sent or received, has a second more for each `FILE_BYTES_PER_S` bytes of it.
        """
        url = self.config.address.url(path, {**self.config.query, **(query or {})})
        form = upload.form() if upload else None
        limit_s = self.config.timeout_s
        limit_s += len(upload.content) / FILE_BYTES_PER_S if upload else 0.0
        deadline_s = asyncio.get_running_loop().time() + limit_s
        try:
            async with (
                asyncio.timeout_at(deadline_s) as limit,
                self._connected().request(
                    method, url, json=body, data=form, allow_redirects=False
                ) as response,
            ):
                raw = bytearray()
                async for part in _parts(response, bytes_max):
                    raw += part
                    limit.reschedule(deadline_s + len(raw) / FILE_BYTES_PER_S)
                if response.status in OK:
                    return self._redacted(bytes(raw))
                return read_reply(response.status, _headers(response), self._redacted(bytes(raw)))
        except CALL_ERRORS as error:
            return self._failed(error)

    def _connected(self) -> aiohttp.ClientSession:
        if self._client is None:
            self._client = new_client(self.config)
        return self._client

    def _post(self, path: str, body: Mapping[str, Any]) -> Any:
        data = json.dumps(body, separators=(",", ":")).encode()
        headers = {"content-type": "application/json"}
        return self._connected().post(
            self.config.url(path), data=data, headers=headers, allow_redirects=False
        )

    async def _read(self, response: aiohttp.ClientResponse, bytes_max: int) -> ProviderReply:
        raw = b"".join([part async for part in _parts(response, bytes_max)])
        return read_reply(response.status, _headers(response), self._redacted(raw))

    async def _assembled(self, response: aiohttp.ClientResponse) -> ProviderReply:
        completion = StreamedCompletion()
        async for line in self._lines(response):
            data = event_of(line)
            if data is not None:
                completion.add(data)
            if completion.is_done:
                await _drain(response)
                break
            if completion.is_runaway:
                response.close()  # the provider stops writing, and billing
                break
        return reply_of_stream(completion)

    async def _lines(self, response: aiohttp.ClientResponse) -> AsyncIterator[bytes]:
        total = 0
        async for line in response.content:
            total += len(line)
            if total > BODY_BYTES_MAX:
                raise AnswerTooLargeError(f"the answer is larger than {BODY_BYTES_MAX} bytes")
            yield self._redacted(line.rstrip(b"\r\n"))

    def _redacted(self, raw: bytes) -> bytes:
        for secret in self._secrets:
            raw = raw.replace(secret, REDACTED)
        return raw

    def _failed(self, error: BaseException) -> ProviderReply:
        """Return what an exception means: nothing was sent, the time was up, or it broke off."""
        words = self._redacted(shorten(str(error) or type(error).__name__).encode()).decode()
        shape: Shape = "broke-off"
        if isinstance(error, NOT_SENT_ERRORS):
            shape, words = "not-sent", f"no connection to the provider: {words}"
        elif isinstance(error, TimeoutError):
            shape, words = "too-slow", f"no whole answer within {self.config.timeout_s:g} s"
        else:
            words = f"the call broke off: {words}"
        return ProviderReply(0, shape, message=words)


def _is_stream(response: aiohttp.ClientResponse) -> bool:
    return response.status == 200 and "event-stream" in response.headers.get("content-type", "")


async def _drain(response: aiohttp.ClientResponse) -> None:
    """Wait a moment for the end of a stream that is done, so that its connection is used again."""
    with contextlib.suppress(TimeoutError, aiohttp.ClientError):
        async with asyncio.timeout(DRAIN_S):
            await response.content.read(DRAIN_BYTES_MAX)


def reply_of_stream(completion: StreamedCompletion) -> ProviderReply:
    """Return what a stream has brought, as if it had come whole. It has ended, or was cut."""
    if completion.has_failed and completion.error is not None:
        return _as_reply(completion.error)
    body = completion.body()
    reply = _as_reply(body) if completion.has_escapes else completion_reply(body)
    if completion.is_runaway:
        return replace(reply, is_runaway=True, finish="length")
    if not completion.is_done and not completion.has_finish:
        return replace(reply, shape="broke-off", status=0, message="the stream ended early")
    return reply


async def _parts(response: aiohttp.ClientResponse, bytes_max: int) -> AsyncIterator[bytes]:
    total = 0
    async for part in response.content.iter_any():
        total += len(part)
        if total > bytes_max:
            raise AnswerTooLargeError(f"the answer is larger than {bytes_max} bytes")
        yield part


def _headers(response: aiohttp.ClientResponse) -> dict[str, str]:
    return {name.lower(): value for name, value in response.headers.items()}


def _as_reply(body: Mapping[str, Any]) -> ProviderReply:
    return read_reply(200, {}, json.dumps(body).encode())


def _bytes_max(path: str) -> int:
    return VECTORS_BYTES_MAX if path == EMBEDDINGS_PATH else BODY_BYTES_MAX
