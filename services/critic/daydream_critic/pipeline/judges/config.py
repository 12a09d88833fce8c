"""Read the judges from a TOML file with one [[judge]] table per judge, in the order of the panel:

kind = "model"                    # or the name of an entry point in daydream.judges
rubric = "essay"                  # or "skeptic", "facts", or the path of a prompt file
calls_max = 3                     # second opinions, where they are worth their price
family = ""                       # where the model's name does not tell it

`daydream_models.model_file` describes the keys of the model. A kind without a model takes
`clearance` only.
"""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from daydream_contracts.errors import ConfigurationError
from daydream_critic.families import family_of
from daydream_models.model_file import ModelFileFormat
from daydream_models.settings import ModelSettings

MODEL_KIND = "model"
RUBRICS = {
    "essay": "judge.v1.md",
    "skeptic": "judge-skeptic.v1.md",
    "facts": "judge-with-facts.v1.md",
}
JUDGES_MAX = 9
CALLS_MAX = 8
SETTING = "DAYDREAM_CRITIC_PANEL_FILE"
FORMAT = ModelFileFormat("judge", SETTING, JUDGES_MAX, ("kind", "rubric", "calls_max", "family"))


class JudgeConfig(BaseModel):
    """The settings of one judge."""

    model_config = ConfigDict(frozen=True)

    model: ModelSettings
    kind: str = MODEL_KIND
    rubric: str = "essay"
    calls_max: int = Field(1, ge=1, le=CALLS_MAX)
    family: str = ""

    @property
    def is_model(self) -> bool:
        """Return whether the judge is a language model."""
        return self.kind == MODEL_KIND

    @property
    def name(self) -> str:
        """Return the judge's name, as it is in verdicts: rubric and model, or the kind."""
        if not self.is_model:
            return self.kind
        return f"{Path(RUBRICS.get(self.rubric, self.rubric)).stem}@{self.model.name}"

    @property
    def model_family(self) -> str:
        """Return the family of its model, or "" for a judge that is no model."""
        if not self.is_model:
            return ""
        return self.family or family_of(self.model.name)


def read_panel(file: str, default: ModelSettings) -> tuple[JudgeConfig, ...]:
    """Return the judges of a file, or one judge with the service's own model if there is no file.

    Raise ConfigurationError, which names the wrong table, for a file that can't be used.
    """
    if not file:
        return (JudgeConfig(model=default),)
    configs = []
    for number, (model, fields) in enumerate(FORMAT.read(file, default), 1):
        try:
            configs.append(JudgeConfig(model=model, **fields))
        except ValidationError as error:
            raise FORMAT.wrong(number, error) from None
    if len({config.name for config in configs}) < len(configs):
        raise ConfigurationError(
            f"the panel {file} has the same judge twice",
            "Raise its calls_max instead, or give it another model or rubric",
        )
    return tuple(configs)
