"""When a replica of the gateway counts as dead."""

from __future__ import annotations

from typing import cast

from nats.aio.client import Client
from nats.aio.msg import Msg

from daydream_budget.gateway.calls.replicas import SILENCE_S, ReplicaLiveness

OTHER = "other-1"


class Listening:
    """A replica that receives beats as the test says, by a clock of the test."""

    def __init__(self) -> None:
        self.now = 100.0
        self.replica = ReplicaLiveness(cast(Client, None), "here", clock=lambda: self.now)

    async def beats(self, *names: str, seconds: int = 1) -> None:
        """Receive the beats of these replicas, once a second."""
        for _ in range(seconds):
            self.now += 1.0
            for name in names:
                message = Msg(cast(Client, None), data=name.encode())
                await self.replica.receive(message)

    @property
    def is_silent(self) -> bool:
        return self.replica.is_silent(OTHER)


async def test_a_replica_that_beats_is_alive_and_one_that_stops_is_dead_after_a_while() -> None:
    listening = Listening()
    await listening.beats(listening.replica.name, OTHER, seconds=10)
    assert not listening.is_silent
    await listening.beats(listening.replica.name, seconds=int(SILENCE_S) - 1)
    assert not listening.is_silent
    await listening.beats(listening.replica.name)
    assert listening.is_silent


async def test_a_replica_of_an_earlier_time_is_watched_from_the_first_question_on() -> None:
    listening = Listening()
    await listening.beats(listening.replica.name, seconds=10)
    assert not listening.is_silent
    await listening.beats(listening.replica.name, seconds=int(SILENCE_S))
    assert listening.is_silent


async def test_no_replica_counts_as_dead_while_nothing_is_received() -> None:
    listening = Listening()
    await listening.beats(listening.replica.name, OTHER, seconds=10)
    listening.now += 60  # NATS was away, or this process was stopped
    assert not listening.is_silent
    await listening.beats(listening.replica.name)
    assert not listening.is_silent, "its own beat comes first after a break"
    await listening.beats(listening.replica.name, OTHER)
    assert not listening.is_silent


async def test_a_replica_that_does_not_come_back_after_a_break_is_dead() -> None:
    listening = Listening()
    await listening.beats(listening.replica.name, OTHER, seconds=10)
    listening.now += 60
    await listening.beats(listening.replica.name, seconds=int(SILENCE_S) + 1)
    assert listening.is_silent
