"""Serve `/healthz`, `/readyz` and `/metrics`.

`/healthz`: the event loop runs; it asks neither NATS nor a model. `/readyz`: the service is
connected and its consumers exist. FastStream's `make_ping_asgi` is not used: it answers 204
although the broker never started or a durable was deleted (measured). `faststream run` and
uvicorn start the port too late, so `process` binds it here.
"""

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


def web_app(registry: CollectorRegistry | None, not_ready: Ready, host: str) -> Starlette:
    """Return the HTTP side of a service. `not_ready` returns what is missing, or None.

    `registry`: the metrics; None if they have a separate port.
    """

    async def healthz(_: Request) -> Response:
        return PlainTextResponse("ok")

    async def readyz(_: Request) -> Response:
        missing = await not_ready()
        return PlainTextResponse(missing or "ok", status_code=503 if missing else 200)

    routes = [Route("/healthz", healthz), Route("/readyz", readyz)]
    if registry is not None:
        routes.append(_metrics_route(registry))
    return Starlette(middleware=_guards(host), routes=routes)


def metrics_app(registry: CollectorRegistry, host: str) -> Starlette:
    """Return the HTTP side for a port of the metrics alone."""
    return Starlette(middleware=_guards(host), routes=[_metrics_route(registry)])


def _metrics_route(registry: CollectorRegistry) -> Route:
    async def metrics(_: Request) -> Response:
        return Response(
            generate_latest(registry), media_type="text/plain; version=0.0.4; charset=utf-8"
        )

    return Route("/metrics", metrics)


def _guards(host: str) -> list[Middleware]:
    """Return what answers, on a loopback address, only requests for its own names.

    So a foreign page cannot reach the service through a DNS name of that page (DNS rebinding).
    """
    hosts = LOOPBACK if host in LOOPBACK else ["*"]
    return [Middleware(TrustedHostMiddleware, allowed_hosts=hosts)]


def bind(host: str, port: int) -> socket.socket:
    """Bind a socket before anything else starts. Raise ConfigurationError if the port is taken."""
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
            f"cannot listen on {host}:{port}: {error.strerror}", "Choose another address or port"
        ) from None
    return listener


class WebServer:
    """Serve an ASGI application on a bound socket inside the running event loop."""

    def __init__(self, app: ASGIApp, listener: socket.socket) -> None:
        config = uvicorn.Config(
            app,
            log_config=None,
            access_log=False,
            lifespan="off",
            server_header=False,
            proxy_headers=False,  # else any local program could claim another address
            timeout_graceful_shutdown=2,
        )
        self._server = _QuietServer(config)
        self._listener = listener
        self._task: asyncio.Task[None] | None = None

    @property
    def address(self) -> str:
        """Return host:port."""
        host, port = self._listener.getsockname()[:2]
        return f"{host}:{port}"

    def start(self) -> None:
        """Serve until `stop`."""
        self._task = asyncio.create_task(self._server.serve(sockets=[self._listener]))

    async def stop(self) -> None:
        """Finish the requests in progress, and close the socket."""
        self._server.should_exit = True
        if self._task is not None:
            await self._task


class _QuietServer(uvicorn.Server):
    """Run uvicorn without its signal handlers: `process` has its own orderly stop."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        with contextlib.nullcontext():
            yield
