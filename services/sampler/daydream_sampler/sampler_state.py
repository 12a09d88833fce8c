"""Tell people what the sampler is doing, and what it has found."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from daydream_contracts.rpc import (
    HALT_REASONS,
    MemoryState,
    Phase,
    Refusal,
    SamplerState,
    ScreenState,
)
from daydream_sampler.anchor_cycles import AnchorSource
from daydream_sampler.claim import UNIFORM
from daydream_sampler.epoch import Epoch
from daydream_sampler.strategy_history import StrategyHistory


@dataclass(frozen=True)
class PhaseReport:
    """What draws are doing, a sentence about it, and when that may change."""

    phase: Phase
    text: str = ""
    retry_at: datetime | None = None

    def as_of(self, epoch: Epoch, *, enabled: bool) -> PhaseReport:
        """Return the phase now: the goal may have changed since the last look."""
        if not enabled:
            return PhaseReport("off", "drawing is off (DAYDREAM_SAMPLER_ENABLED)")
        if epoch.pairs_max is not None and epoch.drawn >= epoch.pairs_max:
            return PhaseReport("goal-reached", goal_reached_text(epoch))
        if self.phase == "goal-reached":
            return PhaseReport("drawing", "there is a new goal", self.retry_at)
        return self


STARTING = PhaseReport("waiting-for-facts", "starting")


def state_of(
    epoch: Epoch,
    report: PhaseReport,
    looked_at: datetime,
    history: StrategyHistory,
    names: Iterable[str],
    sources: Mapping[str, AnchorSource],
    screen: ScreenState,
) -> SamplerState:
    """Return the state. Strategies that have nothing to draw give their shares to the others."""
    shares = epoch.open_shares(sources) if sources else epoch.round.shares
    shares = shares or {UNIFORM: 1.0}
    return SamplerState(
        phase=report.phase,
        text=report.text,
        looked_at=looked_at,
        drawn=epoch.drawn,
        drawing=len(epoch.claims),
        pairs_max=epoch.pairs_max,
        pairs_left=epoch.pairs_left,
        retry_at=report.retry_at,
        round=epoch.round.number,
        strategies=tuple(history.report(name, shares.get(name, 0.0)) for name in (UNIFORM, *names)),
        strata=history.report_strata(),
        screen=screen,
        rule=history.rule,
        **history.judge_errors().model_dump(),
    )


def phase_of(refusal: Refusal) -> Phase:
    """Return what a refusal is to the sampler: a short wait near a cap, a fault, or no money."""
    if refusal.reason in HALT_REASONS:
        return "ledger-halted"
    return "near-cap" if refusal.near_cap else "refused"


def goal_reached_text(epoch: Epoch) -> str:
    """Return the sentence for a goal that is reached."""
    return f"{epoch.drawn} pairs are drawn, as many as were wanted"


def nothing_left_report(epoch: Epoch, facts: int) -> PhaseReport:
    """Return why there is nothing to claim."""
    if epoch.goal_reached:
        return PhaseReport("goal-reached", goal_reached_text(epoch))
    if epoch.claims:
        return PhaseReport("drawing", "another replica is drawing the last pairs")
    if facts < 2:
        return PhaseReport("waiting-for-facts", f"{facts} facts are ready, two are needed")
    return PhaseReport("exhausted", f"all pairs of {facts} facts are drawn")


def one_document_text(memory: MemoryState) -> str | None:
    """Return the sentence for a memory in which every pair has two facts of one document."""
    pairs = memory.facts * (memory.facts - 1) // 2
    if memory.facts_pending or not pairs or memory.same_document_pairs < pairs:
        return None
    return (
        f"all {memory.facts} facts are of one document: add another, or set "
        "DAYDREAM_SAMPLER_SAME_DOCUMENT=true"
    )
