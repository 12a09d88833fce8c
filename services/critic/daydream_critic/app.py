"""Build the critic: the only place that opens its real collaborators."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial

from nats.js.kv import KeyValue

from daydream_contracts.buckets import CRITIC, DECISION_RECORDS, PLANS, PROMPTS
from daydream_contracts.events import HypothesisProposed
from daydream_contracts.topology import CRITIC_STATE
from daydream_critic import handlers
from daydream_critic.calibration.calibration_budget import CalibrationBudget
from daydream_critic.calibration.calibration_store import CalibrationStore
from daydream_critic.calibration.calibrator import Calibrator
from daydream_critic.families import family_of
from daydream_critic.history.calibrated_history import CalibratedHistory
from daydream_critic.history.critic_history import CriticHistory
from daydream_critic.history.history_projector import HistoryProjector
from daydream_critic.history.report import CriticReport, warnings_of
from daydream_critic.metrics import VerdictMetrics, observe
from daydream_critic.pipeline.comparison import PairwiseComparer, compare_request
from daydream_critic.pipeline.critic import Critic
from daydream_critic.pipeline.decision import PromotionRule
from daydream_critic.pipeline.decision_log import DecisionLog
from daydream_critic.pipeline.gates.registry import open_gates
from daydream_critic.pipeline.judge_panel import JudgePanel
from daydream_critic.pipeline.judges.config import JudgeConfig, read_panel
from daydream_critic.pipeline.judges.interface import Judge, JudgeIdentity
from daydream_critic.pipeline.judges.registry import identify_judges, judge_spec, open_judges
from daydream_critic.pipeline.memory_lookup import MemoryLookup
from daydream_critic.settings import CriticSettings
from daydream_critic.stage_plan import plan_of
from daydream_models.canaries.canary_set import CanarySet
from daydream_models.prompt import Prompt, store_prompts
from daydream_models.release import release_reservation
from daydream_models.settings import check_clearance
from daydream_models.stage_plans import publish_plan, read_plans
from daydream_runtime.application import Collaborators, ServiceApp
from daydream_runtime.leader import LeaderLease
from daydream_runtime.runtime_context import Runtime
from daydream_runtime.verdict_projection import Projector

log = logging.getLogger(__name__)
HISTORY_KEY = "history.v2"
LEASE_KEY = "calibration-lease"
WRITER_STAGE = "synthesizer"


def create() -> ServiceApp:
    """Create the application from the environment."""
    return build(CriticSettings.read())


def build(settings: CriticSettings) -> ServiceApp:
    """Create the application. It connects to nothing before it is started."""
    return ServiceApp(
        settings,
        partial(open_collaborators, settings),
        consumers={HypothesisProposed: handlers.hypothesis_proposed} if settings.enabled else {},
        endpoints={CRITIC_STATE: handlers.critic_state},
        concurrency=settings.concurrency,
    )


@asynccontextmanager
async def open_collaborators(
    settings: CriticSettings, runtime: Runtime
) -> AsyncIterator[Collaborators]:
    """Open the judges, and publish what they cost before the first hypothesis is taken."""
    configs = read_judges(settings)
    bucket = await runtime.bucket(CRITIC)
    projector = Projector(runtime.js, bucket, HISTORY_KEY, CriticHistory())
    await projector.load()
    identities = identify_judges(settings, configs)
    async with AsyncExitStack() as stack:
        judges: Sequence[Judge] = ()
        if settings.enabled:
            judges = await open_judges(runtime, stack, settings, configs)
        calibrator = make_calibrator(settings, runtime, judges, bucket)

        def calibrated_history() -> CalibratedHistory:
            return CalibratedHistory(projector.projection, calibrator.calibrations)

        report = CriticReport(calibrated_history, identities, settings, lambda: calibrator.progress)
        warnings = partial(_warnings, calibrated_history, identities)
        history_projector = HistoryProjector(projector, runtime, warnings)
        if not settings.enabled:
            await history_projector.catch_up()
            await calibrator.read_stored(identities)
            yield Collaborators({"report": report}, [history_projector.keep_up])
            return
        observe(runtime.telemetry, report.state)
        await _publish_plan(runtime, settings, configs, judges)
        decisions = await runtime.bucket(DECISION_RECORDS)
        critic = make_critic(
            settings, runtime, judges, calibrated_history, decisions, calibrator.settled
        )
        yield Collaborators(
            {
                "critic": critic,
                "metrics": VerdictMetrics(runtime.telemetry),
                "report": report,
            },
            [history_projector.keep_up, calibrator.calibrate_forever],
            on_dead_letter=partial(release_reservation, runtime.rpc),
        )
        if runtime.nc.is_connected:
            await projector.save()


def make_calibrator(
    settings: CriticSettings, runtime: Runtime, judges: Sequence[Judge], bucket: KeyValue
) -> Calibrator:
    """Return what calibrates the judges, on as many canaries as the settings say.

    Raise ConfigurationError for canaries that can't be read.
    """
    canaries = CanarySet.read(settings.canary_folder, "DAYDREAM_CRITIC_CANARY_FOLDER")
    count = settings.calibration_canaries if settings.promote_by == "ranks" else 0
    return Calibrator(
        runtime,
        judges,
        canaries.first(count),
        CalibrationStore(bucket, canaries.digest),
        LeaderLease(bucket, LEASE_KEY),
        CalibrationBudget(runtime.rpc, settings.calibration_share_max),
    )


def _warnings(
    calibrated_history: Callable[[], CalibratedHistory], judges: Sequence[JudgeIdentity]
) -> tuple[str, ...]:
    return warnings_of(calibrated_history(), judges)


def read_judges(settings: CriticSettings) -> tuple[JudgeConfig, ...]:
    """Return the judges of the panel.

    Raise ConfigurationError for a panel file that can't be used, or an unknown clearance.
    """
    configs = read_panel(settings.panel_file, settings.model)
    for config in configs:
        check_clearance(settings.clearances, config.name, config.model.clearance)
    return configs


def make_critic(
    settings: CriticSettings,
    runtime: Runtime,
    judges: Sequence[Judge],
    calibrated_history: Callable[[], CalibratedHistory],
    decisions: KeyValue,
    calibrated: Callable[[], Awaitable[None]],
) -> Critic:
    """Return the pipeline with the gates and judges that the settings name."""
    comparer = PairwiseComparer(
        compare_request(), runtime.rpc, settings.compare_max, lambda: calibrated_history().history
    )
    return Critic(
        gates=open_gates(settings),
        log=DecisionLog(decisions),
        memory=MemoryLookup(runtime.rpc),
        panel=JudgePanel(judges, calibrated_history, settings, calibrated),
        comparer=comparer if settings.compare_max else None,
        rule=PromotionRule(settings),
    )


async def _publish_plan(
    runtime: Runtime,
    settings: CriticSettings,
    configs: Sequence[JudgeConfig],
    judges: Sequence[Judge],
) -> None:
    plans = await runtime.bucket(PLANS)
    await publish_plan(plans, plan_of(judges, compare_request(), settings.compare_max))
    await store_prompts(await runtime.bucket(PROMPTS), prompts_of(settings, configs))
    await _warn_of_related_judges(plans, configs)


def prompts_of(settings: CriticSettings, configs: Sequence[JudgeConfig]) -> list[Prompt]:
    """Return all prompts. They are stored, so that a verdict can be inspected later."""
    specs = [judge_spec(settings, config) for config in configs if config.is_model]
    requests = [request for spec in specs for request in spec.requests.values()]
    return [compare_request().prompt, *(request.prompt for request in requests)]


async def _warn_of_related_judges(plans: KeyValue, configs: Sequence[JudgeConfig]) -> None:
    """Log which judges share the writer's family, as far as the writer is known at the start."""
    writer = (await read_plans(plans, [WRITER_STAGE])).get(WRITER_STAGE)
    if writer is None:
        return
    family = family_of(writer.model)
    related = [config.name for config in configs if config.model_family == family]
    if len(related) == len(configs):
        log.warning(
            "all judges are of the writer's model family: verdicts will be marked self-judged"
        )
    elif related:
        log.warning("judges of the writer's model family will not judge: %s", ", ".join(related))
