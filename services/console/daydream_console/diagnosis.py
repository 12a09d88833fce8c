"""Say in one sentence why nothing is happening, from the state of the whole loop.

`diagnose` is pure. It looks at causes in the order in which they matter: what stops everything
first, then what stops one stage, then money, then what is a matter of time. So a stage that waits
for the memory is named although the money that it holds makes the ledger refuse new work.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import datetime
from enum import StrEnum
from typing import Literal

from pydantic import Field

from daydream_console.overview import PAID_SUBJECTS, Overview
from daydream_console.stages import StageState
from daydream_contracts.events import NANOUSD_PER_USD, ContractModel
from daydream_contracts.rpc import BudgetState, LimitState, SamplerState

STUCK_S = 60.0
DEAD_LETTERS_BURST = 5
MONEY = re.compile(r"\b(cap|tax|paused|reserv\w*|limit)\b", re.IGNORECASE)
HOURS = re.compile(r"\b(hours?|price)\b", re.IGNORECASE)
Severity = Literal["ok", "waiting", "problem"]


class Cause(StrEnum):
    """Name why the loop stands still, or that it does not."""

    WORKING = "working"
    NATS_AWAY = "nats-away"
    BUDGET_AWAY = "budget-away"
    LEDGER_HALTED = "ledger-halted"
    PAUSED = "paused"
    MEMORY_AWAY = "memory-away"
    GATEWAY_AWAY = "gateway-away"
    SAMPLER_AWAY = "sampler-away"
    MODEL_STOPPED = "model-stopped"
    DEAD_LETTERS = "dead-letters"
    STAGE_STUCK = "stage-stuck"
    STAGE_AWAY = "stage-away"
    MODEL_BUSY = "model-busy"
    NO_CAP = "no-cap"
    CAP_USED_UP = "cap-used-up"
    TAX_REACHED = "tax-reached"
    MONEY_RESERVED = "money-reserved"
    DRAWING_OFF = "drawing-off"
    OUTSIDE_HOURS = "outside-hours"
    FOREGROUND_BUSY = "foreground-busy"
    EMBEDDING = "embedding"
    TOO_FEW_FACTS = "too-few-facts"
    NOTHING_NEW = "nothing-new"
    GOAL_REACHED = "goal-reached"
    STAGES_STARTING = "stages-starting"


class Diagnosis(ContractModel):
    """Why nothing is happening. `command` and the page at `href` solve it, or show more."""

    cause: Cause
    severity: Severity
    text: str
    command: str = ""
    action: str = Field(default="", description="what the button says")
    href: str = Field(default="", description="the page with the button")
    until: datetime | None = None


Rule = Callable[[Overview], Diagnosis | None]


def diagnose(state: Overview) -> Diagnosis:
    """Return the first cause that applies, or that the loop is working."""
    for rule in RULES:
        if (diagnosis := rule(state)) is not None:
            return diagnosis
    return _working(state)


def _problem(cause: Cause, text: str, command: str, action: str, href: str) -> Diagnosis:
    return Diagnosis(
        cause=cause, severity="problem", text=text, command=command, action=action, href=href
    )


def _waiting(
    cause: Cause, text: str, command: str = "", action: str = "", href: str = "/live"
) -> Diagnosis:
    return Diagnosis(
        cause=cause, severity="waiting", text=text, command=command, action=action, href=href
    )


def _nats(state: Overview) -> Diagnosis | None:
    if state.connected:
        return None
    text = "NATS does not answer, so no message moves."
    return _problem(Cause.NATS_AWAY, text, "daydream doctor", "Show the loop", "/live")


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
            return _problem(cause, text, "daydream doctor", "Show the loop", "/live")
    return None


def _ledger(state: Overview) -> Diagnosis | None:
    budget = _budget(state)
    if budget.halted is not None:
        text = f"The ledger is halted: {_words(budget.halted.text)}"
        return _problem(
            Cause.LEDGER_HALTED, text, "daydream budget repair", "Show the budget", "/budget"
        )
    if budget.paused:
        return _problem(
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
    text = f"{stopped.model} refuses every call: {_words(stopped.stopped)}"
    return _problem(Cause.MODEL_STOPPED, text, "daydream gateway show", "Show the model", "/live")


def _dead_letters(state: Overview) -> Diagnosis | None:
    if state.dead_letters_recent < DEAD_LETTERS_BURST:
        return None
    text = f"{state.dead_letters_recent} messages failed for good within the last hour."
    return _problem(
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
            text = f"The {_name(stage)} waits: {_words(stage.waits_for)} ({_amount(stage)})"
            return _problem(Cause.STAGE_STUCK, text, "daydream doctor", "Show the stage", "/live")
        if stage.pending and not stage.in_progress:
            text = f"The {_name(stage)} takes no messages: {_amount(stage)}."
            return _problem(Cause.STAGE_AWAY, text, "daydream doctor", "Show the stage", "/live")
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
    text = f"{model.model} is busy: {_words(model.waiting_for)}"
    return _waiting(Cause.MODEL_BUSY, text, "daydream gateway show", "Show the model")


def _money(state: Overview) -> Diagnosis | None:
    sampler, budget = _sampler(state), _budget(state)
    if sampler.phase == "near-cap":
        return _reserved(state)
    refused = sampler.phase == "refused"
    words = next((stage.waits_for for stage in _old(state) if MONEY.search(stage.waits_for)), "")
    if not refused and not words:
        return None
    text = sampler.text if refused else words
    tax = budget.tax
    over_tax = tax is not None and tax.ratio_cap is not None and "tax" in text.lower()
    if over_tax and tax is not None:
        shown = f"{tax.ratio:.1f}" if tax.ratio is not None else "unknown"
        sentence = f"The daydreaming tax is reached: {shown} of at most {tax.ratio_cap:g}."
        command = f"daydream budget tax {2 * (tax.ratio_cap or 0):g}"
        return _money_problem(Cause.TAX_REACHED, sentence, command, "Change the tax")
    if not budget.limits:
        command = "daydream budget set --lifetime 1.00"
        text = "No cap is set, so nothing may be spent."
        return _money_problem(Cause.NO_CAP, text, command, "Set a cap")
    limit = _full(budget)
    sentence = _used_up(limit) if limit else f"The budget refuses: {_words(text)}"
    diagnosis = _money_problem(Cause.CAP_USED_UP, sentence, _top_up(limit), "Top up")
    until = sampler.retry_at or (limit.renews_at if limit else None)
    return diagnosis.model_copy(update={"until": until})


def _money_problem(cause: Cause, text: str, command: str, action: str) -> Diagnosis:
    return _problem(cause, text, command, action, "/budget")


def _reserved(state: Overview) -> Diagnosis:
    running = _budget(state).reservations_open
    text = f"All money that is left is reserved by {_count(running, 'running daydream')}."
    return _waiting(Cause.MONEY_RESERVED, text, "", "Show the budget", "/budget")


def _old(state: Overview) -> Iterator[StageState]:
    return (stage for stage in state.stages if (stage.oldest_s or 0) > STUCK_S)


def _full(budget: BudgetState) -> LimitState | None:
    """Return the limit with the least left, by settled and authorized money."""
    hard = [limit for limit in budget.limits if limit.hard]
    return min(hard, key=_left, default=None)


def _left(limit: LimitState) -> float:
    used = limit.settled_nanousd + limit.authorized_nanousd
    return (limit.cap_nanousd - used) / max(1, limit.cap_nanousd)


def _used_up(limit: LimitState) -> str:
    scope = "" if limit.scope == "all" else f" for {limit.scope}"
    spent = f"{_usd(limit.settled_nanousd)} of {_usd(limit.cap_nanousd)}"
    return f"The cap per {limit.window}{scope} is used up: {spent} is spent.".replace(
        "per lifetime", "for all time"
    )


def _top_up(limit: LimitState | None) -> str:
    window = limit.window if limit else "lifetime"
    scope = f" --scope {limit.scope}" if limit and limit.scope != "all" else ""
    return f"daydream budget top-up 1.00 --window {window}{scope}"


def _time(state: Overview) -> Diagnosis | None:
    sampler = _sampler(state)
    cause = {
        "off": (Cause.DRAWING_OFF, "Drawing is switched off", "daydream up"),
        "goal-reached": (Cause.GOAL_REACHED, "The goal is reached", "daydream run -n 100"),
        "waiting-for-stages": (Cause.STAGES_STARTING, "Stages are starting", "daydream doctor"),
        "exhausted": (Cause.NOTHING_NEW, "There is nothing new in memory", INGEST),
    }.get(sampler.phase)
    if cause is not None:
        code, text, command = cause
        return _waiting(
            code, f"{text}: {_words(sampler.text)}", command, "Show the sampler", "/sampler"
        )
    if sampler.phase == "not-now":
        outside = HOURS.search(sampler.text)
        code = Cause.OUTSIDE_HOURS if outside else Cause.FOREGROUND_BUSY
        text = "It is outside the drawing hours" if outside else "The lab's own work comes first"
        waiting = _waiting(
            code, f"{text}: {_words(sampler.text)}", "", "Show the sampler", "/sampler"
        )
        return waiting.model_copy(update={"until": sampler.retry_at})
    return _facts(state) if sampler.phase == "waiting-for-facts" else None


INGEST = "daydream ingest PATH"


def _facts(state: Overview) -> Diagnosis:
    pending = state.memory.facts_pending if state.memory else 0
    if pending:
        text = f"{_count(pending, 'fact')} are being embedded; drawing starts when two are ready."
        return _waiting(Cause.EMBEDDING, text, "", "Show documents", "/documents")
    text = "There are too few facts in memory to draw a pair."
    return _waiting(Cause.TOO_FEW_FACTS, text, INGEST, "Add documents", "/documents")


def _working(state: Overview) -> Diagnosis:
    running = sum(
        stage.pending + stage.in_progress
        for stage in state.stages
        if stage.subject in PAID_SUBJECTS
    )
    text = f"Working: {_count(running, 'message')} in the loop."
    return Diagnosis(cause=Cause.WORKING, severity="ok", text=text, href="/live")


def _budget(state: Overview) -> BudgetState:
    assert state.budget is not None, "a silent budget is an earlier cause"
    return state.budget


def _sampler(state: Overview) -> SamplerState:
    assert state.sampler is not None, "a silent sampler is an earlier cause"
    return state.sampler


def _count(number: int, thing: str) -> str:
    return f"{number:,} {thing}{'' if number == 1 else 's'}"


def _usd(nanousd: int) -> str:
    """Return an amount with enough digits to tell it from a limit that is near."""
    amount = nanousd / NANOUSD_PER_USD
    return f"${amount:,.2f}" if amount >= 100 else f"${amount:.4g}"


def _words(text: str) -> str:
    text = text.strip()
    return text if text.endswith((".", "!", "?")) else f"{text}."


RULES: tuple[Rule, ...] = (
    _nats,
    _away,
    _ledger,
    _models,
    _dead_letters,
    _stages,
    _busy_model,
    _money,
    _time,
)
