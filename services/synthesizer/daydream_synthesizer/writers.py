"""Read which models write, from the file that DAYDREAM_SYNTHESIZER_MODELS_FILE names."""

from __future__ import annotations

from daydream_contracts.errors import ConfigurationError
from daydream_models.model_file import ModelFileFormat
from daydream_models.settings import ModelSettings, check_clearance
from daydream_synthesizer.settings import SynthesizerSettings

WRITERS_MAX = 9
FORMAT = ModelFileFormat("writer", "DAYDREAM_SYNTHESIZER_MODELS_FILE", count_max=WRITERS_MAX)


def read_writers(settings: SynthesizerSettings) -> tuple[ModelSettings, ...]:
    """Return the models that write: those of the file, or the model of this role.

    Raise ConfigurationError for a model that occurs twice, or that is asked with another prompt
    than the rest: the prompt enters a hypothesis' id.
    """
    if not settings.models_file:
        return (settings.model,)
    models = tuple(model for model, _ in FORMAT.read(settings.models_file, settings.model))
    for model in models:
        check_clearance(settings.clearances, model.name, model.clearance)
        if model.short_answers != settings.model.short_answers:
            raise ConfigurationError(
                f"{model.name} in {settings.models_file} sets short_answers, which must be equal "
                "for all writers",
                "Set DAYDREAM_SYNTHESIZER_MODEL_SHORT_ANSWERS",
            )
    if len({model.name for model in models}) < len(models):
        raise ConfigurationError(
            f"{settings.models_file} has the same writer twice", "Name each model once"
        )
    return models
