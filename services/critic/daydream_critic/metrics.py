"""How good the critic is, as metrics. Every replica has the same experience, so take the maximum over them, not the sum."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from opentelemetry.metrics import CallbackOptions, Observation

from daydream_contracts.rpc import CriticState
from daydream_runtime.telemetry import Attribute, Telemetry


def observe(telemetry: Telemetry, state: Callable[[], CriticState]) -> None:
    """Say it whenever it is asked for."""
    gauge = telemetry.meters.get_meter("daydream").create_observable_gauge
    for name, description, of in (
        (
            "daydream.critic.canary_promotion_rate",
            "share of planted hypotheses that would be promoted, and its 95 % interval",
            _planted,
        ),
        (
            "daydream.critic.effective_judges",
            "to how many independent judges the panel amounts",
            lambda seen: [Observation(seen.effective_judges)],
        ),
        (
            "daydream.critic.position_bias",
            "what a judge favours the hypothesis by that it is shown first, in log-odds",
            _positions,
        ),
    ):
        gauge(name, [_observed(of, state)], unit="1", description=description)


def _observed(
    of: Callable[[CriticState], Iterable[Observation]], state: Callable[[], CriticState]
) -> Callable[[CallbackOptions], Iterable[Observation]]:
    return lambda _: list(of(state()))


def _planted(state: CriticState) -> Iterable[Observation]:
    for kind, share in (("bridge", state.bridges), ("decoy", state.decoys)):
        if share.count:
            for bound, value in (
                ("share", share.hits / share.count),
                ("low", share.low),
                ("high", share.high),
            ):
                yield Observation(value, {Attribute.CANARY: kind, "of": bound})


def _positions(state: CriticState) -> Iterable[Observation]:
    for judge in state.judges:
        if judge.comparisons:
            yield Observation(judge.position_bias, {"judge": judge.name})
