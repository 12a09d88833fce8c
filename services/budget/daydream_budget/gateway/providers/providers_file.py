"""Find the provider of a model: in the providers file, else the default one.

    [[provider]]
    name = "mistral"
    base_url = "https://api.mistral.ai/v1"
    api_key_env = "MISTRAL_API_KEY"      # variable that holds its key
    models = ["mistral-*", "magistral-medium"]

A table takes every other field of `ProviderConfig` too. Keys stay out of the file.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from pydantic import SecretStr, ValidationError

from daydream_budget.gateway.providers.config import ProviderConfig
from daydream_contracts.errors import ConfigurationError

PROVIDERS_MAX = 64
KEYS = (set(ProviderConfig.model_fields) - {"api_key"}) | {"api_key_env"}


@dataclass(frozen=True)
class Providers:
    """All providers. The default one has every model that no table names."""

    default: ProviderConfig
    tables: tuple[ProviderConfig, ...] = ()

    @classmethod
    def read(
        cls, default: ProviderConfig, file: str = "", env: Mapping[str, str] = os.environ
    ) -> Providers:
        """Read the providers file, if there is one. Raise ConfigurationError."""
        if not file:
            return cls(default)
        tables = tuple(_provider(at, table, env) for at, table in enumerate(_tables(file), 1))
        names = [default.name, *(table.name for table in tables)]
        repeated = {name for name in names if names.count(name) > 1}
        if repeated:
            raise ConfigurationError(
                f"{file} has several providers called {', '.join(sorted(repeated))}",
                "Give each provider its own name",
            )
        return cls(default, tables)

    def __iter__(self) -> Iterator[ProviderConfig]:
        return iter((*self.tables, self.default))

    def for_model(self, model: str) -> ProviderConfig:
        """Return the provider of a model: an exact name wins over a pattern, then the order."""
        for table in self.tables:
            if model in table.models:
                return table
        for table in self.tables:
            if any(fnmatchcase(model, pattern) for pattern in table.models):
                return table
        return self.default


def _tables(file: str) -> list[dict[str, Any]]:
    try:
        tables = tomllib.loads(Path(file).read_text("utf-8")).get("provider")
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigurationError(
            f"can't read the providers file {file}: {error}", "Check its path and its TOML"
        ) from None
    if not isinstance(tables, list) or not 1 <= len(tables) <= PROVIDERS_MAX:
        raise ConfigurationError(
            f"{file} has no provider, or more than {PROVIDERS_MAX}",
            "Write one [[provider]] table per provider",
        )
    return tables


def _provider(at: int, table: dict[str, Any], env: Mapping[str, str]) -> ProviderConfig:
    unknown = sorted(set(table) - KEYS)
    if unknown:
        fix = "Set api_key_env to the variable that holds the key"
        raise ConfigurationError(
            f"provider {at} has an unknown key: {unknown[0]}",
            fix if "key" in unknown[0] else f"It takes {', '.join(sorted(KEYS))}",
        )
    if not table.get("models"):
        raise ConfigurationError(f"provider {at} has no models", 'Add models = ["NAME", "name-*"]')
    fields = {name: value for name, value in table.items() if name != "api_key_env"}
    key = _key(at, str(table.get("api_key_env", "")), env)
    try:
        return ProviderConfig.model_validate({"name": f"provider-{at}", **fields, "api_key": key})
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        field = ".".join(map(str, first["loc"])) or "base_url"
        raise ConfigurationError(
            f"provider {at}: {field}: {first['msg']}", "Correct it in the providers file"
        ) from None


def _key(at: int, variable: str, env: Mapping[str, str]) -> SecretStr:
    if variable and variable not in env:
        raise ConfigurationError(
            f"provider {at} takes its key from {variable}, which is not set", f"Set {variable}"
        )
    return SecretStr(env.get(variable, "") if variable else "")
