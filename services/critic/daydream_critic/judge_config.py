"""The judges from a TOML file (`model_tables`), a table for each, which may have besides what a model has:

rubric = "essay"                  # or "skeptic", or the path of a prompt of your own
calls_max = 3                     # second opinions, where they are worth their price
family = ""                       # where the name does not tell it
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from daydream_contracts.errors import ConfigurationError
from daydream_critic.families import family_of
from daydream_models.model_file import ModelFileFormat
from daydream_models.settings import ModelSettings

RUBRICS = {"essay": "judge.v1.md", "skeptic": "judge-skeptic.v1.md"}
JUDGES_MAX = 9
CALLS_MAX = 8
TABLES = ModelFileFormat(
    "judge", "DAYDREAM_CRITIC_PANEL_FILE", JUDGES_MAX, ("rubric", "calls_max", "family")
)


class JudgeConfig(BaseModel):
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
    def model_family(self) -> str:
        """Its family."""
        return self.family or family_of(self.model.name)


def read_panel(
    file: str, own: ModelSettings, env: Mapping[str, str] = os.environ
) -> tuple[JudgeConfig, ...]:
    """The judges of a file; without one, one judge with the service's own model. ConfigurationError says which line is wrong and how."""
    if not file:
        return (JudgeConfig(model=own),)
    judges = []
    for at, (model, own_fields) in enumerate(TABLES.read(file, own, env), 1):
        try:
            judges.append(JudgeConfig(model=model, **own_fields))
        except ValidationError as error:
            raise TABLES.wrong(at, error) from None
    names = [judge.name for judge in judges]
    if len(set(names)) < len(names):
        raise ConfigurationError(
            f"the panel {file} has the same judge twice",
            "Raise its calls_max instead, or give it another model or rubric",
        )
    return tuple(judges)
