"""Say in one sentence why nothing is happening, from the state of the whole loop.

`diagnose` is pure. It looks at causes in the order in which they matter: what stops everything
first, then what stops one stage, then money, then what is a matter of time. So a stage that waits
for the memory is named although the money that it holds makes the ledger refuse new work.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from daydream_console.diagnosis.model import (
    Cause,
    Diagnosis,
    budget_of,
    counted,
    problem,
    sampler_of,
    sentence,
    waiting,
)
from daydream_console.diagnosis.money import MONEY, STUCK_S, money_rule
from daydream_console.overview import PAID_SUBJECTS, Overview
from daydream_console.stages import StageState
from daydream_contracts.rpc import BudgetState

DEAD_LETTERS_BURST = 5
HOURS = re.compile(r"\b(hours?|price)\b", re.IGNORECASE)


Rule = Callable[[Overview], Diagnosis | None]


def diagnose(state: Overview) -> Diagnosis:
    """Return the first cause that applies, or that the loop is working."""
    for rule in RULES:
        if (diagnosis := rule(state)) is not None:
            return diagnosis
    return _working(state)


def _nats(state: Overview) -> Diagnosis | None:
    if state.connected:
        return None
    text = "NATS does not answer, so no message moves."
    return problem(Cause.NATS_AWAY, text, "daydream doctor", "Show the loop", "/live")


def _away(state: Overview) -> Diagnosis | None:
    services = (
        (state.budget, Cause.BUDGET_AWAY, "budget", "no money can be granted"),
        (state.memory, Cause.MEMORY_AWAY, "memory", "no fact can be drawn or stored"),
        (state.gateway, Cause.GATEWAY_AWAY, "gateway", "no model can be asked"),
        (state.sampler, Cause.SAMPLER_AWAY, "sampler", "no pair is drawn"),
    )
    for answer, cause, name, effect in services:
        if answer is None:
            text = f"The {name} does not answer, so {effect}."
            return problem(cause, text, "daydream doctor", "Show the loop", "/live")
    return None


def _ledger(state: Overview) -> Diagnosis | None:
    budget = budget_of(state)
    if budget.halted is not None:
        text = f"The ledger is halted: {sentence(budget.halted.text)}"
        return problem(
            Cause.LEDGER_HALTED, text, "daydream budget repair", "Show the budget", "/budget"
        )
    if budget.paused:
        return problem(
            Cause.PAUSED,
            f"Spending is paused{_by_whom(budget)}.",
            "daydream budget resume",
            "Resume",
            "/budget",
        )
    return None


def _by_whom(budget: BudgetState) -> str:
    pauses = (change for change in budget.changes if "pause" in change.text.lower())
    change = next(pauses, None)
    if change is None:
        return ""
    return f" by {change.who}" + (f": {change.why}" if change.why else "")


def _models(state: Overview) -> Diagnosis | None:
    models = state.gateway.models if state.gateway else ()
    stopped = next((model for model in models if model.stopped), None)
    if stopped is None:
        return None
    text = f"{stopped.model} refuses every call: {sentence(stopped.stopped)}"
    return problem(Cause.MODEL_STOPPED, text, "daydream gateway show", "Show the model", "/live")


def _dead_letters(state: Overview) -> Diagnosis | None:
    if state.dead_letters_recent < DEAD_LETTERS_BURST:
        return None
    text = f"{state.dead_letters_recent} messages failed for good within the last hour."
    return problem(
        Cause.DEAD_LETTERS,
        text,
        "daydream dead-letters list",
        "Show dead letters",
        "/dead-letters",
    )


def _stages(state: Overview) -> Diagnosis | None:
    for stage in state.stages:
        if stage.oldest_s is None or stage.oldest_s < STUCK_S:
            continue
        if stage.waits_for and not MONEY.search(stage.waits_for) and not state.waiting_models:
            text = f"The {_name(stage)} waits: {sentence(stage.waits_for)} ({_amount(stage)})"
            return problem(Cause.STAGE_STUCK, text, "daydream doctor", "Show the stage", "/live")
        if stage.pending and not stage.in_progress:
            text = f"The {_name(stage)} takes no messages: {_amount(stage)}."
            return problem(Cause.STAGE_AWAY, text, "daydream doctor", "Show the stage", "/live")
    return None


def _name(stage: StageState) -> str:
    if stage.service == "memory":
        return f"memory's reader of {stage.subject.split('.')[1]}s"
    return stage.service


def _amount(stage: StageState) -> str:
    minutes = (stage.oldest_s or 0) / 60
    return f"{stage.pending + stage.in_progress} pending, the oldest for {minutes:.0f} min"


def _busy_model(state: Overview) -> Diagnosis | None:
    old = [stage for stage in state.stages if (stage.oldest_s or 0) > STUCK_S]
    if not old or not state.waiting_models:
        return None
    model = state.waiting_models[0]
    text = f"{model.model} is busy: {sentence(model.waiting_for)}"
    return waiting(Cause.MODEL_BUSY, text, "daydream gateway show", "Show the model")


def _time(state: Overview) -> Diagnosis | None:
    sampler = sampler_of(state)
    cause = {
        "off": (Cause.DRAWING_OFF, "No pair is drawn", "daydream up"),
        "goal-reached": (Cause.GOAL_REACHED, "The goal is reached", "daydream run -n 100"),
        "waiting-for-stages": (Cause.STAGES_STARTING, "Stages are starting", "daydream doctor"),
        "exhausted": (Cause.NOTHING_NEW, "There is nothing new in memory", INGEST),
    }.get(sampler.phase)
    if cause is not None:
        code, text, command = cause
        return waiting(
            code, f"{text}: {sentence(sampler.text)}", command, "Show the sampler", "/sampler"
        )
    if sampler.phase == "not-now":
        outside = HOURS.search(sampler.text)
        code = Cause.OUTSIDE_HOURS if outside else Cause.FOREGROUND_BUSY
        text = "It is outside the drawing hours" if outside else "The lab's own work comes first"
        wait = waiting(
            code, f"{text}: {sentence(sampler.text)}", "", "Show the sampler", "/sampler"
        )
        return wait.model_copy(update={"until": sampler.retry_at})
    return _facts(state) if sampler.phase == "waiting-for-facts" else None


INGEST = "daydream ingest PATH"


def _facts(state: Overview) -> Diagnosis:
    pending = state.memory.facts_pending if state.memory else 0
    if pending:
        text = f"{counted(pending, 'fact')} are being embedded; drawing starts when two are ready."
        return waiting(Cause.EMBEDDING, text, "", "Show documents", "/documents")
    text = "There are too few facts in memory to draw a pair."
    return waiting(Cause.TOO_FEW_FACTS, text, INGEST, "Add documents", "/documents")


def _working(state: Overview) -> Diagnosis:
    running = sum(
        stage.pending + stage.in_progress
        for stage in state.stages
        if stage.subject in PAID_SUBJECTS
    )
    text = f"Working: {counted(running, 'message')} in the loop."
    return Diagnosis(cause=Cause.WORKING, severity="ok", text=text, href="/live")


RULES: tuple[Rule, ...] = (
    _nats,
    _away,
    _ledger,
    _models,
    _dead_letters,
    _stages,
    _busy_model,
    money_rule,
    _time,
)
