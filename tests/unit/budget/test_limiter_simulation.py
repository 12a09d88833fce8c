"""Providers that refuse, and hundreds of waiting requests, in virtual time."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable

import pytest

from daydream_budget.gateway.limiter.terms import LimiterSettings, ModelClosedError
from support.simulated_providers import (
    MODEL,
    OK,
    PROVIDER,
    FakeReplicaBus,
    FixedWindow,
    RefillingBucket,
    SimulatedAnswer,
    SimulatedLoad,
    SimulatedProvider,
    SimulatedRule,
    replicas,
)
from support.virtual_time import START_S, pass_time, run

WAITING = 256
ATTEMPTS_MAX, SLOWDOWN_MAX = 1.2, 1.3
SETTLED_S = 1.0


async def storm(
    rule: SimulatedRule,
    replica_count: int,
    *,
    settings: LimiterSettings | None = None,
    latency_s: float = 1.0,
    count: int = WAITING,
    tokens: int = 0,
) -> tuple[SimulatedLoad, float]:
    """Return what happened, and the seconds until all requests had their answers."""
    registries = replicas(replica_count, settings)
    await pass_time(SETTLED_S)
    provider = SimulatedProvider(rule, latency_s)
    load = SimulatedLoad(provider, registries, tokens=tokens)
    return load, await load.run(count, ("critic", "synthesizer"))


def attempts_per_answer(load: SimulatedLoad) -> float:
    return load.provider.calls / len(load.finished)


def outage(begins_s: float, ends_s: float, answer: SimulatedAnswer) -> SimulatedRule:
    def rule(now: float, in_flight: int) -> SimulatedAnswer:
        return answer if begins_s <= now - START_S < ends_s else OK

    return rule


@pytest.mark.parametrize("replica_count", [1, 3])
@pytest.mark.parametrize(
    ("make", "ideal_s"),
    [
        (lambda: FixedWindow(60, 60), 240),
        (lambda: FixedWindow(60, 60, tells=False), 240),
        (lambda: RefillingBucket(60, 1), 196),
        (lambda: RefillingBucket(60, 1, tells=False), 196),
        (lambda: RefillingBucket(5, 1), 251),
    ],
    ids=["window", "silent window", "bucket", "silent bucket", "small bucket"],
)
@pytest.mark.fault("F12", invariant="256 waiting calls make few attempts more than calls")
def test_a_full_queue_does_not_storm_a_limited_provider(
    make: Callable[[], SimulatedRule], ideal_s: float, replica_count: int
) -> None:
    load, took_s = run(storm(make(), replica_count))
    assert attempts_per_answer(load) <= ATTEMPTS_MAX
    assert took_s <= SLOWDOWN_MAX * ideal_s
    assert load.probes_in_flight_max == 1


@pytest.mark.parametrize("replica_count", [1, 3])
@pytest.mark.fault("F12", invariant="an outage costs few probes")
def test_an_outage_of_ten_minutes_costs_few_probes(replica_count: int) -> None:
    overloaded = SimulatedAnswer("overloaded", None, "Overloaded")
    load, took_s = run(storm(outage(3, 603, overloaded), replica_count))
    assert attempts_per_answer(load) <= ATTEMPTS_MAX
    assert len(load.probes) <= 20
    assert load.probes_in_flight_max == 1
    assert took_s <= 603 + 75  # the longest wait between two probes, and the calls themselves


@pytest.mark.parametrize("replica_count", [1, 3])
def test_a_few_random_refusals_do_not_slow_the_calls_down(replica_count: int) -> None:
    chance = random.Random(3)

    def rule(now: float, in_flight: int) -> SimulatedAnswer:
        return SimulatedAnswer("busy") if chance.random() < 0.05 else OK

    load, took_s = run(storm(rule, replica_count))
    assert attempts_per_answer(load) <= ATTEMPTS_MAX
    assert took_s <= SLOWDOWN_MAX * WAITING / 16  # as with the concurrency at the start


def test_random_refusals_that_ask_for_a_wait_are_obeyed() -> None:
    chance = random.Random(3)

    def rule(now: float, in_flight: int) -> SimulatedAnswer:
        return SimulatedAnswer("busy", 1.0) if chance.random() < 0.05 else OK

    load, _ = run(storm(rule, 3))
    assert attempts_per_answer(load) <= ATTEMPTS_MAX
    assert load.probes_in_flight_max == 1


@pytest.mark.parametrize("replica_count", [1, 3])
def test_a_provider_with_few_places_is_kept_full(replica_count: int) -> None:
    def rule(now: float, in_flight: int) -> SimulatedAnswer:
        return SimulatedAnswer("busy") if in_flight >= 16 else OK

    load, took_s = run(storm(rule, replica_count, latency_s=5.0))
    assert attempts_per_answer(load) <= ATTEMPTS_MAX
    assert took_s <= 1.7 * WAITING * 5 / 16


@pytest.mark.parametrize("replica_count", [1, 3])
def test_configured_requests_per_minute_are_kept_without_a_refusal(replica_count: int) -> None:
    settings = LimiterSettings(requests_per_minute=60)
    load, took_s = run(storm(FixedWindow(60, 60), replica_count, settings=settings))
    assert load.provider.calls == WAITING
    assert took_s <= SLOWDOWN_MAX * 240


def test_configured_tokens_per_minute_are_kept_with_the_tokens_that_were_used() -> None:
    settings = LimiterSettings(tokens_per_minute=60_000)

    def rule(now: float, in_flight: int) -> SimulatedAnswer:
        return SimulatedAnswer("ok", tokens_used=1000)

    load, took_s = run(storm(rule, 3, settings=settings, tokens=4000))
    arrivals = load.provider.arrivals
    in_a_minute = max(sum(at <= other < at + 60 for other in arrivals) for at in arrivals)
    assert in_a_minute <= 60
    assert took_s <= 1.3 * 240


def test_a_caller_with_a_long_queue_does_not_starve_another() -> None:
    async def scenario() -> tuple[float, float]:
        registries = replicas(1)
        provider = SimulatedProvider(RefillingBucket(5, 1))
        load = SimulatedLoad(provider, registries)
        long = asyncio.create_task(load.run(100, ("critic",)))
        await pass_time(1)
        short = await load.run(10, ("synthesizer",))
        return short, await long

    short_s, long_s = run(scenario())
    assert short_s <= 35  # every second turn is its own, and some calls are refused
    assert long_s >= 90


def test_a_caller_is_served_in_order() -> None:
    async def scenario() -> list[int]:
        limiter = replicas(1, LimiterSettings(concurrency_max=1))[0].limiter(PROVIDER, MODEL)
        order: list[int] = []

        async def ask(number: int) -> None:
            async with limiter.turn(patience_s=60, caller="critic") as turn:
                order.append(number)
                await pass_time(1)
                limiter.report(turn, "ok")

        await asyncio.gather(*(ask(number) for number in range(10)))
        return order

    assert run(scenario()) == list(range(10))


def test_an_exhausted_balance_stops_at_once_in_the_words_of_the_provider() -> None:
    words = "Insufficient Balance"

    async def scenario() -> tuple[int, list[ModelClosedError], int]:
        registries = replicas(3)
        await pass_time(SETTLED_S)
        provider = SimulatedProvider(outage(0, 300, SimulatedAnswer("stop", None, words)))
        load = SimulatedLoad(provider, registries, patience_s=10)
        errors: list[ModelClosedError] = []

        async def ask(number: int) -> None:
            try:
                await load.attempt(registries[number % 3], "critic", again=False)
            except ModelClosedError as error:
                errors.append(error)

        await asyncio.gather(*(ask(number) for number in range(WAITING)))
        calls_at_once = provider.calls
        states = {registry.limiter(PROVIDER, MODEL).state().status for registry in registries}
        assert states == {"stopped"}
        assert all(30 <= error.retry_after_s <= 40 for error in errors)
        await load.run(3)
        assert asyncio.get_running_loop().time() - START_S <= 300 + 300
        return calls_at_once, errors, len(load.probes)

    calls_at_once, errors, probes = run(scenario())
    assert calls_at_once <= 16
    assert len(errors) == WAITING - calls_at_once
    assert all(error.stop and error.reason == words for error in errors)
    assert probes <= 6


def test_a_burst_of_broken_answers_opens_the_circuit_breaker() -> None:
    broken = SimulatedAnswer("bad", None, "the answer is not JSON")
    load, _ = run(storm(outage(0, 120, broken), 3))
    assert load.provider.calls <= WAITING + 16 + 10
    assert load.probes_in_flight_max == 1


def test_replicas_with_queues_of_different_lengths_finish_together() -> None:
    async def scenario() -> tuple[float, float, SimulatedProvider]:
        registries = replicas(3)
        await pass_time(SETTLED_S)
        provider = SimulatedProvider(FixedWindow(60, 60))
        long = SimulatedLoad(provider, registries[:1])
        short = SimulatedLoad(provider, registries[1:])
        long_s, short_s = await asyncio.gather(long.run(226), short.run(30))
        return long_s, short_s, provider

    long_s, short_s, provider = run(scenario())
    assert provider.calls <= ATTEMPTS_MAX * WAITING
    assert long_s <= SLOWDOWN_MAX * 240
    assert short_s <= long_s + 20


def test_without_nats_each_replica_limits_alone() -> None:
    async def scenario() -> tuple[SimulatedLoad, float]:
        bus = FakeReplicaBus()
        registries = replicas(3, bus=bus)
        await pass_time(SETTLED_S)
        load = SimulatedLoad(SimulatedProvider(FixedWindow(60, 60)), registries)
        asyncio.get_running_loop().call_later(20, lambda: setattr(bus, "lost", True))
        asyncio.get_running_loop().call_later(130, lambda: setattr(bus, "lost", False))
        return load, await load.run(WAITING)

    load, took_s = run(scenario())
    assert attempts_per_answer(load) <= ATTEMPTS_MAX
    assert took_s <= 1.5 * 240
    assert load.probes_in_flight_max <= 3
