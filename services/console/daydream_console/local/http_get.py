"""Get a URL on this machine or of a model server, without a proxy.

The standard library does: an HTTP client with more abilities takes a third of a command's start.
"""

from __future__ import annotations

from collections.abc import Mapping
from http.client import HTTPException
from urllib.request import ProxyHandler, Request, build_opener


def get(url: str, *, timeout_s: float, headers: Mapping[str, str] | None = None) -> bytes:
    """Return the body of a successful answer. Raise OSError for everything else.

    `timeout_s` limits the connection and each read.
    """
    try:
        request = Request(url, headers=dict(headers or {}))  # noqa: S310 (settings name the URL)
        with build_opener(ProxyHandler({})).open(request, timeout=timeout_s) as answer:
            body: bytes = answer.read()
            return body
    except (HTTPException, ValueError) as error:
        raise OSError(f"{url} gives no answer: {error}") from error
