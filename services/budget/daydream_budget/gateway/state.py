"""Describe the models of a replica, for people."""

from __future__ import annotations

from daydream_budget.gateway.models import Models, ServedModel
from daydream_contracts.rpc import GatewayState, ModelState


def gateway_state(models: Models, instance: str) -> GatewayState:
    """Return the state of this replica."""
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
