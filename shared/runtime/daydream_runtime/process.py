"""Run a service as a process: HTTP from the first moment to the last, signals, exit codes.

Exit codes: 0 after a stop by SIGTERM or SIGINT; 2 for an invalid setting, with one line that
names the fix; 75 when the supervisor must start the process again; 1 for a bug, with its
traceback.

`faststream run` and uvicorn are not used in production (measured with FastStream 0.7.8). They
open the port only after the lifespan and close it before the drain. They ignore SIGTERM while the
lifespan waits for NATS. They stay alive without a broker after a failed start, and end by signal
instead of with 0. Here FastStream's lifespan runs beside uvicorn, not inside it.
"""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import sys
from collections.abc import Callable
from typing import NoReturn, TypeVar

from daydream_contracts.errors import ConfigurationError
from daydream_runtime.application import ServiceApp, end_tasks
from daydream_runtime.health import WebServer, bind, metrics_app
from daydream_runtime.lifecycle import EXIT_CONFIGURATION
from daydream_runtime.service_log import start_logging
from daydream_runtime.settings import ServiceSettings
from daydream_runtime.unknown_settings import unknown_settings

log = logging.getLogger(__name__)
S = TypeVar("S", bound=ServiceSettings)


def run(
    settings_class: type[S],
    build: Callable[[S], ServiceApp],
    loop_factory: Callable[[], asyncio.AbstractEventLoop] | None = None,
) -> NoReturn:
    """Run a service until SIGTERM or SIGINT, and exit the process with its code.

    `loop_factory` makes the event loop; None: asyncio's own.
    """
    try:
        settings = settings_class.read()
        start_logging(settings.service, settings.instance, settings.log_level)
        with asyncio.Runner(loop_factory=loop_factory) as runner:
            code = runner.run(serve(build(settings)))
    except ConfigurationError as error:
        sys.stderr.write(f"daydream {settings_class.service}: {error.problem}. {error.fix}\n")
        code = EXIT_CONFIGURATION
    sys.exit(code)


async def serve(app: ServiceApp) -> int:
    """Run the application in this event loop and return its exit code.

    It answers on its HTTP port and obeys a stop from the first moment, also while it waits for
    NATS.
    """
    servers = _servers(app)
    for server in servers:
        server.start()
    addresses = dict(zip(("http", "metrics"), (server.address for server in servers), strict=False))
    log.info("starting", extra=addresses)
    for warning in unknown_settings([type(app.settings)], os.environ):
        log.warning("%s", warning)
    work = asyncio.create_task(_work(app))
    _obey_signals(app, work)
    try:
        await work
    except asyncio.CancelledError:
        log.info("stopped before it was ready")
    finally:
        app.lifecycle.stop()
        await app.nats.stop()  # no effect after an orderly stop
        for server in servers:
            await server.stop()
        await asyncio.to_thread(app.telemetry.close)
    return app.lifecycle.exit_code


def _servers(app: ServiceApp) -> list[WebServer]:
    """Bind the ports. The metrics have their own, if the settings say so."""
    settings = app.settings
    servers = [WebServer(app, bind(settings.http_host, settings.http_port))]
    if settings.metrics_port is not None:
        metrics = metrics_app(app.telemetry.registry, settings.http_host)
        servers.append(WebServer(metrics, bind(settings.http_host, settings.metrics_port)))
    return servers


async def _work(app: ServiceApp) -> None:
    async with app.start_lifespan_context():
        await app.lifecycle.stopping.wait()
    app.lifecycle.raise_failure()


def _obey_signals(app: ServiceApp, work: asyncio.Task[None]) -> None:
    """Stop in order on SIGTERM and SIGINT. Before the service is ready there is nothing to end."""
    ending: set[asyncio.Task[None]] = set()  # so that they are not collected

    def stop() -> None:
        app.lifecycle.stop()
        if not app.lifecycle.ready:
            ending.add(asyncio.create_task(end_tasks([work])))

    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop)
