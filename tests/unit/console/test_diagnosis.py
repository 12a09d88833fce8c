"""Why is nothing happening? The right cause in each staged incident."""

from __future__ import annotations

import shlex
from datetime import timedelta

import pytest

from daydream_console.cli.command_list import COMMANDS, COMMANDS_OF_GROUPS
from daydream_console.diagnosis import Cause, Diagnosis, diagnose
from daydream_console.overview import Overview
from daydream_contracts.rpc import ChangeRecord, MemoryState, Refusal, TaxState
from support.loop_states import (
    LIMIT,
    NOW,
    budget,
    example,
    gateway,
    loop_state,
    sampler,
    stage,
)

PAIR, HYPOTHESIS, CANDIDATE = (
    f"daydream.{name}" for name in ("pair.sampled", "hypothesis.proposed", "candidate.nominated")
)
REFUSAL = "the day cap of $1 leaves $0.001, and $0.004 is needed"
FULL = LIMIT.model_copy(update={"settled_nanousd": 999_000_000, "reserved_nanousd": 0})
RESERVED = LIMIT.model_copy(update={"reserved_nanousd": 995_000_000})
STUCK = "memory does not answer on daydream.memory.nearest: TimeoutError"
TAX = TaxState(days=7, ratio_cap=20.0, daydream_nanousd=41, foreground_nanousd=2, ratio=20.5)
PAUSED = ChangeRecord(at=NOW, who="Ada", why="holidays", text="paused spending")
old = timedelta(minutes=3).total_seconds()
waiting = {"pending": 21, "in_progress": 7, "redelivered": 7, "oldest_s": old}

INCIDENTS: list[tuple[str, Overview, Cause, str]] = [
    ("nothing is wrong", loop_state(), Cause.WORKING, "Working: 0 messages"),
    (
        "nats is away",
        loop_state(connected=False, memory=None, sampler=None, budget=None, gateway=None),
        Cause.NATS_AWAY,
        "NATS does not answer",
    ),
    ("the budget is away", loop_state(budget=None), Cause.BUDGET_AWAY, "budget does not answer"),
    ("the memory is away", loop_state(memory=None), Cause.MEMORY_AWAY, "memory does not answer"),
    ("the gateway is away", loop_state(gateway=None), Cause.GATEWAY_AWAY, "no model can be asked"),
    ("the sampler is away", loop_state(sampler=None), Cause.SAMPLER_AWAY, "no pair is drawn"),
    (
        "the ledger is halted",
        loop_state(budget=budget(halted=Refusal(reason="ledger-unreadable", text="entry 7"))),
        Cause.LEDGER_HALTED,
        "entry 7",
    ),
    (
        "a person paused it",
        loop_state(budget=budget(paused=True, changes=(PAUSED,))),
        Cause.PAUSED,
        "by Ada: holidays",
    ),
    (
        "the model refuses",
        loop_state(
            gateway=gateway(stopped="Insufficient Balance", waiting_for="Insufficient Balance"),
            sampler=sampler("model-stopped", "priced-1 is stopped"),
        ),
        Cause.MODEL_STOPPED,
        "priced-1 refuses every call: Insufficient Balance",
    ),
    (
        "the critic waits for the memory, and money is reserved by what waits",
        loop_state(
            stage("critic", HYPOTHESIS, waits_for=STUCK, **waiting),
            sampler=sampler("near-cap", REFUSAL),
            budget=budget(limits=(RESERVED,), daydreams_open=37),
        ),
        Cause.STAGE_STUCK,
        f"The critic waits: {STUCK}. (28 pending, the oldest for 3 min)",
    ),
    (
        "nothing takes hypotheses",
        loop_state(stage("critic", HYPOTHESIS, pending=28, oldest_s=old)),
        Cause.STAGE_AWAY,
        "The critic takes no messages: 28 pending",
    ),
    (
        "a burst of dead letters",
        loop_state(dead_letters=12, dead_letters_recent=9),
        Cause.DEAD_LETTERS,
        "9 messages failed for good",
    ),
    (
        "the provider is busy",
        loop_state(
            stage("synthesizer", PAIR, waits_for="429 slow down", **waiting),
            gateway=gateway(waiting_for="rate limit of the provider"),
        ),
        Cause.MODEL_BUSY,
        "priced-1 is busy: rate limit of the provider",
    ),
    (
        "the cap is used up",
        loop_state(
            sampler=sampler("refused", REFUSAL, retry_at=NOW), budget=budget(limits=(FULL,))
        ),
        Cause.CAP_USED_UP,
        "The cap per day is used up: $0.999 of $1 is spent.",
    ),
    (
        "a running daydream meets the cap",
        loop_state(
            stage("critic", HYPOTHESIS, waits_for=REFUSAL, **waiting), budget=budget(limits=(FULL,))
        ),
        Cause.CAP_USED_UP,
        "The cap per day is used up",
    ),
    (
        "no cap was ever set",
        loop_state(sampler=sampler("refused", "no cap is set"), budget=budget(limits=())),
        Cause.NO_CAP,
        "No cap is set",
    ),
    (
        "the tax is reached",
        loop_state(
            sampler=sampler("refused", "the tax of 20 leaves nothing"), budget=budget(tax=TAX)
        ),
        Cause.TAX_REACHED,
        "20.5 of at most 20",
    ),
    (
        "all money is reserved",
        loop_state(
            sampler=sampler("near-cap", REFUSAL),
            budget=budget(limits=(RESERVED,), daydreams_open=37),
        ),
        Cause.MONEY_RESERVED,
        "reserved by 37 running daydreams",
    ),
    (
        "drawing is switched off",
        loop_state(sampler=sampler("off", "drawing is off (DAYDREAM_SAMPLER_ENABLED)")),
        Cause.DRAWING_OFF,
        "drawing is off",
    ),
    (
        "it is outside the hours",
        loop_state(sampler=sampler("not-now", "cheap hours begin at 22:00", retry_at=NOW)),
        Cause.OUTSIDE_HOURS,
        "cheap hours begin at 22:00.",
    ),
    (
        "the lab's own work holds the servers",
        loop_state(sampler=sampler("not-now", "the servers are busy: 12 requests, above 4")),
        Cause.FOREGROUND_BUSY,
        "The lab's own work comes first",
    ),
    (
        "documents are being embedded",
        loop_state(sampler=sampler("waiting-for-facts", "0 facts are ready, two are needed")),
        Cause.EMBEDDING,
        "7 facts are being embedded",
    ),
    (
        "there are no documents",
        loop_state(
            sampler=sampler("waiting-for-facts", "0 facts are ready, two are needed"),
            memory=example(MemoryState, facts_pending=0),
        ),
        Cause.TOO_FEW_FACTS,
        "too few facts",
    ),
    (
        "every pair is drawn",
        loop_state(sampler=sampler("exhausted", "all pairs of 41 facts are drawn")),
        Cause.NOTHING_NEW,
        "all pairs of 41 facts are drawn.",
    ),
    (
        "the goal is reached",
        loop_state(sampler=sampler("goal-reached", "50 pairs are drawn, as many as were wanted")),
        Cause.GOAL_REACHED,
        "50 pairs",
    ),
    (
        "a stage has not started",
        loop_state(
            sampler=sampler("waiting-for-stages", "waiting for critic to publish what they cost")
        ),
        Cause.STAGES_STARTING,
        "waiting for critic",
    ),
]


@pytest.mark.parametrize(
    ("state", "cause", "text"), [row[1:] for row in INCIDENTS], ids=[row[0] for row in INCIDENTS]
)
def test_the_sentence_names_the_cause(state: Overview, cause: Cause, text: str) -> None:
    diagnosis = diagnose(state)
    assert (diagnosis.cause, text in diagnosis.text) == (cause, True), diagnosis
    assert diagnosis.text.rstrip(")")[-1] in ".!?n", "it is a sentence"


def test_every_cause_has_an_incident() -> None:
    assert {row[2] for row in INCIDENTS} == set(Cause)


def test_a_message_that_is_only_young_is_no_incident() -> None:
    young = stage("critic", HYPOTHESIS, pending=28, in_progress=4, oldest_s=20.0)
    assert diagnose(loop_state(young)).cause is Cause.WORKING


def diagnoses() -> list[Diagnosis]:
    return [diagnose(row[1]) for row in INCIDENTS]


@pytest.mark.parametrize("command", sorted({each.command for each in diagnoses() if each.command}))
def test_every_command_that_is_proposed_exists(command: str) -> None:
    words = shlex.split(command)[1:]
    names = {" ".join(words[:length]) for length in (1, 2, 3)}
    assert names & {*COMMANDS, *COMMANDS_OF_GROUPS}, command


def test_a_problem_has_a_button() -> None:
    for diagnosis in diagnoses():
        if diagnosis.severity == "problem":
            assert diagnosis.action
            assert diagnosis.href.startswith("/")
            assert diagnosis.command
