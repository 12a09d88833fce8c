"""The arms: the essay's plain loop, ours, and ours without one part each.

An arm is the system as shipped, with a few settings. The environment's own settings of the stages
do not count (`shipped_settings`), so that two people who name the same arm run the same thing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from daydream_console.local.stack import SERVICES
from daydream_contracts.errors import ConfigurationError
from daydream_models.stage_plans import ORACLE

NOTHING = "none"  # an empty list: an empty variable means the default
STAGE_PREFIXES = tuple(
    f"DAYDREAM_{service}_" for service in ("SAMPLER", "SYNTHESIZER", "CRITIC", "ORACLE", "MEMORY")
)
KEPT = ("_MODEL_", "_CONCURRENCY", "_PAIRS_AHEAD", "_EMBEDDING_", "_THREADS")
UNIFORM = {"DAYDREAM_SAMPLER_STRATEGIES": NOTHING, "DAYDREAM_SAMPLER_UNIFORM_FLOOR": "1"}
NO_ORACLE = {"DAYDREAM_SAMPLER_STAGES": "synthesizer,critic"}
NO_CALIBRATION = {
    "DAYDREAM_SAMPLER_CANARY_SHARE": "0",
    "DAYDREAM_CRITIC_PROMOTE_BY": "score",
}
NO_WRITE_BACK = {"DAYDREAM_MEMORY_QUARANTINE": "true"}
PLAIN = {
    **UNIFORM,
    **NO_ORACLE,
    **NO_CALIBRATION,
    "DAYDREAM_SYNTHESIZER_PROMPT_FILE": "essay.v1",
    "DAYDREAM_CRITIC_PROMPT_FILE": "essay.v1",
    "DAYDREAM_CRITIC_GATES": NOTHING,
    "DAYDREAM_CRITIC_PROMOTE_SCORE": "7",
    "DAYDREAM_CRITIC_MIN_SCORE": "1",
    "DAYDREAM_CRITIC_COMPARE_MAX": "0",
}


@dataclass(frozen=True)
class Arm:
    """One way to run the system."""

    name: str
    text: str
    settings: Mapping[str, str] = field(default_factory=dict)

    @property
    def services(self) -> tuple[str, ...]:
        """Return the services that it runs: no console, and the oracle only where it has work."""
        stages = self.settings.get("DAYDREAM_SAMPLER_STAGES", ORACLE)
        return tuple(
            service
            for service in SERVICES
            if service != "console" and (service != ORACLE or ORACLE in stages)
        )


PLAIN_ARM, FULL_ARM = "plain", "daydream"
ARMS = {
    arm.name: arm
    for arm in (
        Arm(PLAIN_ARM, "the essay: its prompts, uniform pairs, one critic, mean ≥ 7", PLAIN),
        Arm("uniform", "ours with uniform pairs", UNIFORM),
        Arm("uncalibrated", "ours with scores as they are, mean ≥ 7", NO_CALIBRATION),
        Arm("no-oracle", "ours without the oracle", NO_ORACLE),
        Arm("no-write-back", "ours, whose insights do not become facts", NO_WRITE_BACK),
        Arm(FULL_ARM, "ours as shipped"),
    )
}
ABLATIONS = tuple(name for name in ARMS if name not in (PLAIN_ARM, FULL_ARM))


def read_arms(text: str) -> tuple[Arm, ...]:
    """Return the arms of a list with commas, each once. `ablations` stands for four.

    Raise ConfigurationError for an unknown name.
    """
    names: list[str] = []
    for word in filter(None, map(str.strip, text.split(","))):
        names += ABLATIONS if word == "ablations" else (word,)
    unknown = [name for name in names if name not in ARMS]
    if unknown or not names:
        raise ConfigurationError(
            f"There is no arm {', '.join(unknown) or 'in an empty list'}",
            f"Use some of {', '.join(ARMS)}, or ablations",
        )
    return tuple(ARMS[name] for name in dict.fromkeys(names))


def shipped_settings(environment: Mapping[str, str]) -> dict[str, str]:
    """Return what resets the stages' own settings to what is shipped.

    Models and speed stay as they are: both are the same for all arms.
    """
    return {
        name: ""
        for name in environment
        if name.startswith(STAGE_PREFIXES) and not any(part in name for part in KEPT)
    }


def caps_usd(total_usd: float, measuring_share: float, arms: Sequence[Arm], runs: int) -> float:
    """Return the cap of each run of an arm: what measuring leaves, in equal parts."""
    return total_usd * (1 - measuring_share) / (len(arms) * runs)
