"""Documents in buckets and on web servers, through fsspec.

    s3://lab-papers/2026/          all objects below a prefix
    https://example.org/papers/    all files that a web page of a folder links to
    https://example.org/paper.pdf  one document

fsspec is an extra, because most labs have a folder. Keys and endpoints are read where fsspec and
its file systems look for them: `AWS_ACCESS_KEY_ID`, `AWS_ENDPOINT_URL`, `FSSPEC_S3_…`, `~/.aws`.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

from daydream_console.sources.source_document import (
    BYTES_MAX,
    SourceDocument,
    UnreadableSourceError,
    too_large,
)
from daydream_contracts.errors import ConfigurationError

SEPARATOR = "://"
DOCUMENTS_MAX = 100_000
DEPTH_MAX = 20
PART_BYTES = 4 << 20
TIMEOUT_S = 60
ERROR_CHARS_MAX = 200
EXTRA = "pip install 'daydream-console[remote]'"


def is_remote(path: str) -> bool:
    """Return whether this is an address rather than a path of this machine."""
    return SEPARATOR in path


def documents_at(url: str) -> list[SourceDocument]:
    """List the documents at an address. One that ends in a slash is a folder.

    Raise ConfigurationError if it cannot be listed, or its file system is not installed.
    """
    file_system, root = _open(url)
    if not url.endswith("/"):
        return [SourceDocument(url, partial(_load, file_system, root))]
    documents = []
    for path in _paths(file_system, root, url):
        source = str(file_system.unstrip_protocol(path))
        documents.append(SourceDocument(source, partial(_load, file_system, path)))
        if len(documents) > DOCUMENTS_MAX:
            raise ConfigurationError(
                f"{url} holds more than {DOCUMENTS_MAX:,} documents", "Ingest parts of it"
            )
    return documents


def _open(url: str) -> tuple[Any, str]:
    try:
        # Imported only here: an extra.
        import fsspec  # noqa: PLC0415

        options = {"client_kwargs": {"timeout": _timeout()}} if url.startswith("http") else {}
        file_system, root = fsspec.core.url_to_fs(url, **options)
    except ImportError as error:
        raise ConfigurationError(f"{url} can't be read: {error}", EXTRA) from None
    except ValueError as error:  # an unknown protocol
        raise ConfigurationError(f"{url} can't be read: {error}", "Check the address") from None
    return file_system, str(root)


def _timeout() -> Any:
    import aiohttp  # noqa: PLC0415

    return aiohttp.ClientTimeout(sock_connect=TIMEOUT_S, sock_read=TIMEOUT_S)


def _paths(file_system: Any, root: str, url: str) -> Iterator[str]:
    """Yield the paths below a folder, sorted, without hidden ones and links that sort a list."""
    try:
        is_web = url.startswith("http")
        paths = sorted(_linked(file_system, root) if is_web else file_system.find(root))
    except Exception as error:  # each file system has its own
        text = f"{url} can't be listed: {_reason(error)}"
        raise ConfigurationError(text, "Check the address and its keys") from None
    for path in paths:
        inner = path.removeprefix(root)
        if not any(part.startswith((".", "?")) for part in inner.split("/")):
            yield path


def _linked(file_system: Any, root: str) -> set[str]:
    """Return what the pages of a folder and of its folders link to.

    fsspec's own walk asks for a folder without its slash, which many servers do not answer.
    """
    seen, waiting, files = {root}, [(root, 0)], set()
    while waiting:
        folder, depth = waiting.pop()
        for link in file_system.ls(folder, detail=False):
            if not link.endswith("/"):
                files.add(link)
            elif link not in seen and depth < DEPTH_MAX and len(seen) < DOCUMENTS_MAX:
                seen.add(link)
                waiting.append((link, depth + 1))
    return files


def _load(file_system: Any, path: str) -> bytes:
    try:
        data = bytearray()
        with file_system.open(path, "rb") as file:
            while (part := file.read(PART_BYTES)) and len(data) <= BYTES_MAX:
                data += part
    except Exception as error:  # each file system has its own
        raise UnreadableSourceError(f"can't be read: {_reason(error)}") from None
    if len(data) > BYTES_MAX:
        raise too_large(len(data))
    return bytes(data)


def _reason(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"[:ERROR_CHARS_MAX]
