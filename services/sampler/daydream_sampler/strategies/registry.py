"""The strategies by name: those of the sampler, and those that other packages offer."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.metadata import entry_points

from daydream_contracts.errors import ConfigurationError
from daydream_sampler.strategies.anchored import Anchored
from daydream_sampler.strategies.importance import Importance
from daydream_sampler.strategies.interface import Strategy
from daydream_sampler.strategies.learned import Learned
from daydream_sampler.strategies.recheck import Recheck
from daydream_sampler.strategies.reservoir import Reservoir
from daydream_sampler.strategies.unseen import Unseen

GROUP = "daydream.strategies"
OWN: tuple[Strategy, ...] = (Importance(), Anchored(), Unseen(), Reservoir(), Learned(), Recheck())


def load_strategies(names: Sequence[str]) -> dict[str, Strategy]:
    """Return the strategies with these names. Raise ConfigurationError for an unknown name."""
    own = {strategy.name: strategy for strategy in OWN}
    offered = {point.name: point for point in entry_points(group=GROUP)}
    for name in names:
        if name not in own and name not in offered:
            raise ConfigurationError(
                f"Unknown strategy {name!r}",
                f"Choose among {', '.join([*own, *offered])} in DAYDREAM_SAMPLER_STRATEGIES",
            )
    return {name: own[name] if name in own else offered[name].load()() for name in names}
