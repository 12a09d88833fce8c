"""The gates by name: the bundled ones, and those that other packages offer."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from daydream_critic.pipeline.gates.chain import GateChain
from daydream_critic.pipeline.gates.duplicate_gates import DuplicateGate, RestatementGate
from daydream_critic.pipeline.gates.interface import Gate
from daydream_critic.pipeline.gates.text_gates import CopyGate, MalformedGate, RepetitionGate
from daydream_critic.settings import CriticSettings
from daydream_runtime.plugins import load_plugin

GROUP = "daydream.gates"
SETTING = "DAYDREAM_CRITIC_GATES"
GateFactory = Callable[[CriticSettings], Gate]
BUNDLED: Mapping[str, GateFactory] = {
    "malformed": lambda _: MalformedGate(),
    "repetitive": lambda _: RepetitionGate(),
    "copied": lambda _: CopyGate(),
    "restatement": lambda settings: RestatementGate(
        settings.restatement_similarity, settings.same_false_share
    ),
    "duplicate": lambda settings: DuplicateGate(
        settings.duplicate_similarity, settings.same_false_share
    ),
}


def open_gates(settings: CriticSettings) -> GateChain:
    """Return the gates that the settings name, in their order.

    Raise ConfigurationError, which lists the known names, for an unknown one.
    """
    factories = [load_plugin(GROUP, name, SETTING, BUNDLED) for name in settings.gates]
    return GateChain(tuple(factory(settings) for factory in factories))
