"""`/healthz` (the loop is alive; never asks NATS or a model), `/readyz` (connected, and the consumers exist) and `/metrics`."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import socket
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager

import uvicorn
from prometheus_client import CollectorRegistry, generate_latest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from daydream_contracts.errors import ConfigurationError

LOOPBACK = ["127.0.0.1", "localhost"]
Ready = Callable[[], Awaitable[str | None]]


def web_app(registry: CollectorRegistry, not_ready: Ready, host: str) -> Starlette:
    """The HTTP side of a service; `not_ready` answers with what is missing, or None. On the loopback address only its own names
    are answered, so that no foreign page can reach it through a name of its own (DNS rebinding)."""

    async def healthz(_: Request) -> Response:
        return PlainTextResponse("ok")

    async def readyz(_: Request) -> Response:
        missing = await not_ready()
        return PlainTextResponse(missing or "ok", status_code=503 if missing else 200)

    async def metrics(_: Request) -> Response:
        return Response(
            generate_latest(registry), media_type="text/plain; version=0.0.4; charset=utf-8"
        )

    hosts = LOOPBACK if host in LOOPBACK else ["*"]
    guard = Middleware(TrustedHostMiddleware, allowed_hosts=hosts)
    return Starlette(
        middleware=[guard],
        routes=[Route("/healthz", healthz), Route("/readyz", readyz), Route("/metrics", metrics)],
    )


def bind(host: str, port: int) -> socket.socket:
    """A listening socket, bound before anything else starts, so that a taken port is a clear error."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError as error:
        listener.close()
        if error.errno == errno.EADDRINUSE:
            raise ConfigurationError(
                f"port {port} on {host} is taken", "Choose another one, or 0 for any free port"
            ) from None
        raise ConfigurationError(
            f"can't listen on {host}:{port}: {error.strerror}", "Choose another address or port"
        ) from None
    return listener


class WebServer:
    """Serves an ASGI app on a bound socket inside the running loop."""

    def __init__(self, app: ASGIApp, listener: socket.socket) -> None:
        config = uvicorn.Config(
            app, log_config=None, access_log=False, lifespan="off", timeout_graceful_shutdown=2
        )
        self._server = _QuietServer(config)
        self._listener = listener
        self._task: asyncio.Task[None] | None = None

    @property
    def address(self) -> str:
        """host:port as it is served."""
        host, port = self._listener.getsockname()[:2]
        return f"{host}:{port}"

    def start(self) -> None:
        """Serve from now on."""
        self._task = asyncio.create_task(self._server.serve(sockets=[self._listener]))

    async def stop(self) -> None:
        """End what is being answered, and serve no more."""
        self._server.should_exit = True
        if self._task is not None:
            await self._task


class _QuietServer(uvicorn.Server):
    """uvicorn without its signal handlers: the runtime has its own orderly stop."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        with contextlib.nullcontext():
            yield
