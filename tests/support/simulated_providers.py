"""Simulated model providers, and replicas of the gateway that ask them, in virtual time."""

from __future__ import annotations

import asyncio
import math
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from daydream_budget.gateway.limiter.registry import LimiterRegistry
from daydream_budget.gateway.limiter.terms import LimiterSettings, ModelClosedError, Signal
from daydream_budget.gateway.limiter.turns import Turn
from support.virtual_time import pass_time

PROVIDER, MODEL = "simulated", "model"
REFUSAL_S = 0.05
LINK_S = 0.002


@dataclass(frozen=True)
class SimulatedAnswer:
    signal: Signal
    retry_after_s: float | None = None
    reason: str = ""
    tokens_used: int | None = None


OK = SimulatedAnswer("ok")


class SimulatedRule(Protocol):
    """How a provider answers a call that arrives at this moment."""

    def __call__(self, now: float, in_flight: int) -> SimulatedAnswer: ...


class FixedWindow:
    """Allow a number of calls per window. Say when the next window begins, if `tells`."""

    def __init__(self, calls: int, window_s: float, *, tells: bool = True) -> None:
        self._calls, self._window_s, self._tells = calls, window_s, tells
        self._ends = self._used = 0.0

    def __call__(self, now: float, in_flight: int) -> SimulatedAnswer:
        if now >= self._ends:
            self._ends, self._used = now + self._window_s, 0
        if self._used < self._calls:
            self._used += 1
            return OK
        wait_s = math.ceil(self._ends - now)
        return SimulatedAnswer("busy", wait_s if self._tells else None, "rate limit reached")


class RefillingBucket:
    """Allow calls while there is content, which refills evenly."""

    def __init__(self, content: int, per_s: float, *, tells: bool = True) -> None:
        self._max, self._content, self._per_s, self._tells = content, float(content), per_s, tells
        self._at: float | None = None

    def __call__(self, now: float, in_flight: int) -> SimulatedAnswer:
        self._content += (now - (now if self._at is None else self._at)) * self._per_s
        self._content, self._at = min(self._content, self._max), now
        if self._content >= 1:
            self._content -= 1
            return OK
        wait_s = math.ceil((1 - self._content) / self._per_s)
        return SimulatedAnswer("busy", wait_s if self._tells else None, "rate limit reached")


@dataclass
class SimulatedProvider:
    """A provider, and its own record of what it was asked."""

    rule: SimulatedRule
    latency_s: float = 1.0
    rng: random.Random = field(default_factory=lambda: random.Random(1))
    calls: int = 0
    in_flight: int = 0
    in_flight_max: int = 0
    arrivals: list[float] = field(default_factory=list)

    async def call(self) -> SimulatedAnswer:
        now = asyncio.get_running_loop().time()
        self.calls += 1
        self.arrivals.append(now)
        answer = self.rule(now, self.in_flight)
        if answer.signal != "ok":
            await pass_time(REFUSAL_S)
            return answer
        self.in_flight += 1
        self.in_flight_max = max(self.in_flight_max, self.in_flight)
        await pass_time(self.latency_s * self.rng.uniform(0.7, 1.3))
        self.in_flight -= 1
        return answer


class FakeReplicaBus:
    """Carry reports between replicas after a moment, or lose them while `lost`."""

    def __init__(self) -> None:
        self.lost = False
        self.sent = 0
        self.receivers: list[Callable[[bytes], None]] = []

    def publish(self, body: bytes) -> None:
        self.sent += 1
        for receive in self.receivers:
            asyncio.get_running_loop().call_later(LINK_S, receive, body)


class FakeReplicaChannel:
    """One replica's connection to the bus."""

    def __init__(self, bus: FakeReplicaBus) -> None:
        self._bus = bus

    @property
    def connected(self) -> bool:
        return not self._bus.lost

    def send(self, body: bytes) -> None:
        if self.connected:
            self._bus.publish(body)

    def listen(self, receive: Callable[[bytes], None]) -> None:
        self._bus.receivers.append(receive)


def replicas(
    count: int, settings: LimiterSettings | None = None, bus: FakeReplicaBus | None = None
) -> list[LimiterRegistry]:
    """Start replicas of the gateway that know each other."""
    bus = bus or FakeReplicaBus()
    made = [
        LimiterRegistry(
            lambda _: settings or LimiterSettings(),
            asyncio.get_running_loop(),
            channel=FakeReplicaChannel(bus),
            replica=f"gateway-{number}",
            rng=random.Random(number),
        )
        for number in range(count)
    ]
    for registry in made:
        registry.start()
    return made


@dataclass
class SimulatedLoad:
    """Calls that many callers make through replicas, until each has its answer."""

    provider: SimulatedProvider
    registries: Sequence[LimiterRegistry]
    patience_s: float = 3600.0
    tokens: int = 0
    finished: list[tuple[str, float]] = field(default_factory=list)
    probes: list[float] = field(default_factory=list)
    probes_in_flight: int = 0
    probes_in_flight_max: int = 0

    async def run(self, count: int, callers: Sequence[str] = ("stage",)) -> float:
        """Return the seconds until `count` calls are answered."""
        started = asyncio.get_running_loop().time()
        await asyncio.gather(
            *(self.answered(number, callers[number % len(callers)]) for number in range(count))
        )
        return asyncio.get_running_loop().time() - started

    async def answered(self, number: int, caller: str) -> None:
        registry = self.registries[number % len(self.registries)]
        again = False
        while True:
            try:
                signal = await self.attempt(registry, caller, again)
            except ModelClosedError as error:
                await pass_time(error.retry_after_s)
                continue
            if signal == "ok":
                self.finished.append((caller, asyncio.get_running_loop().time()))
                return
            again = True

    async def attempt(self, registry: LimiterRegistry, caller: str, again: bool) -> Signal:
        limiter = registry.limiter(PROVIDER, MODEL)
        async with limiter.turn(
            patience_s=self.patience_s, tokens=self.tokens, caller=caller, again=again
        ) as turn:
            self._count_probe(turn, 1)
            answer = await self.provider.call()
            self._count_probe(turn, -1)
            limiter.report(
                turn,
                answer.signal,
                retry_after_s=answer.retry_after_s,
                reason=answer.reason,
                tokens_used=answer.tokens_used,
            )
        return answer.signal

    def _count_probe(self, turn: Turn, change: int) -> None:
        if not turn.probe:
            return
        if change > 0:
            self.probes.append(asyncio.get_running_loop().time())
        self.probes_in_flight += change
        self.probes_in_flight_max = max(self.probes_in_flight_max, self.probes_in_flight)
