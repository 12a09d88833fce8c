"""Build the oracle: the only place that opens its real collaborators."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

from daydream_contracts.access import Clearances
from daydream_contracts.buckets import PLANS, PROMPTS
from daydream_contracts.events import CandidateNominated
from daydream_critic.metrics import VerdictMetrics
from daydream_critic.oracle import handlers
from daydream_critic.oracle.catalogues.selection import open_literature
from daydream_critic.oracle.evidence import EvidenceRetriever
from daydream_critic.oracle.oracle import Oracle
from daydream_critic.oracle.requests import control_request, refute_requests
from daydream_critic.oracle.settings import OracleSettings
from daydream_models.factory import open_model
from daydream_models.prompt import store_prompts
from daydream_models.release import release_reservation
from daydream_models.stage_plans import publish_plan
from daydream_runtime.application import Collaborators, ServiceApp
from daydream_runtime.runtime_context import Runtime


def create() -> ServiceApp:
    """Create the application from the environment."""
    return build(OracleSettings.read())


def build(settings: OracleSettings) -> ServiceApp:
    """Create the application. It connects to nothing before it is started."""
    return ServiceApp(
        settings,
        partial(open_collaborators, settings),
        consumers={CandidateNominated: handlers.candidate_nominated},
        concurrency=settings.concurrency,
    )


@asynccontextmanager
async def open_collaborators(
    settings: OracleSettings, runtime: Runtime
) -> AsyncIterator[Collaborators]:
    """Open the model, and publish what it costs before the first candidate is taken."""
    evidence = EvidenceRetriever(
        runtime.rpc,
        Clearances(settings.clearances),
        settings.model.clearance,
        settings.known_max,
        open_literature(settings),
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
        yield Collaborators(
            {"oracle": oracle, "metrics": VerdictMetrics(runtime.telemetry)},
            on_dead_letter=partial(release_reservation, runtime.rpc),
        )
