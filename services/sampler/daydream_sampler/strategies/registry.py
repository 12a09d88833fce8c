"""The strategies by name: the bundled ones, and those that other packages offer."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from daydream_runtime.plugins import load_plugin
from daydream_sampler.strategies.anchored import Anchored
from daydream_sampler.strategies.importance import Importance
from daydream_sampler.strategies.interface import Strategy
from daydream_sampler.strategies.learned import Learned
from daydream_sampler.strategies.recheck import Recheck
from daydream_sampler.strategies.reservoir import Reservoir
from daydream_sampler.strategies.stratified import STRATIFIED, Stratified
from daydream_sampler.strategies.unseen import Unseen

GROUP = "daydream.strategies"
SETTING = "DAYDREAM_SAMPLER_STRATEGIES"
BUNDLED: Mapping[str, Callable[[], Strategy]] = {
    STRATIFIED: Stratified,
    "importance": Importance,
    "anchored": Anchored,
    "unseen": Unseen,
    "reservoir": Reservoir,
    "learned": Learned,
    "recheck": Recheck,
}


def load_strategies(names: Sequence[str]) -> dict[str, Strategy]:
    """Return the strategies with these names. Raise ConfigurationError for an unknown name."""
    return {name: load_plugin(GROUP, name, SETTING, BUNDLED)() for name in names}
