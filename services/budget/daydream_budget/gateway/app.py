"""Build the gateway: the only place that opens its real collaborators."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import partial

from daydream_budget.gateway import handlers
from daydream_budget.gateway.answer_alerts import AnswerAlerts
from daydream_budget.gateway.api.routes import ApiRoutes
from daydream_budget.gateway.attempts import Attempts
from daydream_budget.gateway.batch.lane import BatchApis, BatchLane
from daydream_budget.gateway.batch.records import BatchRecords
from daydream_budget.gateway.batch.worker import BatchTiming, BatchWorker
from daydream_budget.gateway.callers import Callers
from daydream_budget.gateway.calls.claims import CallClaims
from daydream_budget.gateway.calls.record_store import CallRecordStore
from daydream_budget.gateway.calls.replicas import ReplicaLiveness
from daydream_budget.gateway.funds import Funds
from daydream_budget.gateway.issued_keys import IssuedKeys
from daydream_budget.gateway.limiter.metrics import LimiterMetrics
from daydream_budget.gateway.limiter.nats_channel import NatsReplicaChannel
from daydream_budget.gateway.limiter.registry import LimiterRegistry
from daydream_budget.gateway.metrics import CallMetrics
from daydream_budget.gateway.model_probes import ModelProbes
from daydream_budget.gateway.model_profile_store import ModelProfileStore
from daydream_budget.gateway.models import Models
from daydream_budget.gateway.pass_through import PassThrough
from daydream_budget.gateway.providers.providers_file import Providers
from daydream_budget.gateway.purchase import Purchases
from daydream_budget.gateway.settings import GatewaySettings
from daydream_budget.gc_tuning import freeze_heap
from daydream_budget.pricing.price_file import read_prices
from daydream_contracts.buckets import BATCHES, ISSUED_KEYS, MODEL_PROFILES
from daydream_contracts.topology import (
    GATEWAY_ADD_KEY,
    GATEWAY_KEYS,
    GATEWAY_QUOTE,
    GATEWAY_REVOKE_KEY,
    GATEWAY_STATE,
)
from daydream_runtime.application import Collaborators, ServiceApp
from daydream_runtime.registration import EndpointHandlers
from daydream_runtime.runtime_context import Runtime

SETTLE_S_MAX = 5.0  # at the stop
ENDPOINTS: EndpointHandlers = {
    GATEWAY_QUOTE: handlers.quote_model,
    GATEWAY_STATE: handlers.state,
    GATEWAY_KEYS: handlers.list_keys,
    GATEWAY_ADD_KEY: handlers.add_key,
    GATEWAY_REVOKE_KEY: handlers.revoke_key,
}


def create() -> ServiceApp:
    """Create the application from the environment."""
    return build(GatewaySettings.read())


def build(settings: GatewaySettings) -> ServiceApp:
    """Create the application. It connects to nothing before it is started."""
    return ServiceApp(settings, partial(open_collaborators, settings), endpoints=ENDPOINTS)


@dataclass(frozen=True)
class Gateway:
    """What a replica of the gateway is made of."""

    models: Models
    profiles: ModelProfileStore
    keys: IssuedKeys
    purchases: Purchases
    batch_worker: BatchWorker
    pass_through: PassThrough
    api: ApiRoutes


@asynccontextmanager
async def open_collaborators(
    settings: GatewaySettings, runtime: Runtime
) -> AsyncIterator[Collaborators]:
    """Open the door to the models. Calls in progress at the stop end or are given up in order."""
    async with open_gateway(settings, runtime) as gateway:
        freeze_heap()
        yield Collaborators(
            {"models": gateway.models, "keys": gateway.keys, "instance": settings.instance},
            loops=[
                partial(gateway.batch_worker.run, runtime.pause, runtime.stopping.is_set),
                partial(
                    gateway.profiles.run, gateway.models, runtime.pause, runtime.stopping.is_set
                ),
            ],
            routes=gateway.api.routes,
        )


@asynccontextmanager
async def open_gateway(settings: GatewaySettings, runtime: Runtime) -> AsyncIterator[Gateway]:
    """Open a replica. Raise ConfigurationError for prices or providers that can't be read."""
    providers = Providers.read(settings.model, settings.providers_file)
    prices = read_prices(settings.prices_file)
    keys = IssuedKeys(await runtime.bucket(ISSUED_KEYS))
    profiles = ModelProfileStore(await runtime.bucket(MODEL_PROFILES))
    await profiles.load()
    replicas = ReplicaLiveness(runtime.nc, settings.instance)
    async with open_limiters(runtime, providers) as limiters, replicas.alive():
        models = Models(providers, prices, limiters, settings.output_tokens_max, profiles.known)
        attempts = Attempts(
            models,
            Funds(runtime.rpc),
            AnswerAlerts(runtime.publish),
            CallMetrics(runtime.telemetry),
            settings.patience_s,
            ModelProbes(profiles),
        )
        records = await CallRecordStore.open_buckets(runtime.nc, runtime.js, runtime.bucket)
        claims = CallClaims(records, replicas)
        batches = BatchRecords(runtime.js, await runtime.bucket(BATCHES))
        lane = BatchLane(batches, BatchApis(models), attempts)
        purchases = Purchases(claims, attempts, lane, settings.patience_s)
        callers = Callers(settings.stage_keys.secrets(), keys.bucket)
        pass_through = PassThrough(attempts)
        try:
            yield Gateway(
                models,
                profiles,
                keys,
                purchases,
                BatchWorker(lane, claims, _batch_timing(settings)),
                pass_through,
                ApiRoutes(callers, models, purchases, pass_through, runtime.telemetry),
            )
        finally:
            await asyncio.gather(
                purchases.finish(settings.stop_timeout_s),
                pass_through.finish(settings.stop_timeout_s),
            )
            if attempts.probes is not None:
                await attempts.probes.close()
            await attempts.alerts.finish()
            await attempts.funds.finish(SETTLE_S_MAX)
            await models.close()


@asynccontextmanager
async def open_limiters(runtime: Runtime, providers: Providers) -> AsyncIterator[LimiterRegistry]:
    """Open the limiters, shared with other replicas."""
    metrics = LimiterMetrics(runtime.telemetry)
    async with NatsReplicaChannel(runtime.nc) as channel:
        limiters = LimiterRegistry(
            lambda key: providers.for_model(key.model).limits(),
            asyncio.get_running_loop(),
            channel=channel,
            observer=metrics,
        )
        metrics.watch(limiters)
        limiters.start()
        try:
            yield limiters
        finally:
            limiters.stop()


def _batch_timing(settings: GatewaySettings) -> BatchTiming:
    return BatchTiming(
        collect=timedelta(seconds=settings.batch_collect_s),
        poll=timedelta(seconds=settings.batch_poll_s),
    )
