"""A catalogue of publications on this machine, with the answers that the real ones give."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from aiohttp import web


@dataclass
class FakeCatalogue:
    """Answers each request with the next of `answers`, the last one again and again."""

    answers: list[web.Response]
    url: str = ""
    queries: list[dict[str, str]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)

    async def _answer(self, request: web.Request) -> web.Response:
        self.queries.append(dict(request.query))
        self.headers.append(dict(request.headers))
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        body = answer.body
        assert isinstance(body, bytes | None)
        return web.Response(body=body, status=answer.status, headers=answer.headers)


@asynccontextmanager
async def fake_catalogue(*answers: web.Response) -> AsyncIterator[FakeCatalogue]:
    """Serve the answers on a free port."""
    catalogue = FakeCatalogue(list(answers))
    application = web.Application()
    application.router.add_get("/search", catalogue._answer)
    runner = web.AppRunner(application)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        host, port = runner.addresses[0][:2]
        catalogue.url = f"http://{host}:{port}/search"
        yield catalogue
    finally:
        await runner.cleanup()
