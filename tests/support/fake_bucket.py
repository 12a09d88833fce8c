"""A double of a web server with a list of files, and of an S3-compatible bucket.

It answers what fsspec's file systems ask: a page with links, ListObjectsV2, HEAD, and GET with a
range.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import ClassVar
from urllib.parse import parse_qs, unquote, urlsplit
from xml.sax.saxutils import escape

LISTING = """<?xml version="1.0"?><ListBucketResult><Name>lab</Name><IsTruncated>false</IsTruncated>
<KeyCount>{count}</KeyCount><MaxKeys>1000</MaxKeys>{entries}</ListBucketResult>"""
ENTRY = "<Contents><Key>{key}</Key><Size>{size}</Size><ETag>x</ETag>"
ENTRY += "<LastModified>2026-01-01T00:00:00.000Z</LastModified></Contents>"


class FakeBucket(BaseHTTPRequestHandler):
    """Serves `files`, by path without the slash in front."""

    files: ClassVar[dict[str, bytes]] = {}
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        address = urlsplit(self.path)
        path, query = unquote(address.path.lstrip("/")), parse_qs(address.query)
        if "list-type" in query:
            self._list(path.rstrip("/"), query.get("prefix", [""])[0])
        elif path.endswith("/") or not path:
            self._page(path)
        elif path in self.files:
            self._file(self.files[path])
        else:
            self._answer(404, b"", "application/xml")

    do_HEAD = do_GET  # noqa: N815

    def log_message(self, *_: object) -> None:
        """Print nothing."""

    def _list(self, bucket: str, prefix: str) -> None:
        entries = [
            ENTRY.format(key=escape(name.removeprefix(f"{bucket}/")), size=len(data))
            for name, data in sorted(self.files.items())
            if name.startswith(f"{bucket}/{prefix}")
        ]
        body = LISTING.format(count=len(entries), entries="".join(entries))
        self._answer(200, body.encode(), "application/xml")

    def _page(self, folder: str) -> None:
        inner = {name.removeprefix(folder) for name in self.files if name.startswith(folder)}
        names = {f"{first}/" if slash else first for first, slash, _ in map(_split, inner)}
        links = [f'<a href="{name}">{name}</a>' for name in sorted(names)]
        body = '<html><body><a href="?C=N;O=D">Name</a><a href="../">..</a>' + "".join(links)
        self._answer(200, body.encode(), "text/html")

    def _file(self, data: bytes) -> None:
        if wanted := re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", "")):
            first, last = int(wanted[1]), int(wanted[2] or len(data) - 1)
            part = data[first : last + 1]
            self._answer(206, part, "text/plain", f"bytes {first}-{last}/{len(data)}")
        else:
            self._answer(200, data, "text/plain")

    def _answer(self, status: int, body: bytes, kind: str, part: str = "") -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Accept-Ranges", "bytes")
        self.send_header("Last-Modified", "Thu, 01 Jan 2026 00:00:00 GMT")
        self.send_header("ETag", '"x"')
        if part:
            self.send_header("Content-Range", part)
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body)


def _split(name: str) -> tuple[str, str, str]:
    return name.partition("/")


@contextmanager
def fake_bucket(files: dict[str, bytes]) -> Iterator[str]:
    """Serve files and yield the address."""
    handler = type("Served", (FakeBucket,), {"files": files})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()
