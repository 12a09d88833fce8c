"""Describe the models of all replicas, for people and for the sampler.

A model that only another replica was asked for is known here by its limiter, which replicas share,
and by its profile.
"""

from __future__ import annotations

from contextlib import suppress

from daydream_budget.gateway.models import Models, ServedModel
from daydream_contracts.errors import ConfigurationError
from daydream_contracts.rpc import GatewayState, ModelState


def gateway_state(models: Models, instance: str) -> GatewayState:
    """Return the state, as this replica knows it."""
    for limiter in models.limiters:
        with suppress(ConfigurationError):  # a model that has no price here
            models.open(limiter.key.model)
    return GatewayState(instance=instance, models=tuple(map(_model_state, models.known())))


def _model_state(model: ServedModel) -> ModelState:
    limiter = model.limiter.state()
    source = model.price.source()
    closed = limiter.status in ("closed", "stopped")
    # Without a waiting request there would be no probe: then it counts as open again.
    stopped = limiter.status == "stopped" and (limiter.closed_for_s > 0 or limiter.waiting > 0)
    return ModelState(
        model=model.name,
        provider=model.provider.config.name,
        base_url=str(model.provider.config.address),
        source=f"{source.source}: {source.detail}",
        stopped=limiter.reason if stopped else "",
        waiting_for=limiter.reason if closed else "",
        in_flight=limiter.in_flight,
        waiting=limiter.waiting,
        learned=tuple(model.learned()),
    )
