"""Several models from a TOML file, a table for each:

    [[judge]]
    model = "gpt-4.1-mini"            # and any other setting of a model: base_url, provider, free, temperature, brief, …
    api_key_env = "OPENAI_API_KEY"    # the environment variable that holds its key; without it the key of the service's model

What a table does not say is as in the settings of the service's own model. Keys stay out of the file.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import SecretStr, ValidationError

from daydream_contracts.errors import ConfigurationError
from daydream_models.settings import ModelSettings

FIELDS = frozenset({"model", "api_key_env", *ModelSettings.model_fields}) - {
    "name",
    "api_key",
    "clearances",
}


@dataclass(frozen=True)
class ModelFileFormat:
    """How a service's file is read. `name`: of a table; `variable`: that names the file; `own`: what its tables take besides."""

    name: str
    variable: str
    count_max: int
    own: Sequence[str] = ()

    def read(
        self, file: str, default: ModelSettings, env: Mapping[str, str] = os.environ
    ) -> list[tuple[ModelSettings, dict[str, Any]]]:
        """The model of each table, and what the service takes besides. ConfigurationError says which table is wrong and how."""
        try:
            tables = tomllib.loads(Path(file).read_text("utf-8")).get(self.name)
        except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
            raise ConfigurationError(
                f"can't read {file}: {error}", f"Check {self.variable}: it names a TOML file"
            ) from None
        if not isinstance(tables, list) or not 1 <= len(tables) <= self.count_max:
            raise ConfigurationError(
                f"{file} has no {self.name}, or more than {self.count_max}",
                f"Write a [[{self.name}]] table for each",
            )
        return [self._one(at, table, default, env) for at, table in enumerate(tables, 1)]

    def _one(
        self, at: int, table: dict[str, Any], default: ModelSettings, env: Mapping[str, str]
    ) -> tuple[ModelSettings, dict[str, Any]]:
        known = FIELDS | set(self.own)
        if unknown := set(table) - known:
            raise ConfigurationError(
                f"{self.name} {at} has {', '.join(sorted(unknown))}",
                f"It takes {', '.join(sorted(known))}",
            )
        more: dict[str, Any] = {
            name: value for name, value in table.items() if name in ModelSettings.model_fields
        }
        if variable := table.get("api_key_env"):
            if variable not in env:
                raise ConfigurationError(
                    f"{self.name} {at} takes its key from {variable}, which isn't set",
                    f"Set {variable}",
                )
            more["api_key"] = SecretStr(env[variable])
        try:
            model = ModelSettings.model_validate(
                {**default.model_dump(), "name": table.get("model", default.name), **more}
            )
        except ValidationError as error:
            raise self.wrong(at, error) from None
        return model, {name: table[name] for name in self.own if name in table}

    def wrong(self, at: int, error: ValidationError) -> ConfigurationError:
        """What is said of the `at`-th table, counted from 1."""
        first = error.errors(include_url=False, include_input=False)[0]
        return ConfigurationError(
            f"{self.name} {at}: {'.'.join(map(str, first['loc']))}: {first['msg']}",
            f"Correct it in the file of {self.variable}",
        )
