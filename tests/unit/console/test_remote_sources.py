"""Documents in buckets and on web servers are found and loaded like files."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from daydream_console.ingest import Content, Offered, load
from daydream_console.sources import remote
from daydream_contracts.errors import ConfigurationError
from support.fake_bucket import fake_bucket

FILES = {
    "lab/papers/a.md": b"# A",
    "lab/papers/old/b.md": b"# B",
    "lab/papers/.hidden": b"no",
    "lab/other.md": b"no",
}


@pytest.fixture
def server() -> Iterator[str]:
    with fake_bucket(FILES) as address:
        yield address


def loaded(url: str) -> dict[str, bytes]:
    contents = [load(document) for document in remote.documents_at(url)]
    return {each.source: each.data for each in contents if isinstance(each, Content)}


def test_a_folder_of_a_web_server_gives_what_its_pages_link_to(server: str) -> None:
    assert loaded(f"{server}/lab/papers/") == {
        f"{server}/lab/papers/a.md": b"# A",
        f"{server}/lab/papers/old/b.md": b"# B",
    }


def test_an_address_without_a_slash_is_one_document(server: str) -> None:
    assert loaded(f"{server}/lab/other.md") == {f"{server}/lab/other.md": b"no"}


def test_a_bucket_gives_all_objects_below_a_prefix(
    server: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", server)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    assert loaded("s3://lab/papers/") == {
        "s3://lab/papers/a.md": b"# A",
        "s3://lab/papers/old/b.md": b"# B",
    }


def test_what_cannot_be_loaded_is_a_refusal_with_its_reason(
    server: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    (missing,) = remote.documents_at(f"{server}/lab/missing.md")
    refused = load(missing)
    assert isinstance(refused, Offered)
    assert refused.report is not None
    assert refused.report.status == "refused"
    assert "FileNotFoundError" in refused.report.note
    monkeypatch.setattr(remote, "BYTES_MAX", 1)
    (large,) = remote.documents_at(f"{server}/lab/other.md")
    refused = load(large)
    assert isinstance(refused, Offered)
    assert refused.report is not None
    assert "the maximum is" in refused.report.note


def test_an_address_that_cannot_be_listed_or_is_of_no_known_kind_ends_the_command(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with pytest.raises(ConfigurationError, match="can't be listed"):
        remote.documents_at("http://127.0.0.1:9/papers/")
    with pytest.raises(ConfigurationError, match="Check the address"):
        remote.documents_at("nowhere://papers/")
    monkeypatch.setattr(remote, "DOCUMENTS_MAX", 0)
    with fake_bucket(FILES) as server, pytest.raises(ConfigurationError, match="more than 0"):
        remote.documents_at(f"{server}/lab/papers/")
