"""Causes that are about money: a cap, the tax, or what running daydreams hold."""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import urlencode

from daydream_console.diagnosis.model import (
    Cause,
    Diagnosis,
    budget_of,
    counted,
    dollars,
    problem,
    sampler_of,
    sentence,
    waiting,
)
from daydream_console.overview import Overview
from daydream_console.stages import StageState
from daydream_contracts.rpc import BudgetState, LimitState

STUCK_S = 60.0
MONEY = re.compile(r"\b(cap|tax|paused|reserv\w*|limit)\b", re.IGNORECASE)


def money_rule(state: Overview) -> Diagnosis | None:
    sampler, budget = sampler_of(state), budget_of(state)
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
        text = f"The daydreaming tax is reached: {shown} of at most {tax.ratio_cap:g}."
        command = f"daydream budget tax {2 * (tax.ratio_cap or 0):g}"
        return _money_problem(Cause.TAX_REACHED, text, command, "Change the tax", "do=tax")
    if not budget.limits:
        command = "daydream budget set --lifetime 1.00"
        text = "No cap is set, so nothing may be spent."
        return _money_problem(Cause.NO_CAP, text, command, "Set a cap", "do=limit")
    limit = _full(budget)
    text = _used_up(limit) if limit else f"The budget refuses: {sentence(text)}"
    form = _top_up_form(limit)
    diagnosis = _money_problem(Cause.CAP_USED_UP, text, _top_up(limit), "Top up", form)
    until = sampler.retry_at or (limit.renews_at if limit else None)
    return diagnosis.model_copy(update={"until": until})


def _money_problem(cause: Cause, text: str, command: str, action: str, form: str) -> Diagnosis:
    """Return the problem with a link to the page on which the form that solves it is open."""
    return problem(cause, text, command, action, f"/budget?{form}")


def _reserved(state: Overview) -> Diagnosis:
    running = budget_of(state).daydreams_open
    text = f"All money that is left is reserved by {counted(running, 'running daydream')}."
    return waiting(Cause.MONEY_RESERVED, text, "", "Show the budget", "/budget")


def _old(state: Overview) -> Iterator[StageState]:
    return (stage for stage in state.stages if (stage.oldest_s or 0) > STUCK_S)


def _full(budget: BudgetState) -> LimitState | None:
    """Return the limit that is nearest to its cap, by settled and authorized money."""
    hard = [limit for limit in budget.limits if limit.hard]
    return min(hard, key=_left, default=None)


def _left(limit: LimitState) -> float:
    used = limit.settled_nanousd + limit.authorized_nanousd
    return (limit.cap_nanousd - used) / max(1, limit.cap_nanousd)


def _used_up(limit: LimitState) -> str:
    scope = "" if limit.scope == "all" else f" for {limit.scope}"
    spent = f"{dollars(limit.settled_nanousd)} of {dollars(limit.cap_nanousd)}"
    return f"The cap per {limit.window}{scope} is used up: {spent} is spent.".replace(
        "per lifetime", "for all time"
    )


def _top_up_form(limit: LimitState | None) -> str:
    fields = {"scope": limit.scope, "window": limit.window} if limit else {}
    return urlencode({"do": "top-up", **fields})


def _top_up(limit: LimitState | None) -> str:
    window = limit.window if limit else "lifetime"
    scope = f" --scope {limit.scope}" if limit and limit.scope != "all" else ""
    return f"daydream budget top-up 1.00 --window {window}{scope}"
