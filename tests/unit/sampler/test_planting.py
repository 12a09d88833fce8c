"""The planted hypotheses: enough of them, of one shape, in an order that nobody can guess from the last one."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from statistics import mean
from typing import Any

import pytest
from nats.js.errors import KeyNotFoundError

from daydream_contracts.errors import ConfigurationError
from daydream_contracts.events import HypothesisProposed, Synthesis
from daydream_contracts.rpc import Grant, OpenReservation, Refusal
from daydream_contracts.text_limits import chars_max
from daydream_critic.pipeline import gates
from daydream_models.reservations import StagePlan
from daydream_sampler.canary_cases import CanarySet
from daydream_sampler.canary_injection import (
    CAUGHT_UP_MAX,
    CanaryCursor,
    CanaryInjector,
    proposed_by,
)
from daydream_sampler.epoch import Epoch

NOW = datetime(2026, 1, 1, tzinfo=UTC)
LISTED = CanarySet.read()
SHOWN = ("title", "reasoning", "hypothesis", "implication")


def test_there_are_thirty_of_each_and_none_twice() -> None:
    texts = [one.hypothesis for kind in ("bridge", "decoy") for one in LISTED.of(kind)]
    assert len(LISTED.of("bridge")) >= 30
    assert len(LISTED.of("decoy")) >= 30
    assert len(set(texts)) == len(texts)


@pytest.mark.parametrize("field", SHOWN)
def test_bridges_and_decoys_have_the_same_shape(field: str) -> None:
    lengths = {
        kind: sorted(len(getattr(one, field)) for one in LISTED.of(kind))
        for kind in ("bridge", "decoy")
    }
    assert mean(lengths["bridge"]) == pytest.approx(mean(lengths["decoy"]), rel=0.15)
    assert max(lengths["bridge"][0], lengths["decoy"][0]) < min(
        lengths["bridge"][-1], lengths["decoy"][-1]
    )


def test_each_is_what_a_synthesizer_could_have_sent_and_passes_the_free_gates() -> None:
    for number in range(120):
        proposed = proposed_by(number, *LISTED.at(number), NOW)
        assert gates.check_text(proposed) is None
        assert proposed.synthesis is not None
        assert all(
            len(getattr(proposed.synthesis, name)) < chars_max(Synthesis, name)
            for name in ("title", "reasoning", "hypothesis", "implication", "if_false")
        )


def test_all_come_in_turn_half_of_them_bridges_and_the_same_number_is_always_the_same_message() -> (
    None
):
    kinds = [LISTED.at(number)[0] for number in range(60)]
    assert kinds.count("bridge") == 30
    assert kinds[::2] != ["bridge"] * 30 != kinds[1::2]
    assert len({LISTED.at(number)[1].hypothesis for number in range(60)}) == 60
    assert LISTED.at(60)[1] != LISTED.at(0)[1] or LISTED.at(62)[1] != LISTED.at(2)[1], (
        "another order the next time"
    )
    assert proposed_by(7, *LISTED.at(7), NOW) == proposed_by(7, *LISTED.at(7), NOW)
    assert (
        proposed_by(7, *LISTED.at(7), NOW).message_id
        != proposed_by(67, *LISTED.at(67), NOW).message_id
    )


@dataclass
class State:
    """A shared state of one process."""

    value: Any

    async def read(self) -> Any:
        return self.value

    async def change(self, change: Callable[[Any], tuple[Any, Any]]) -> Any:
        self.value, result = change(self.value)
        return result


@dataclass
class Plans:
    """The plans of the critic."""

    async def get(self, stage: str) -> Any:
        if stage != "critic":
            raise KeyNotFoundError

        @dataclass
        class Entry:
            value: bytes = (
                StagePlan(stage="critic", model="m", fixed_nanousd=7, nanousd_per_fact_byte=0)
                .model_dump_json()
                .encode()
            )

        return Entry()


@dataclass
class World:
    """A runtime that grants money, or refuses it, and remembers what was published."""

    refusal: Refusal | None = None
    opened: list[OpenReservation] = field(default_factory=list)
    published: list[HypothesisProposed] = field(default_factory=list)

    async def ask(self, _: Any, question: OpenReservation) -> Grant:
        self.opened.append(question)
        return Grant(refusal=self.refusal)

    async def publish(self, message: HypothesisProposed) -> None:
        self.published.append(message)

    def planting(
        self, share: float, stages: tuple[str, ...] = ("synthesizer", "critic")
    ) -> CanaryInjector:
        self.epoch = State(Epoch(key="0"))
        found = CanaryInjector(self, None, Plans(), self.epoch, list(stages), share, LISTED)  # type: ignore[arg-type]
        found._planted = State(CanaryCursor())  # type: ignore[assignment]
        return found

    def draw(self, planting: CanaryInjector, pairs: int) -> int:
        """Draw so many more, then plant until nothing is due; how many came."""
        before = len(self.published)
        self.epoch.value = self.epoch.value.model_copy(
            update={"drawn": self.epoch.value.drawn + pairs}
        )
        while asyncio.run(planting._plant()) == 0.0:
            pass
        return len(self.published) - before


def test_the_share_of_canaries_is_kept_and_each_is_paid_from_an_reservation_of_its_own_kind() -> (
    None
):
    world = World()
    planting = world.planting(0.1)
    assert world.draw(planting, 0) == 0
    assert [world.draw(planting, 4) for _ in range(10)] == [0, 0, 1, 0, 1, 0, 0, 1, 0, 1]
    assert {reservation.purpose for reservation in world.opened} == {"canary"}
    assert {part.stage for reservation in world.opened for part in reservation.allocations} == {
        "critic"
    }
    assert len({one.message_id for one in world.published}) == 4


def test_what_was_drawn_before_is_not_caught_up_on() -> None:
    world = World()
    planting = world.planting(0.1)
    world.epoch.value = world.epoch.value.model_copy(update={"drawn": 100_000})
    assert world.draw(planting, 0) == 0, "it begins with the draws from now on"
    assert world.draw(planting, 10) == 1
    assert world.draw(planting, 100_000) <= CAUGHT_UP_MAX + 2, "nothing could be planted for long"


def test_without_money_a_canary_waits_and_is_the_same_one_later() -> None:
    world = World(refusal=Refusal(reason="cap", text="no money"))
    planting = world.planting(0.1)
    world.draw(planting, 0)
    assert world.draw(planting, 25) == 0
    world.refusal = None
    assert world.draw(planting, 0) == 2
    assert world.opened[0].reservation_id == world.published[0].pair.reservation_id


def test_where_nobody_judges_nothing_is_planted() -> None:
    assert not World().planting(0.1, ("synthesizer",)).judged


ONE = """[[canary]]
first = "A"
second = "B"
title = "T"
link = "analogy"
reasoning = "R"
hypothesis = "{0}"
implication = "I"
"""


def own(folder: Path, bridges: str, decoys: str) -> CanarySet:
    (folder / "bridges.toml").write_text(bridges)
    (folder / "decoys.toml").write_text(decoys)
    return CanarySet.read(str(folder))


def test_a_labs_own_take_the_place_of_those_that_come_along(tmp_path: Path) -> None:
    found = own(tmp_path, ONE.format("true") + ONE.format("truer"), ONE.format("false"))
    sent = [found.at(number) for number in range(8)]
    assert {canary.hypothesis for kind, canary in sent if kind == "bridge"} == {"true", "truer"}
    assert {canary.hypothesis for kind, canary in sent if kind == "decoy"} == {"false"}


@pytest.mark.parametrize(
    ("bridges", "said"),
    [
        ("", "canary"),
        ("canary = []", "no canaries"),
        ("[[canary", "can't read"),
        ('[[canary]]\nfirst = "A"', "second"),
    ],
)
def test_lists_that_are_wrong_are_refused_with_what_is_wrong(
    tmp_path: Path, bridges: str, said: str
) -> None:
    with pytest.raises(ConfigurationError, match=said):
        own(tmp_path, bridges, ONE)
    with pytest.raises(ConfigurationError, match="nowhere"):
        CanarySet.read("/nowhere")
