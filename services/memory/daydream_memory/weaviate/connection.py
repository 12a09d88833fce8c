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
AWAY = (
    WeaviateConnectionError,
    WeaviateTimeoutError,
    WeaviateGRPCUnavailableError,
    WeaviateRetryError,
    WeaviateStartUpError,
    httpx.TransportError,
    WeaviateClosedClientError,
    UsageError,
)  # the last two: we are being stopped
AWAY_CODES = (StatusCode.UNAVAILABLE, StatusCode.DEADLINE_EXCEEDED, StatusCode.RESOURCE_EXHAUSTED)
NOT_ALLOWED = (401, 403)
TRIES, TRY_AGAIN_S = 30, 2.0
GRPC_PORT, GRPC_PORT_TLS = 50051, 443
PATIENCE_S = 60.0


async def connect(settings: WeaviateSettings) -> weaviate.WeaviateAsyncClient:
    """A connected client. Waits a minute for a server that is starting; ConfigurationError where it stays away or refuses the key."""
    http, grpc = urlsplit(settings.url), urlsplit(settings.grpc_url)
    secure = http.scheme == "https"
    key = settings.api_key.get_secret_value()
    client = weaviate.use_async_with_custom(
        http_host=http.hostname or "",
        http_port=http.port or (443 if secure else 80),
        http_secure=secure,
        grpc_host=grpc.hostname or http.hostname or "",
        grpc_port=grpc.port or (GRPC_PORT_TLS if secure else GRPC_PORT),
        grpc_secure=grpc.scheme == "https" if grpc.scheme else secure,
        auth_credentials=Auth.api_key(key) if key else None,
        additional_config=AdditionalConfig(
            timeout=Timeout(
                init=settings.timeout_s, query=settings.timeout_s, insert=settings.timeout_s
            )
        ),
    )
    for tries in range(1, TRIES + 1):
        try:
            await client.connect()
            return client
        except (AuthenticationFailedError, UnexpectedStatusCodeError) as error:
            await client.close()
            raise ConfigurationError(
                f"Weaviate at {settings.url} refuses: {_text(error)}",
                "Set DAYDREAM_MEMORY_WEAVIATE_API_KEY",
            ) from None
        except AWAY as error:
            if tries == TRIES:
                await client.close()
                raise ConfigurationError(
                    f"no Weaviate at {settings.url}: {_text(error)}",
                    "Start it, or set DAYDREAM_MEMORY_WEAVIATE_URL and _GRPC_URL",
                ) from None
            log.warning("waiting for Weaviate at %s: %s", settings.url, _text(error))
            await asyncio.sleep(TRY_AGAIN_S)
    raise AssertionError


async def ask(call: Awaitable[R], within_s: float = PATIENCE_S) -> R:
    """The answer of a call. RetryLaterError while the server is away or busy, Transient for what it refuses. The client's own tries, which take a minute,
    end with the patience."""
    try:
        return await asyncio.wait_for(call, within_s)
    except (*AWAY, TimeoutError) as error:
        raise RetryLaterError(f"Weaviate is away: {_text(error)}") from error
    except WeaviateBaseError as error:
        if _is_away(error):
            raise RetryLaterError(f"Weaviate is away: {_text(error)}") from error
        raise TransientError(f"Weaviate: {_text(error)}") from error


def _is_away(error: BaseException) -> bool:
    """The client wraps what gRPC says; of REST it keeps the status."""
    if isinstance(error, UnexpectedStatusCodeError):
        return error.status_code >= 500 or error.status_code == 429
    cause = error.__cause__ or error.__context__
    if isinstance(cause, AioRpcError):
        return cause.code() in AWAY_CODES
    return isinstance(error, WeaviateQueryError) and any(
        code.name in str(error) for code in AWAY_CODES
    )


def _text(error: BaseException) -> str:
    return " ".join(f"{type(error).__name__}: {error}".split())[:300]
