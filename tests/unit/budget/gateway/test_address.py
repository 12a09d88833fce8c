"""Addresses are read as people paste them."""

from __future__ import annotations

import pytest

from daydream_budget.gateway.providers.address import ProviderAddress
from daydream_contracts.errors import ConfigurationError

AZURE = "https://lab.openai.azure.com"
CHAT = "/chat/completions"


@pytest.mark.parametrize(
    ("pasted", "url"),
    [
        ("https://api.openai.com/v1", "https://api.openai.com/v1/chat/completions"),
        (" https://api.openai.com/v1/ ", "https://api.openai.com/v1/chat/completions"),
        ("https://api.openai.com", "https://api.openai.com/v1/chat/completions"),
        ("http://h:8000/v1/chat/completions", "http://h:8000/v1/chat/completions"),
        ("http://h/v1/chat/completions/?a=b", "http://h/v1/chat/completions?a=b"),
        ("https://openrouter.ai", "https://openrouter.ai/api/v1/chat/completions"),
        (
            f"{AZURE}/openai/deployments/d?api-version=2024-10-21",
            f"{AZURE}/openai/deployments/d/chat/completions?api-version=2024-10-21",
        ),
        (
            f"{AZURE}/openai/deployments/d/chat/completions?api-version=2024-10-21",
            f"{AZURE}/openai/deployments/d/chat/completions?api-version=2024-10-21",
        ),
        (AZURE, f"{AZURE}/openai/v1/chat/completions"),
        ("http://[::1]:8080/v1", "http://[::1]:8080/v1/chat/completions"),
    ],
)
def test_an_address_is_completed_and_its_query_stays_at_the_end(pasted: str, url: str) -> None:
    assert ProviderAddress.parse(pasted).url(CHAT) == url


def test_more_parameters_follow_those_of_the_address() -> None:
    address = ProviderAddress.parse("http://h/v1?api-version=1")
    assert (
        address.url(CHAT, {"region": "eu west"})
        == f"http://h/v1{CHAT}?api-version=1&region=eu+west"
    )


@pytest.mark.parametrize(
    ("pasted", "family", "listed"),
    [
        ("https://eu.api.openai.com/v1", "openai", "https://api.openai.com/v1"),
        ("https://us.api.openai.com/v1", "openai", "https://api.openai.com/v1"),
        ("https://lab.cognitiveservices.azure.com", "azure", None),
        ("https://notapi.openai.com.evil.example/v1", "other", None),
        ("http://localhost:1234/v1", "other", None),
    ],
)
def test_a_host_says_whose_prices_and_dialect_apply(
    pasted: str, family: str, listed: str | None
) -> None:
    address = ProviderAddress.parse(pasted)
    assert address.family == family
    assert address.price_url == (listed or address.root)


@pytest.mark.parametrize(
    ("pasted", "words"),
    [
        ("api.openai.com/v1", "no URL"),
        ("ftp://h/v1", "no URL"),
        ("http://h:99999/v1", "no URL"),
        ("https://user:pass@h/v1", "holds a secret"),
        ("https://h/v1?key=sk-123", "holds a secret"),
        (f"{AZURE}/openai/deployments/d", "no API version"),
    ],
)
def test_a_wrong_address_is_refused_with_the_fix(pasted: str, words: str) -> None:
    with pytest.raises(ConfigurationError, match=words) as refused:
        ProviderAddress.parse(pasted)
    assert refused.value.fix
    assert "sk-123" not in str(refused.value)
    assert "pass" not in str(refused.value)


@pytest.mark.parametrize(
    ("url", "expected"),
    [("http://127.0.0.2/v1", True), ("http://localhost/v1", True), ("http://10.0.0.1/v1", False)],
)
def test_this_machine_needs_no_proxy(url: str, *, expected: bool) -> None:
    assert ProviderAddress.parse(url).is_loopback is expected
