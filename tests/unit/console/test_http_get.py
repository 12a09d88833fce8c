"""A small GET: a body, or OSError for whatever goes wrong."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from daydream_console.local.http_get import get


class FakePages(BaseHTTPRequestHandler):
    """Answer `/page?…` with the query and a header of the request, and nothing else."""

    def do_GET(self) -> None:
        path, _, query = self.path.partition("?")
        self.send_response(200 if path == "/page" else 404)
        self.end_headers()
        self.wfile.write(f"{query} {self.headers.get('Authorization')}".encode())

    def log_message(self, *_: object) -> None:
        """Print nothing."""


@pytest.fixture
def pages() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), FakePages)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def test_it_returns_the_body_and_sends_query_and_headers(pages: str) -> None:
    body = get(f"{pages}/page?a=1", timeout_s=5, headers={"Authorization": "Bearer key"})
    assert body == b"a=1 Bearer key"


def test_every_other_status_is_an_error(pages: str) -> None:
    with pytest.raises(OSError, match="404"):
        get(f"{pages}/missing", timeout_s=5)


@pytest.mark.parametrize("url", ["http://", "http://[", "no url", "http://127.0.0.1:port/"])
def test_an_invalid_url_is_an_error(url: str) -> None:
    with pytest.raises(OSError):  # noqa: PT011 (the kind is all that callers rely on)
        get(url, timeout_s=1)


def test_an_answer_that_is_not_http_is_an_error() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]

        def answer() -> None:
            connection, _ = listener.accept()
            connection.sendall(b"SSH-2.0-OpenSSH\r\n")
            connection.close()

        threading.Thread(target=answer, daemon=True).start()
        with pytest.raises(OSError, match="can't be read"):
            get(f"http://127.0.0.1:{port}/", timeout_s=5)
