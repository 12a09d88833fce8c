"""Get a URL on this machine or of a model server, without a proxy and without redirects.

The standard library does: an HTTP client with more abilities takes a third of a command's start.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import closing
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from urllib.parse import urlsplit


def get(url: str, *, timeout_s: float, headers: Mapping[str, str] | None = None) -> bytes:
    """Return the body of an answer with status 200. Raise OSError for everything else.

    `timeout_s` limits the connection and each read.
    """
    status, body = ask(url, timeout_s=timeout_s, headers=headers)
    if status != HTTPStatus.OK:
        raise OSError(f"{url} answers with status {status}")
    return body


def ask(
    url: str, *, timeout_s: float, headers: Mapping[str, str] | None = None
) -> tuple[int, bytes]:
    """Return the status and body of any answer. Raise OSError if there is none."""
    try:
        address = urlsplit(url)
        connect = HTTPSConnection if address.scheme == "https" else HTTPConnection
        with closing(connect(address.netloc, timeout=timeout_s)) as connection:
            target = f"{address.path or '/'}?{address.query}"
            connection.request("GET", target.removesuffix("?"), headers=dict(headers or {}))
            answer = connection.getresponse()
            return answer.status, answer.read()
    except (HTTPException, ValueError) as error:
        raise OSError(f"{url} can't be read: {error}") from error
