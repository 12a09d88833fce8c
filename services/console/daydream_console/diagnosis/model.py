"""What a diagnosis is: a cause, one sentence, and what solves it."""

from __future__ import annotations

import math
from datetime import datetime
from enum import StrEnum
from typing import Literal

from pydantic import Field

from daydream_console.overview import Overview
from daydream_contracts.events import NANOUSD_PER_USD, ContractModel
from daydream_contracts.rpc import BudgetState, SamplerState

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


def problem(cause: Cause, text: str, command: str, action: str, href: str) -> Diagnosis:
    return Diagnosis(
        cause=cause, severity="problem", text=text, command=command, action=action, href=href
    )


def waiting(
    cause: Cause, text: str, command: str = "", action: str = "", href: str = "/live"
) -> Diagnosis:
    return Diagnosis(
        cause=cause, severity="waiting", text=text, command=command, action=action, href=href
    )


def budget_of(state: Overview) -> BudgetState:
    assert state.budget is not None, "a silent budget is an earlier cause"
    return state.budget


def sampler_of(state: Overview) -> SamplerState:
    assert state.sampler is not None, "a silent sampler is an earlier cause"
    return state.sampler


def counted(number: int, thing: str) -> str:
    return f"{number:,} {thing}{'' if number == 1 else 's'}"


def dollars(nanousd: int) -> str:
    """Return an amount with enough digits to tell it from a limit that is near."""
    amount = nanousd / NANOUSD_PER_USD
    if amount >= 100:
        return f"${amount:,.2f}"
    decimals = max(2, 3 - math.floor(math.log10(abs(amount)))) if amount else 0
    text = f"{amount:.{decimals}f}"
    return f"${text.rstrip('0').rstrip('.') if '.' in text else text}"


def sentence(text: str) -> str:
    text = text.strip()
    return text if text.endswith((".", "!", "?")) else f"{text}."
