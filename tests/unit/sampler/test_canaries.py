"""Canaries: enough of them, of one shape, in an order that can't be guessed from the last one."""

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
from daydream_critic.pipeline.evaluation import Evaluation
from daydream_critic.pipeline.gates.registry import open_gates
from daydream_critic.settings import CriticSettings
from daydream_models.canaries.canary_hypothesis import canary_hypothesis
from daydream_models.canaries.canary_set import CanarySet, Kind
from daydream_models.stage_plans import StagePlan
from daydream_sampler.canary_injection import (
    LATE_MAX,
    CanaryCursor,
    CanaryInjector,
)
from daydream_sampler.epoch import Epoch
from support.confounds import text_confounds

NOW = datetime(2026, 1, 1, tzinfo=UTC)
LISTED = CanarySet.read()
KINDS: tuple[Kind, ...] = ("bridge", "decoy")
SHOWN = ("title", "reasoning", "hypothesis", "implication")


def test_there_are_sixty_different_canaries_of_each_kind_as_matched_pairs() -> None:
    texts = [case.hypothesis for kind in KINDS for case in LISTED.of(kind)]
    assert len(LISTED.bridges) == len(LISTED.decoys) >= 60
    assert len(set(texts)) == len(texts)
    for bridge, decoy in zip(LISTED.bridges, LISTED.decoys, strict=True):
        assert (bridge.first, bridge.link) == (decoy.first, decoy.link)
        assert bridge.second != decoy.second


def test_no_simple_feature_of_the_texts_tells_bridges_from_decoys() -> None:
    """Otherwise canaries would measure length or shared words instead of judgement."""
    areas = text_confounds(LISTED)
    assert len(areas) > 100
    assert max(areas.values()) <= 0.6, max(areas, key=areas.__getitem__)


@pytest.mark.parametrize("field", SHOWN)
def test_bridges_and_decoys_have_the_same_shape(field: str) -> None:
    lengths = {
        kind: sorted(len(getattr(case, field)) for case in LISTED.of(kind)) for kind in KINDS
    }
    assert mean(lengths["bridge"]) == pytest.approx(mean(lengths["decoy"]), rel=0.15)
    assert max(lengths["bridge"][0], lengths["decoy"][0]) < min(
        lengths["bridge"][-1], lengths["decoy"][-1]
    )


def test_each_canary_fits_a_synthesis_and_passes_the_gates() -> None:
    gates = open_gates(CriticSettings())
    for number in range(120):
        proposed = canary_hypothesis(number, *LISTED.at(number), NOW)
        evaluation = asyncio.run(gates.check_text(Evaluation(proposed)))
        assert evaluation.outcome is None
        assert proposed.synthesis is not None
        assert all(
            len(getattr(proposed.synthesis, name)) < chars_max(Synthesis, name)
            for name in ("title", "reasoning", "hypothesis", "implication", "if_false")
        )


def test_all_canaries_take_turns_and_a_number_always_gives_the_same_message() -> None:
    lap = 2 * len(LISTED.bridges)
    kinds = [LISTED.at(number)[0] for number in range(lap)]
    assert kinds.count("bridge") == lap / 2
    assert kinds[::2] != ["bridge"] * (lap // 2) != kinds[1::2]
    assert len({LISTED.at(number)[1].hypothesis for number in range(lap)}) == lap
    assert LISTED.at(lap)[1] != LISTED.at(0)[1] or LISTED.at(lap + 2)[1] != LISTED.at(2)[1], (
        "another order the next time"
    )
    assert canary_hypothesis(7, *LISTED.at(7), NOW) == canary_hypothesis(7, *LISTED.at(7), NOW)
    assert (
        canary_hypothesis(7, *LISTED.at(7), NOW).message_id
        != canary_hypothesis(67, *LISTED.at(67), NOW).message_id
    )


@dataclass
class FakeCasState:
    """A shared state in one process."""

    value: Any

    async def read(self) -> Any:
        return self.value

    async def change(self, change: Callable[[Any], tuple[Any, Any]]) -> Any:
        self.value, result = change(self.value)
        return result


@dataclass
class FakePlans:
    """A bucket with the plan of the critic."""

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
class FakeRuntime:
    """Grants or refuses money, and remembers what was published."""

    refusal: Refusal | None = None
    opened: list[OpenReservation] = field(default_factory=list)
    published: list[HypothesisProposed] = field(default_factory=list)

    @property
    def rpc(self) -> FakeRuntime:
        """It answers the budget's requests itself."""
        return self

    async def request(self, _: Any, request: OpenReservation) -> Grant:
        self.opened.append(request)
        return Grant(refusal=self.refusal)

    async def publish(self, message: HypothesisProposed) -> None:
        self.published.append(message)

    def injector(
        self, share: float, stages: tuple[str, ...] = ("synthesizer", "critic")
    ) -> CanaryInjector:
        self.epoch = FakeCasState(Epoch(key="0"))
        cursor = FakeCasState(CanaryCursor())
        judging = tuple(stage for stage in stages if stage != "synthesizer")
        return CanaryInjector(
            self,  # type: ignore[arg-type]
            cursor,  # type: ignore[arg-type]
            FakePlans(),  # type: ignore[arg-type]
            self.epoch,  # type: ignore[arg-type]
            judging,
            share,
            LISTED,
        )

    def draw(self, injector: CanaryInjector, pairs: int) -> int:
        """Draw more pairs, then inject until no canary is due. Return how many were sent."""
        before = len(self.published)
        self.epoch.value = self.epoch.value.model_copy(
            update={"drawn": self.epoch.value.drawn + pairs}
        )
        while asyncio.run(injector.inject()) == 0.0:
            pass
        return len(self.published) - before


def test_canaries_follow_their_share_of_draws_with_their_own_kind_of_reservation() -> None:
    world = FakeRuntime()
    injector = world.injector(0.1)
    assert world.draw(injector, 0) == 0
    assert [world.draw(injector, 4) for _ in range(10)] == [0, 0, 1, 0, 1, 0, 0, 1, 0, 1]
    assert {reservation.purpose for reservation in world.opened} == {"canary"}
    assert {part.stage for reservation in world.opened for part in reservation.allocations} == {
        "critic"
    }
    assert len({proposed.message_id for proposed in world.published}) == 4


def test_earlier_draws_get_no_late_canaries() -> None:
    world = FakeRuntime()
    injector = world.injector(0.1)
    world.epoch.value = world.epoch.value.model_copy(update={"drawn": 100_000})
    assert world.draw(injector, 0) == 0, "canaries begin with the draws from now on"
    assert world.draw(injector, 10) == 1
    assert world.draw(injector, 100_000) <= LATE_MAX + 2, "no canary could be sent for long"


def test_a_canary_that_is_refused_waits_and_is_the_same_later() -> None:
    world = FakeRuntime(refusal=Refusal(reason="cap", text="no money"))
    injector = world.injector(0.1)
    world.draw(injector, 0)
    assert world.draw(injector, 25) == 0
    world.refusal = None
    assert world.draw(injector, 0) == 2
    assert world.opened[0].reservation_id == world.published[0].pair.reservation_id


def test_without_a_judging_stage_there_are_no_canaries() -> None:
    assert not FakeRuntime().injector(0.1, ("synthesizer",)).is_useful


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


def test_a_labs_own_canaries_replace_the_bundled_ones(tmp_path: Path) -> None:
    canaries = own(tmp_path, ONE.format("true") + ONE.format("truer"), ONE.format("false"))
    sent = [canaries.at(number) for number in range(8)]
    assert {canary.hypothesis for kind, canary in sent if kind == "bridge"} == {"true", "truer"}
    assert {canary.hypothesis for kind, canary in sent if kind == "decoy"} == {"false"}


@pytest.mark.parametrize(
    ("bridges", "reason"),
    [
        ("", "canary"),
        ("canary = []", "no canaries"),
        ("[[canary", "can't read"),
        ('[[canary]]\nfirst = "A"', "second"),
    ],
)
def test_invalid_lists_are_refused_with_the_reason(
    tmp_path: Path, bridges: str, reason: str
) -> None:
    with pytest.raises(ConfigurationError, match=reason):
        own(tmp_path, bridges, ONE)
    with pytest.raises(ConfigurationError, match="nowhere"):
        CanarySet.read("/nowhere")
