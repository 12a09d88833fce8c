"""Open the judges of a panel: language models, and kinds that other packages offer."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AsyncExitStack

from daydream_critic.pipeline.judges.config import SETTING as PANEL_SETTING
from daydream_critic.pipeline.judges.config import JudgeConfig
from daydream_critic.pipeline.judges.interface import Judge, JudgeIdentity
from daydream_critic.pipeline.judges.model_judge import JudgeSpec, ModelJudge
from daydream_critic.pipeline.judges.requests import judge_requests
from daydream_critic.settings import CriticSettings
from daydream_models.factory import open_model
from daydream_runtime.plugins import load_plugin
from daydream_runtime.runtime_context import Runtime

GROUP = "daydream.judges"
# Judges that are no language model, by their kind in the panel's file. None is bundled yet.
BUNDLED: Mapping[str, Callable[[JudgeConfig], Judge]] = {}


def judge_spec(settings: CriticSettings, config: JudgeConfig) -> JudgeSpec:
    """Return a judge that is a language model, without its model."""
    requests = judge_requests(settings, config)
    return JudgeSpec(config.name, requests, config.model_family, config.calls_max)


def code_judge(config: JudgeConfig) -> Judge:
    """Return a judge that is no language model.

    Raise ConfigurationError, which lists the known kinds, for an unknown one.
    """
    setting = f"a kind in the file of {PANEL_SETTING}"
    return load_plugin(GROUP, config.kind, setting, BUNDLED)(config)


def identify_judges(
    settings: CriticSettings, configs: Sequence[JudgeConfig]
) -> tuple[JudgeIdentity, ...]:
    """Return what the history knows the judges by, without opening their models."""
    return tuple(
        judge_spec(settings, config) if config.is_model else code_judge(config)
        for config in configs
    )


async def open_judges(
    runtime: Runtime,
    stack: AsyncExitStack,
    settings: CriticSettings,
    configs: Sequence[JudgeConfig],
) -> tuple[Judge, ...]:
    """Open the judges in the order of the panel. `stack` closes their models."""
    judges: list[Judge] = []
    for config in configs:
        if not config.is_model:
            judges.append(code_judge(config))
            continue
        spec = judge_spec(settings, config)
        model = await stack.enter_async_context(open_model(runtime, settings, config.model))
        judges.append(
            ModelJudge(
                spec.name,
                spec.requests,
                spec.family,
                spec.calls_max,
                model=model,
                hypotheses_max=settings.hypotheses_per_call,
            )
        )
    return tuple(judges)
