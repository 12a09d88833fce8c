"""The strategies by name: those that come with the sampler, and those that other packages offer."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.metadata import entry_points

from daydream_contracts.errors import ConfigurationError
from daydream_sampler.strategies.chance import Reservoir, Unseen
from daydream_sampler.strategies.importance import Anchored, Importance
from daydream_sampler.strategies.interface import Strategy
from daydream_sampler.strategies.learned import Learned
from daydream_sampler.strategies.recheck import Recheck

GROUP = "daydream.strategies"
OWN: tuple[Strategy, ...] = (Importance(), Anchored(), Unseen(), Reservoir(), Learned(), Recheck())


def chosen(names: Sequence[str]) -> dict[str, Strategy]:
    """The strategies with these names. ConfigurationError for one that nobody offers."""
    known = {strategy.name: strategy for strategy in OWN}
    offered = {point.name: point for point in entry_points(group=GROUP)}
    found = {}
    for name in names:
        if name not in known and name not in offered:
            raise ConfigurationError(
                f"there is no strategy {name!r}",
                f"Choose among {', '.join([*known, *offered])} in DAYDREAM_SAMPLER_STRATEGIES",
            )
        found[name] = known[name] if name in known else offered[name].load()()
    return found
