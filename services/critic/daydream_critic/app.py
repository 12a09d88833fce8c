"""Puts the critic together."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager

from nats.js.kv import KeyValue

from daydream_contracts.events import ShortSynthesis, Synthesis
from daydream_contracts.prompts import COMPARED_CHARS_MAX
from daydream_contracts.rpc import CriticState
from daydream_contracts.topology import CRITIC, DECISION_RECORDS, PLANS, PROMPTS
from daydream_critic.families import family_of
from daydream_critic.handlers import endpoints, handlers
from daydream_critic.history.projection import CriticHistory
from daydream_critic.history.projector import HistoryProjector
from daydream_critic.history.report import state_of
from daydream_critic.judge_config import RUBRICS, JudgeConfig, read_panel
from daydream_critic.metrics import observe
from daydream_critic.pipeline import comparison
from daydream_critic.pipeline.comparison import PairwiseComparer
from daydream_critic.pipeline.critic import Critic
from daydream_critic.pipeline.judge import (
    Judge,
    JudgeSpec,
    schema,
    synthesis_bytes_max,
    tokens_max,
)
from daydream_critic.pipeline.judge_panel import JudgePanel
from daydream_critic.settings import CriticSettings
from daydream_models.factory import open_model
from daydream_models.prompt import load_prompt, store_prompts
from daydream_models.request_spec import RequestSpec, RequestSpecs
from daydream_models.reservations import FULL, MINIMAL, SHORT, StagePlan, publish_plan, read_plans
from daydream_models.settings import check_clearance
from daydream_runtime.projection import Projector
from daydream_runtime.service import Runtime, ServiceDefinition

log = logging.getLogger(__name__)
EXPERIENCE = "experience.v1"
WRITER = "synthesizer"
DEFAULT_RUBRIC = "essay"
PLACEHOLDERS = frozenset({"hypothesis", "reasoning", "implication"})


@asynccontextmanager
async def build(runtime: Runtime, settings: CriticSettings) -> AsyncIterator[ServiceDefinition]:
    """The critic over its judges; it says what they cost before it takes work."""
    jurors = read_panel(settings.panel_file, settings.model)
    for juror in jurors:
        check_clearance(settings.clearances, juror.name, juror.model.clearance)
    following = Projector(runtime.js, await runtime.bucket(CRITIC), EXPERIENCE, CriticHistory())
    await following.load()
    seats = [
        JudgeSpec(juror.name, forms(settings, juror), juror.model_family, juror.calls_max)
        for juror in jurors
    ]

    def state() -> CriticState:
        return state_of(following.fold, seats, settings)

    answers = endpoints(state)
    async with AsyncExitStack() as stack:
        learning = HistoryProjector(following, runtime)
        if not settings.judges:
            await learning.catch_up()
            yield ServiceDefinition(endpoints=answers, loops=(learning.keep_up,))
            return
        judges = [
            await _judge(runtime, stack, settings, seat, juror)
            for seat, juror in zip(seats, jurors, strict=True)
        ]
        observe(runtime.telemetry, state)
        plans, compared = await runtime.bucket(PLANS), compare_form()
        await publish_plan(plans, plan_of(judges, compared, settings.compare_max))
        await store_prompts(
            await runtime.bucket(PROMPTS),
            [compared.prompt, *(form.prompt for seat in seats for form in seat.forms.values())],
        )
        await _say_who_is_kin(plans, jurors)
        pairs = (
            PairwiseComparer(compared, runtime.ask, settings.compare_max)
            if settings.compare_max
            else None
        )
        critic = Critic(
            JudgePanel(judges, following, settings, pairs),
            runtime.ask,
            settings,
            await runtime.bucket(DECISION_RECORDS),
        )
        loops = [loop for judge in judges for loop in judge.model.loops]
        yield ServiceDefinition(
            handlers(critic, runtime.telemetry),
            answers,
            (*loops, learning.keep_up),
            concurrency=settings.concurrency,
        )
        if runtime.nc.is_connected:
            await following.save()


async def _judge(
    runtime: Runtime,
    stack: AsyncExitStack,
    settings: CriticSettings,
    seat: JudgeSpec,
    juror: JudgeConfig,
) -> Judge:
    model = await stack.enter_async_context(open_model(runtime, settings, juror.model))
    return Judge(seat.name, seat.forms, seat.family, seat.calls_max, model=model)


def plan_of(judges: Sequence[Judge], compared: RequestSpec, neighbours_max: int) -> StagePlan:
    """What all judges together may cost, and the comparisons of the last one: the first one's plan, with those of the others."""
    plans = [judge.plan(first=at == 0) for at, judge in enumerate(judges)]
    comparison = judges[-1].model.plan({FULL: compared}).fixed_nanousd
    plans[-1] = plans[-1].model_copy(
        update={"fixed_nanousd": plans[-1].fixed_nanousd + 2 * neighbours_max * comparison}
    )
    return plans[0].model_copy(update={"others": tuple(plans[1:])})


def compare_form() -> RequestSpec:
    """How two hypotheses are held against each other."""
    prompt = load_prompt(
        "daydream_critic", comparison.PROMPT, "", comparison.schema(), comparison.PLACEHOLDERS
    )
    return RequestSpec(
        prompt, comparison.TOKENS_MAX, text_bytes_max=2 * 4 * COMPARED_CHARS_MAX, repair=False
    )


async def _say_who_is_kin(plans: KeyValue, jurors: Sequence[JudgeConfig]) -> None:
    """At the start, as far as it is known who writes: the writer's family does not judge, unless there is no other."""
    writer = (await read_plans(plans, [WRITER])).get(WRITER)
    kin = [
        juror.name for juror in jurors if writer and juror.model_family == family_of(writer.model)
    ]
    if len(kin) == len(jurors):
        log.warning(
            "all judges are of the family of the model that writes the hypotheses: verdicts will be marked self-judged"
        )
    elif kin:
        log.warning(
            "%s will not judge: of the family of the model that writes the hypotheses",
            ", ".join(kin),
        )


def forms(settings: CriticSettings, juror: JudgeConfig) -> RequestSpecs:
    """How a judge is asked in each size. The facts are not shown to it."""
    own = "" if juror.rubric in RUBRICS else juror.rubric
    if juror.rubric == DEFAULT_RUBRIC:
        own = settings.prompt_file

    def form(*, brief: bool, repair: bool, text_bytes_max: int) -> RequestSpec:
        prompt = load_prompt(
            "daydream_critic",
            RUBRICS.get(juror.rubric, juror.rubric),
            own,
            schema(brief=brief),
            PLACEHOLDERS,
        )
        return RequestSpec(
            prompt, tokens_max(brief=brief), text_bytes_max=text_bytes_max, repair=repair
        )

    return {
        FULL: form(
            brief=juror.model.short_answers,
            repair=True,
            text_bytes_max=synthesis_bytes_max(Synthesis),
        ),
        SHORT: form(brief=True, repair=True, text_bytes_max=synthesis_bytes_max(ShortSynthesis)),
        MINIMAL: form(brief=True, repair=False, text_bytes_max=synthesis_bytes_max(ShortSynthesis)),
    }
