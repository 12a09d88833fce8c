"""Watch a run: show its progress, and decide when it has ended and why."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from rich.progress import Progress, TaskID
from rich.text import Text

from daydream_console.cli.calibration_notice import critic_state
from daydream_console.cli.output import err, usd
from daydream_console.cli.status_view import waiting_line
from daydream_console.client import Client
from daydream_console.overview import Overview, overview
from daydream_contracts.errors import TransientError
from daydream_contracts.rpc import BudgetState, CalibrationProgress, MemoryState, SamplerState

POLL_S = 0.25
REPORT_EVERY = timedelta(seconds=10)  # on a terminal that can't show a progress bar
CALIBRATION_EVERY = timedelta(seconds=1)
SILENCE_MAX = timedelta(seconds=60)
WAITS_FOR_MONEY_AFTER = timedelta(seconds=40)  # twice the pause of a call that waits for it
WAIT_SHOWN_AFTER = timedelta(seconds=5)  # shorter waits for a provider are daily business


@dataclass(frozen=True)
class RunEnd:
    """Why a run has ended."""

    reason: str
    cap_reached: bool = False


async def wait_for_end(client: Client, watch: RunWatch) -> RunEnd:
    """Wait until the run has ended, and return why.

    Raise TransientError when a service is silent for 60 s.
    """
    while True:
        await watch.follow_calibration(client)
        if end := watch.end_of(await overview(client.rpc, client.js)):
            return end
        await asyncio.sleep(POLL_S)


@dataclass
class RunWatch:
    """`goal` and `start` are numbers of pairs drawn.

    `idle_since` and `drawn_when_idle` describe the current idle period of the pipeline, if there
    is one.
    """

    progress: Progress
    task: TaskID
    goal: int
    start: int
    last_answer: datetime = field(default_factory=lambda: datetime.now(UTC))
    last_report: datetime = field(default_factory=lambda: datetime.now(UTC))
    idle_since: datetime | None = None
    drawn_when_idle: int = 0
    waiting_since: datetime | None = None
    without_calls_since: datetime | None = None
    told: tuple[str, ...] = ()  # the reasons to wait that were printed
    calibration: CalibrationProgress = field(default_factory=CalibrationProgress)
    calibration_read: datetime | None = None

    async def follow_calibration(self, client: Client) -> None:
        """Read how far the calibration of the judges is, now and then, until it has ended."""
        now = datetime.now(UTC)
        is_due = self.calibration_read is None or now - self.calibration_read > CALIBRATION_EVERY
        if self.calibration.in_progress and is_due:
            self.calibration_read = now
            if state := await critic_state(client):
                self.calibration = state.judge_calibration

    def end_of(self, state: Overview) -> RunEnd | None:
        """Show the progress. Return why the run has ended, or None."""
        if not (state.sampler and state.budget and state.memory):
            self._check_silence(state)
            return None
        self.last_answer = state.at
        self.show(state, state.sampler, state.budget, state.memory)
        if not state.pipeline_idle and not self._waits_for_money(
            state, state.sampler, state.budget
        ):
            self.idle_since = None
            return None
        if self.idle_since is None or self.drawn_when_idle != state.sampler.drawn:
            self.idle_since, self.drawn_when_idle = state.at, state.sampler.drawn
            return None
        # A finished daydream frees money for more. So the sampler must have checked the budget
        # after the last one.
        if state.sampler.looked_at <= self.idle_since:
            return None
        return run_end(state.sampler, state.memory)

    def _waits_for_money(self, state: Overview, sampler: SamplerState, budget: BudgetState) -> bool:
        """Return whether all that is in progress needs more money than a cap leaves.

        It stays in progress, and continues once the cap is higher.
        """
        if sampler.phase != "refused" or budget.attempts_authorized:
            self.without_calls_since = None
            return False
        self.without_calls_since = self.without_calls_since or state.at
        return state.at - self.without_calls_since > WAITS_FOR_MONEY_AFTER

    def _check_silence(self, state: Overview) -> None:
        if state.at - self.last_answer > SILENCE_MAX:
            services = ("sampler", "budget", "memory")
            silent = ", ".join(name for name in services if getattr(state, name) is None)
            raise TransientError(
                f"No answer from {silent} for {SILENCE_MAX.seconds} s. "
                "See the log files in the data folder"
            )

    def show(
        self, state: Overview, sampler: SamplerState, budget: BudgetState, memory: MemoryState
    ) -> None:
        """Show how far the run is."""
        ended = sampler.drawn - self.start - budget.daydreams_open
        done = self.calibrating_text or f"{memory.daydreams_judged} judged"
        details = f"{done} · {usd(budget.settled_nanousd)} spent"
        if retried := sum(stage.redelivered for stage in state.stages):
            details += f" · {retried} retried (see the logs in the data folder)"
        if not err.is_terminal and state.at - self.last_report > REPORT_EVERY:
            self.last_report = state.at
            err.print(f"{ended} of {self.goal - self.start} daydreams finished · {details}")
        self.show_waiting(state)
        self.progress.update(
            self.task, completed=max(0, ended), description=f"dreaming · {details}"
        )

    @property
    def calibrating_text(self) -> str:
        """Return how far the calibration is, in place of what is judged: it comes first."""
        progress = self.calibration
        if not (progress.in_progress and progress.answers_wanted):
            return ""
        return f"calibrating judges, {progress.answers} of {progress.answers_wanted}"

    def show_waiting(self, state: Overview) -> None:
        """Print why models answer no calls: once per reason, and not for short waits."""
        lines = tuple(map(waiting_line, state.waiting_models))
        if not lines:
            self.waiting_since = None
            return
        self.waiting_since = self.waiting_since or state.at
        lasts = state.at - self.waiting_since > WAIT_SHOWN_AFTER
        if lines != self.told and (lasts or any(model.stopped for model in state.waiting_models)):
            self.told = lines
            for line in lines:
                err.print(Text(f"Waiting: {line}", style="yellow"))


def run_end(sampler: SamplerState, memory: MemoryState) -> RunEnd | None:
    """Return why the sampler draws no more pairs, or None while it will."""
    match sampler.phase:
        case "goal-reached":
            return RunEnd("the goal is reached")
        case "exhausted":
            return None if memory.facts_pending else RunEnd(sampler.text)
        case "off":
            return RunEnd(sampler.text)
        case "ledger-halted":
            return RunEnd(sampler.text.removesuffix("."))
        case "refused":
            at = sampler.retry_at
            renewal = f" It renews at {at:%Y-%m-%d %H:%M} UTC." if at else ""
            reason = (
                f"the cap was reached: {sampler.text.removesuffix('.')}.{renewal} "
                "Raise it with --cap and run again to continue"
            )
            return RunEnd(reason, cap_reached=True)
    return None
