"""Build the oracle and its collaborators."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from daydream_contracts.access import Clearances
from daydream_contracts.topology import PLANS, PROMPTS
from daydream_critic.metrics import VerdictMetrics
from daydream_critic.oracle.evidence import EvidenceRetriever
from daydream_critic.oracle.handlers import handlers
from daydream_critic.oracle.literature import load_literature
from daydream_critic.oracle.oracle import Oracle
from daydream_critic.oracle.requests import control_request, refute_requests
from daydream_critic.oracle.settings import OracleSettings
from daydream_models.factory import open_model
from daydream_models.prompt import store_prompts
from daydream_models.reservations import publish_plan
from daydream_runtime.service import Runtime, ServiceDefinition


@asynccontextmanager
async def build(runtime: Runtime, settings: OracleSettings) -> AsyncIterator[ServiceDefinition]:
    """Build the oracle. Its plan is published before it takes work."""
    evidence = EvidenceRetriever(
        runtime.ask,
        Clearances(settings.clearances),
        settings.model.clearance,
        settings.known_max,
        load_literature(settings.literature),
        settings.literature_max,
    )
    requests, control = refute_requests(settings), control_request(settings)
    async with open_model(runtime, settings) as model:
        oracle = Oracle(
            model, requests, control, evidence, settings.attempts, controls=settings.controls
        )
        await publish_plan(await runtime.bucket(PLANS), oracle.plan())
        prompts = [control.prompt, *(request.prompt for request in requests.values())]
        await store_prompts(await runtime.bucket(PROMPTS), prompts)
        yield ServiceDefinition(
            handlers(oracle, VerdictMetrics(runtime.telemetry)),
            loops=model.loops,
            concurrency=settings.concurrency,
        )
