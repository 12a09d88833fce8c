"""The client of a Weaviate server, and its errors as ours."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable
from typing import TypeVar
from urllib.parse import urlsplit

import httpx
import weaviate
from grpc import StatusCode
from grpc.aio import AioRpcError, UsageError
from tenacity import (
    AsyncRetrying,
    RetryCallState,
    retry_if_exception_type,
    stop_after_attempt,
    wait_fixed,
)
from weaviate.classes.init import AdditionalConfig, Auth, Timeout
from weaviate.exceptions import (
    AuthenticationFailedError,
    UnexpectedStatusCodeError,
    WeaviateBaseError,
    WeaviateClosedClientError,
    WeaviateConnectionError,
    WeaviateGRPCUnavailableError,
    WeaviateQueryError,
    WeaviateRetryError,
    WeaviateStartUpError,
    WeaviateTimeoutError,
)

from daydream_contracts.errors import ConfigurationError, RetryLaterError, TransientError
from daydream_memory.settings import WeaviateSettings

R = TypeVar("R")
log = logging.getLogger(__name__)
UNAVAILABLE = (
    WeaviateConnectionError,
    WeaviateTimeoutError,
    WeaviateGRPCUnavailableError,
    WeaviateRetryError,
    WeaviateStartUpError,
    httpx.TransportError,
    WeaviateClosedClientError,  # this one and the next: the service is stopping
    UsageError,
)
UNAVAILABLE_CODES = (
    StatusCode.UNAVAILABLE,
    StatusCode.DEADLINE_EXCEEDED,
    StatusCode.RESOURCE_EXHAUSTED,
)
TOO_MANY_REQUESTS = 429
CONNECT_ATTEMPTS, CONNECT_WAIT_S = 30, 2.0
GRPC_PORT, GRPC_PORT_TLS = 50051, 443
CALL_TIMEOUT_S = 60.0
ERROR_CHARS_MAX = 300


async def connect(settings: WeaviateSettings) -> weaviate.WeaviateAsyncClient:
    """Return a connected client. Wait a minute for a server that is starting.

    Raise ConfigurationError when it stays unavailable or refuses the key.
    """
    client = _client(settings)
    attempts = AsyncRetrying(
        retry=retry_if_exception_type(UNAVAILABLE),
        wait=wait_fixed(CONNECT_WAIT_S),
        stop=stop_after_attempt(CONNECT_ATTEMPTS),
        before_sleep=_log_waiting,
        reraise=True,
    )
    try:
        async for attempt in attempts:
            with attempt:
                await client.connect()
    except (AuthenticationFailedError, UnexpectedStatusCodeError) as error:
        await client.close()
        raise ConfigurationError(
            f"Weaviate at {settings.url} refuses: {_text(error)}",
            "Set DAYDREAM_MEMORY_WEAVIATE_API_KEY",
        ) from None
    except UNAVAILABLE as error:
        await client.close()
        raise ConfigurationError(
            f"No Weaviate at {settings.url}: {_text(error)}",
            "Start it, or set DAYDREAM_MEMORY_WEAVIATE_URL and _GRPC_URL",
        ) from None
    return client


def _client(settings: WeaviateSettings) -> weaviate.WeaviateAsyncClient:
    http, grpc = urlsplit(settings.url), urlsplit(settings.grpc_url)
    secure = http.scheme == "https"
    key = settings.api_key.get_secret_value()
    timeout_s = settings.timeout_s
    return weaviate.use_async_with_custom(
        http_host=http.hostname or "",
        http_port=http.port or (443 if secure else 80),
        http_secure=secure,
        grpc_host=grpc.hostname or http.hostname or "",
        grpc_port=grpc.port or (GRPC_PORT_TLS if secure else GRPC_PORT),
        grpc_secure=grpc.scheme == "https" if grpc.scheme else secure,
        auth_credentials=Auth.api_key(key) if key else None,
        additional_config=AdditionalConfig(
            timeout=Timeout(init=timeout_s, query=timeout_s, insert=timeout_s)
        ),
    )


def _log_waiting(attempt: RetryCallState) -> None:
    error = attempt.outcome.exception() if attempt.outcome else None
    log.warning("waiting for Weaviate: %s", _text(error) if error else "")


async def send(call: Awaitable[R], timeout_s: float = CALL_TIMEOUT_S) -> R:
    """Return the answer to a call.

    Raise RetryLaterError while the server is unavailable or busy, TransientError for what it
    refuses. The timeout also ends the client's own retries, which take a minute.
    """
    try:
        return await asyncio.wait_for(call, timeout_s)
    except (*UNAVAILABLE, TimeoutError) as error:
        raise RetryLaterError(f"Weaviate is unavailable: {_text(error)}") from error
    except WeaviateBaseError as error:
        if _is_unavailable(error):
            raise RetryLaterError(f"Weaviate is unavailable: {_text(error)}") from error
        raise TransientError(f"Weaviate: {_text(error)}") from error


def _is_unavailable(error: BaseException) -> bool:
    """Return whether the server is unavailable. The client wraps gRPC's error or REST's status."""
    if isinstance(error, UnexpectedStatusCodeError):
        return error.status_code >= 500 or error.status_code == TOO_MANY_REQUESTS
    cause = error.__cause__ or error.__context__
    if isinstance(cause, AioRpcError):
        return cause.code() in UNAVAILABLE_CODES
    return isinstance(error, WeaviateQueryError) and any(
        code.name in str(error) for code in UNAVAILABLE_CODES
    )


def _text(error: BaseException) -> str:
    return " ".join(f"{type(error).__name__}: {error}".split())[:ERROR_CHARS_MAX]
