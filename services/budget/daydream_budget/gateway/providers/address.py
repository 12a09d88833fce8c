"""Read the address of a provider as people paste it.

A pasted `…/chat/completions` loses its end, a query such as Azure's `?api-version=` stays behind
every path, and the host says whose dialect, tokenizer and prices apply, regional hosts included.
"""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import ip_address
from typing import NamedTuple
from urllib.parse import SplitResult, parse_qsl, urlencode, urlsplit

from daydream_contracts.errors import ConfigurationError

PASTED_ENDS = ("/chat/completions", "/completions", "/embeddings", "/responses", "/models")
SECRET_QUERIES = frozenset({"key", "api_key", "api-key", "apikey", "access_token", "token"})


class HostFamily(NamedTuple):
    """A provider that is known by its host: the path of its API, and its address in price lists."""

    suffix: str
    name: str
    path: str
    listed: str


# A host belongs to the first suffix that it equals or that follows a dot in it.
HOST_FAMILIES = (
    HostFamily("api.openai.com", "openai", "/v1", "https://api.openai.com/v1"),
    HostFamily("openai.azure.com", "azure", "/openai/v1", ""),
    HostFamily("cognitiveservices.azure.com", "azure", "/openai/v1", ""),
    HostFamily("services.ai.azure.com", "azure", "/openai/v1", ""),
    HostFamily("openrouter.ai", "openrouter", "/api/v1", ""),
    HostFamily("api.mistral.ai", "mistral", "/v1", ""),
    HostFamily("api.deepseek.com", "deepseek", "/v1", "https://api.deepseek.com"),
    HostFamily("generativelanguage.googleapis.com", "gemini", "/v1beta/openai", ""),
    HostFamily("api.anthropic.com", "anthropic", "/v1", "https://api.anthropic.com"),
    HostFamily("api.groq.com", "groq", "/openai/v1", "https://api.groq.com/openai/v1"),
    HostFamily("api.x.ai", "xai", "/v1", "https://api.x.ai/v1"),
)
OTHER = HostFamily("", "other", "", "")


@dataclass(frozen=True)
class ProviderAddress:
    """The root of an OpenAI-compatible API, and the query that every call to it needs."""

    root: str
    query: str
    host: str
    family: str
    listed: str

    @classmethod
    def parse(cls, text: str) -> ProviderAddress:
        """Read an address. Raise ConfigurationError, which says how to write it."""
        parts = _split(text.strip())
        host = (parts.hostname or "").lower()
        family = _family(host)
        path = _without_pasted_end(parts.path.rstrip("/"))
        if not path or (family.name == "azure" and path == "/openai"):
            path = family.path
        if family.name == "azure" and "/deployments/" in path and not _has_version(parts.query):
            raise ConfigurationError(
                f"the address of an Azure deployment has no API version: {host}{path}",
                "Add ?api-version=…, as the deployment's page in the Azure portal shows it",
            )
        root = f"{parts.scheme}://{parts.netloc}{path}"
        return cls(root, parts.query, host, family.name, family.listed)

    def url(self, path: str, query: dict[str, str] | None = None) -> str:
        """Return the URL of a path such as `/chat/completions`, with every query at its end."""
        queries = [self.query, urlencode(query or {})]
        text = "&".join(part for part in queries if part)
        return f"{self.root}{path}" + (f"?{text}" if text else "")

    @property
    def price_url(self) -> str:
        """Return the address that price lists and tokenizers know."""
        return self.listed or self.root

    @property
    def is_loopback(self) -> bool:
        """Return True for this machine, which no proxy is asked for."""
        try:
            return ip_address(self.host).is_loopback
        except ValueError:
            return self.host == "localhost"

    def __str__(self) -> str:
        return self.url("")


def _split(text: str) -> SplitResult:
    try:
        parts = urlsplit(text)
        port_is_right = parts.port is None or parts.port > 0
    except ValueError:
        port_is_right = False
    if not port_is_right or parts.scheme not in ("http", "https") or not parts.hostname:
        raise ConfigurationError(
            "the address of a provider is no URL of http:// or https://",
            "Write it as in https://api.openai.com/v1",
        )
    secret_names = SECRET_QUERIES & {name.lower() for name, _ in parse_qsl(parts.query)}
    if "@" in parts.netloc or secret_names:
        raise ConfigurationError(
            f"the address of the provider at {parts.hostname} holds a secret",
            "Take it out of the URL and set it as the provider's API key",
        )
    return parts


def _family(host: str) -> HostFamily:
    return next(
        (
            family
            for family in HOST_FAMILIES
            if host == family.suffix or host.endswith(f".{family.suffix}")
        ),
        OTHER,
    )


def _without_pasted_end(path: str) -> str:
    pasted = next((end for end in PASTED_ENDS if path.endswith(end)), "")
    return path.removesuffix(pasted).rstrip("/")


def _has_version(query: str) -> bool:
    return any(name == "api-version" for name, _ in parse_qsl(query))
