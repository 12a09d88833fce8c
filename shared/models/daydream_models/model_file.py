"""Read several models from a TOML file, one table per model:

    [[judge]]
    model = "gpt-4.1-mini"            # and any other setting of a model: temperature, …

A setting that a table leaves out is that of the service's own model. Which provider serves a model
is for the gateway to know.
"""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError, create_model

from daydream_contracts.errors import ConfigurationError
from daydream_models.settings import ModelSettings

_RENAMED = {"name"}  # it is `model` in a table
_SETTINGS: dict[str, Any] = {
    name: (field.annotation, field)
    for name, field in ModelSettings.model_fields.items()
    if name not in _RENAMED
}
ModelTable: type[BaseModel] = create_model(
    "ModelTable",
    __config__=ConfigDict(extra="forbid"),
    model=(str, ""),
    **_SETTINGS,
)


@dataclass(frozen=True)
class ModelFileFormat:
    """The format of a service's file.

    `name` is that of a table, `variable` the one that names the file. `own` are keys of the service
    that a table may have besides those of a model.
    """

    name: str
    variable: str
    count_max: int
    own: Sequence[str] = ()

    def read(self, file: str, default: ModelSettings) -> list[tuple[ModelSettings, dict[str, Any]]]:
        """Return the model of each table, and the table's own keys.

        Raise ConfigurationError, which names the table that is wrong.
        """
        try:
            tables = tomllib.loads(Path(file).read_text("utf-8")).get(self.name)
        except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
            raise ConfigurationError(
                f"can't read {file}: {error}", f"Check {self.variable}: it names a TOML file"
            ) from None
        if not isinstance(tables, list) or not 1 <= len(tables) <= self.count_max:
            raise ConfigurationError(
                f"{file} has no {self.name}, or more than {self.count_max}",
                f"Write one [[{self.name}]] table per model",
            )
        return [self._read_table(at, table, default) for at, table in enumerate(tables, 1)]

    def _read_table(
        self, at: int, table: dict[str, Any], default: ModelSettings
    ) -> tuple[ModelSettings, dict[str, Any]]:
        own = {key: value for key, value in table.items() if key in self.own}
        try:
            row = ModelTable.model_validate(
                {key: value for key, value in table.items() if key not in own}
            )
            settings = row.model_dump(exclude_unset=True)
            name = settings.pop("model", default.name)
            model = ModelSettings.model_validate({**default.model_dump(), "name": name, **settings})
        except ValidationError as error:
            raise self.wrong(at, error) from None
        return model, own

    def wrong(self, at: int, error: ValidationError) -> ConfigurationError:
        """Return the first error of the table number `at`, counted from 1."""
        first = error.errors(include_url=False, include_input=False)[0]
        key = ".".join(map(str, first["loc"]))
        if first["type"] == "extra_forbidden":
            allowed = sorted({*ModelTable.model_fields, *self.own})
            return ConfigurationError(
                f"{self.name} {at} has an unknown key: {key}", f"It takes {', '.join(allowed)}"
            )
        return ConfigurationError(
            f"{self.name} {at}: {key}: {first['msg']}",
            f"Correct it in the file that {self.variable} names",
        )
