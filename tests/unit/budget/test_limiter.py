"""One limiter: turns, waiters, what attempts teach, and what it answers to callers."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Coroutine
from itertools import pairwise
from typing import Any

import pytest

from daydream_budget.gateway.limiter.limiter import Limiter
from daydream_budget.gateway.limiter.registry import LimiterRegistry
from daydream_budget.gateway.limiter.terms import LimiterSettings, ModelClosedError
from daydream_budget.gateway.limiter.turns import Turn
from support.virtual_time import pass_time, run


def limiter(**settings: int) -> Limiter:
    registry = LimiterRegistry(
        lambda _: LimiterSettings(**settings), asyncio.get_running_loop(), rng=random.Random(1)
    )
    return registry.limiter("simulated", "model")


async def turns(gate: Limiter, count: int) -> list[Turn]:
    return [await gate.acquire(patience_s=1) for _ in range(count)]


async def waiting(
    *acquired: Coroutine[Any, Any, Turn],
) -> list[asyncio.Task[Turn]]:
    tasks = [asyncio.create_task(turn) for turn in acquired]
    await asyncio.sleep(0)
    return tasks


async def test_a_turn_is_reported_exactly_once() -> None:
    gate = limiter()
    turn = await gate.acquire(patience_s=1)
    gate.report(turn, "ok")
    with pytest.raises(RuntimeError, match="exactly once"):
        gate.report(turn, "ok")
    assert gate.state().in_flight == 0


async def test_a_turn_that_nobody_reports_teaches_nothing_and_frees_its_place() -> None:
    gate = limiter(concurrency_max=1)
    with pytest.raises(ValueError, match="inside"):
        async with gate.turn(patience_s=1):
            raise ValueError("inside")
    assert gate.state().in_flight == 0
    assert gate.state().status == "open"


async def test_a_cancelled_waiter_frees_its_place() -> None:
    gate = limiter(concurrency_max=1)
    turn = await gate.acquire(patience_s=1)
    first, second = await waiting(gate.acquire(patience_s=5), gate.acquire(patience_s=5))
    first.cancel()
    gate.report(turn, "ok")
    gate.report(await second, "ok")
    assert (gate.state().waiting, gate.state().in_flight) == (0, 0)


async def test_a_waiter_that_is_cancelled_as_it_gets_its_turn_gives_it_back() -> None:
    gate = limiter(concurrency_max=1)
    turn = await gate.acquire(patience_s=1)
    first, second = await waiting(gate.acquire(patience_s=5), gate.acquire(patience_s=5))
    gate.report(turn, "ok")
    first.cancel()
    gate.report(await second, "ok")
    assert gate.state().in_flight == 0


async def test_a_further_attempt_goes_to_the_front() -> None:
    gate = limiter(concurrency_max=1)
    turn = await gate.acquire(patience_s=1)
    first, again = await waiting(gate.acquire(patience_s=5), gate.acquire(patience_s=5, again=True))
    gate.report(turn, "ok")
    await asyncio.sleep(0)
    assert (first.done(), again.done()) == (False, True)
    gate.report(await again, "ok")
    gate.report(await first, "ok")


async def test_a_full_queue_refuses_and_says_when_to_come_again() -> None:
    gate = limiter(concurrency_max=1, waiting_max=2)
    await gate.acquire(patience_s=1)
    tasks = await waiting(gate.acquire(patience_s=5), gate.acquire(patience_s=5))
    with pytest.raises(ModelClosedError, match="busy") as refused:
        await gate.acquire(patience_s=5)
    assert not refused.value.stop
    assert 1 <= refused.value.retry_after_s <= 1.2
    for task in tasks:
        task.cancel()


async def test_a_caller_that_fills_the_queue_makes_room_for_another() -> None:
    gate = limiter(concurrency_max=1, waiting_max=3)
    turn = await gate.acquire(patience_s=1)
    greedy = await waiting(*(gate.acquire(patience_s=5, caller="critic") for _ in range(3)))
    (modest,) = await waiting(gate.acquire(patience_s=5, caller="synthesizer"))
    with pytest.raises(ModelClosedError):
        await greedy[2]
    gate.report(turn, "ok")
    gate.report(await greedy[0], "ok")
    gate.report(await modest, "ok")
    gate.report(await greedy[1], "ok")


def test_patience_ends_with_the_error_and_leaves_no_hole() -> None:
    async def scenario() -> None:
        gate = limiter(concurrency_max=1)
        turn = await gate.acquire(patience_s=1)
        with pytest.raises(ModelClosedError, match="busy"):
            await gate.acquire(patience_s=3)
        assert gate.state().waiting == 0
        gate.report(turn, "ok")
        await gate.acquire(patience_s=0)

    run(scenario())


async def test_a_burst_of_refusals_halves_once_and_closes() -> None:
    gate = limiter()
    for turn in await turns(gate, 16):
        gate.report(turn, "busy", retry_after_s=30, reason="slow down")
    state = gate.state()
    assert (state.status, state.concurrency, state.reason) == ("closed", 8, "slow down")
    assert 29 <= state.closed_for_s <= 31


async def test_an_isolated_refusal_closes_nothing() -> None:
    gate = limiter()
    first, second, *others = await turns(gate, 8)
    gate.report(second, "busy")
    assert gate.state().status == "open"
    gate.report(first, "busy")
    assert gate.state().status == "closed"
    for turn in others:
        gate.report(turn, "ok")
    assert gate.state().status == "closed"  # answers to old calls open nothing


def test_one_probe_leaves_a_closed_gate_and_its_answer_opens_it() -> None:
    async def scenario() -> None:
        gate = limiter()
        (turn,) = await turns(gate, 1)
        gate.report(turn, "overloaded", retry_after_s=2)
        tasks = await waiting(*(gate.acquire(patience_s=60) for _ in range(6)))
        await pass_time(10)
        (probe,) = [task.result() for task in tasks if task.done()]
        assert probe.probe
        gate.report(probe, "none")  # it taught nothing: the next one is a probe
        await asyncio.sleep(0)
        second = [task.result() for task in tasks if task.done()][-1]
        gate.report(second, "ok")
        await asyncio.sleep(0)
        assert all(task.done() for task in tasks)
        assert gate.state().status == "open"

    run(scenario())


def test_a_failing_probe_makes_the_wait_grow() -> None:
    async def scenario() -> list[float]:
        gate = limiter()
        waits = []
        for _ in range(9):
            turn = await gate.acquire(patience_s=600)
            gate.report(turn, "overloaded", retry_after_s=0.1)
            waits.append(gate.state().closed_for_s)
        return waits

    waits = run(scenario())
    assert waits[0] < 1
    assert all(later > 1.5 * earlier for earlier, later in pairwise(waits[:7]))
    assert all(60 <= wait <= 61 for wait in waits[7:])


async def test_waiters_without_the_patience_are_refused_as_soon_as_the_gate_closes() -> None:
    gate = limiter(concurrency_max=1)
    turn = await gate.acquire(patience_s=1)
    hasty, patient = await waiting(gate.acquire(patience_s=10), gate.acquire(patience_s=600))
    gate.report(turn, "busy", retry_after_s=60, reason="60 requests per minute")
    with pytest.raises(ModelClosedError, match="60 requests") as refused:
        await hasty
    assert refused.value.retry_after_s >= 59
    assert not patient.done()
    patient.cancel()


async def test_a_stop_has_the_words_of_the_provider_and_is_no_busy_model() -> None:
    gate = limiter()
    first, second = await turns(gate, 2)
    gate.report(first, "busy", retry_after_s=1)
    gate.report(second, "stop", reason="Insufficient Balance")
    assert gate.state().status == "stopped"
    with pytest.raises(ModelClosedError, match="Insufficient Balance") as refused:
        await gate.acquire(patience_s=20)
    assert refused.value.stop
    assert refused.value.delay_s == refused.value.retry_after_s >= 30


@pytest.mark.parametrize("retry_after_s", [float("nan"), float("inf"), -5.0, 1e300])
async def test_no_provider_closes_a_model_for_long(retry_after_s: float) -> None:
    gate = limiter()
    (turn,) = await turns(gate, 1)
    gate.report(
        turn, "busy", retry_after_s=retry_after_s, reason="x" * 10_000, tokens_used=-(10**30)
    )
    assert 0 < gate.state().closed_for_s <= 601
    assert len(gate.state().reason) == 500


def test_a_pace_is_learned_from_a_window_and_forgotten_in_time() -> None:
    async def scenario() -> tuple[float | None, float | None]:
        gate = limiter(concurrency_start=60)
        for turn in await turns(gate, 60):
            gate.report(turn, "ok")
        gate.report(await gate.acquire(patience_s=1), "busy", retry_after_s=58)
        gate.report(await gate.acquire(patience_s=60), "ok")
        learned = gate.state().pace_per_s
        await pass_time(3600)
        return learned, gate.state().pace_per_s

    learned, later = run(scenario())
    assert learned == pytest.approx(60 / 58, rel=0.05)
    assert later is None or later > 100
