"""The judges from a TOML file, a table for each:

    [[judge]]
    model = "gpt-4.1-mini"            # and any other setting of a model: base_url, provider, free, temperature, brief, …
    api_key_env = "OPENAI_API_KEY"    # the environment variable that holds its key; without it the key of the service's model
    rubric = "essay"                  # or "skeptic", or the path of a prompt of your own
    calls_max = 3                     # second opinions, where they are worth their price
    family = ""                       # where the name does not tell it

What a table does not say is as in the settings of the service's own model. Keys stay out of the file.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError

from daydream_critic.families import family_of
from daydream_shared.failures import WrongSetting
from daydream_shared.settings import ModelSettings

RUBRICS = {"essay": "judge.v1.md", "skeptic": "judge-skeptic.v1.md"}
JUDGES_MAX = 9
CALLS_MAX = 8
OWN = ("rubric", "calls_max", "family")
KNOWN = frozenset({"model", "api_key_env", *OWN, *ModelSettings.model_fields}) - {"name", "api_key", "clearances"}


class Juror(BaseModel):
    """One judge as it is set."""

    model_config = ConfigDict(frozen=True)

    model: ModelSettings
    rubric: str = "essay"
    calls_max: int = Field(1, ge=1, le=CALLS_MAX)
    family: str = ""

    @property
    def name(self) -> str:
        """How verdicts name it."""
        return f"{Path(RUBRICS.get(self.rubric, self.rubric)).stem}@{self.model.name}"

    @property
    def kin(self) -> str:
        """Its family."""
        return self.family or family_of(self.model.name)


def read_panel(file: str, own: ModelSettings, env: Mapping[str, str] = os.environ) -> tuple[Juror, ...]:
    """The judges of a file; without one, one judge with the service's own model. WrongSetting says which line is wrong and how."""
    if not file:
        return (Juror(model=own),)
    try:
        tables = tomllib.loads(Path(file).read_text("utf-8")).get("judge")
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise WrongSetting(f"can't read the panel {file}: {error}", "Check DAYDREAM_CRITIC_PANEL_FILE: it names a TOML file") from None
    if not isinstance(tables, list) or not 1 <= len(tables) <= JUDGES_MAX:
        raise WrongSetting(f"the panel {file} has no judges, or more than {JUDGES_MAX}", "Write a [[judge]] table for each")
    judges = tuple(_juror(at, table, own, env) for at, table in enumerate(tables, 1))
    names = [judge.name for judge in judges]
    if len(set(names)) < len(names):
        raise WrongSetting(f"the panel {file} has the same judge twice", "Raise its calls_max instead, or give it another model or rubric")
    return judges


def _juror(at: int, table: dict[str, Any], own: ModelSettings, env: Mapping[str, str]) -> Juror:
    unknown = set(table) - KNOWN
    if unknown:
        raise WrongSetting(f"judge {at} of the panel has {', '.join(sorted(unknown))}", f"It takes {', '.join(sorted(KNOWN))}")
    more: dict[str, Any] = {name: value for name, value in table.items() if name in ModelSettings.model_fields}
    if variable := table.get("api_key_env"):
        if variable not in env:
            raise WrongSetting(f"judge {at} of the panel takes its key from {variable}, which isn't set", f"Set {variable}")
        more["api_key"] = SecretStr(env[variable])
    try:
        model = ModelSettings.model_validate({**own.model_dump(), "name": table.get("model", own.name), **more})
        return Juror(model=model, **{name: table[name] for name in OWN if name in table})
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        raise WrongSetting(f"judge {at} of the panel: {'.'.join(map(str, first['loc']))}: {first['msg']}", "Correct it in the panel's file") from None
