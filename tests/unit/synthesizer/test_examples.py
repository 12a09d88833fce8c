"""The examples that a writer is shown: which verdicts, for which pair, and how they appear."""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from daydream_contracts.events import (
    Decision,
    Fact,
    FactKind,
    HypothesisProposed,
    PairSampled,
    PromptExample,
    ReviewRecorded,
    VerdictReached,
    insight_id_of,
)
from daydream_contracts.prompt_variables import link_after_examples_variables
from daydream_contracts.rpc import ListVerdicts, VerdictPage
from daydream_models.stage_plans import FULL, SHORT
from daydream_synthesizer.examples import ExamplePicker
from daydream_synthesizer.request_specs import request_specs
from daydream_synthesizer.settings import SynthesizerSettings
from daydream_synthesizer.synthesis import Synthesizer
from support.message_builders import AT, SYNTHESIS, fact, pair
from support.writer_fakes import FakeWriter, verdict


@dataclass
class FakeVerdictMemory:
    """Memory's answers about verdicts. It stands in for an RPC client."""

    verdicts: list[VerdictReached]
    reviews: tuple[ReviewRecorded, ...] = ()
    retracted: tuple[str, ...] = ()
    requests: int = 0

    async def request(self, _: Any, request: ListVerdicts) -> VerdictPage:
        """Return the verdicts that a request selects."""
        self.requests += 1
        selected = [reached for reached in self.verdicts if self._matches(reached, request)]
        return VerdictPage(
            verdicts=tuple(selected),
            total=len(selected),
            reviews=self.reviews,
            retracted=self.retracted,
        )

    @staticmethod
    def _matches(reached: VerdictReached, request: ListVerdicts) -> bool:
        if request.verdict_ids:
            return reached.verdict_id in request.verdict_ids
        return reached.decision is Decision.PROMOTED or not request.promoted_only


def review(verdict_id: str, *, accepted: bool, minute: int = 0) -> ReviewRecorded:
    at = AT + timedelta(minutes=minute)
    return ReviewRecorded(verdict_id=verdict_id, accepted=accepted, who="ada", recorded_at=at)


def shown(memory: FakeVerdictMemory, drawn: PairSampled, count: int = 5) -> dict[str, bool]:
    """Return verdict id and label of each example for a pair."""
    picker = ExamplePicker(memory, count)  # type: ignore[arg-type]
    examples = asyncio.run(picker.pick(drawn))
    return {example.verdict_id: example.interesting for example in examples}


def on_pair(reached: VerdictReached, drawn: PairSampled) -> VerdictReached:
    proposed = reached.hypothesis.model_copy(update={"pair": drawn})
    return reached.model_copy(update={"hypothesis": proposed})


def insight_of(reached: VerdictReached) -> Fact:
    return fact(50).model_copy(
        update={
            "fact_id": insight_id_of(reached.hypothesis.hypothesis_id),
            "kind": FactKind.INSIGHT,
            "source": f"daydream {reached.verdict_id}",
            "depth": 1,
        }
    )


def test_promoted_and_discarded_findings_are_shown_as_such() -> None:
    memory = FakeVerdictMemory(
        [
            verdict(1, Decision.PROMOTED),
            verdict(2),
            verdict(3, Decision.REFUTED),
            verdict(4, Decision.DUPLICATE),
            verdict(5, Decision.ABSTAINED),
        ]
    )
    assert shown(memory, pair(9)) == {"v1": True, "v2": False, "v3": False}


def test_each_pair_has_its_own_choice_of_the_same_number_of_each_kind() -> None:
    decisions = [Decision.DISCARDED, Decision.PROMOTED]
    memory = FakeVerdictMemory([verdict(number, decisions[number % 2]) for number in range(1, 9)])
    assert Counter(shown(memory, pair(9), 2).values()) == {True: 2, False: 2}
    assert shown(memory, pair(9), 2) == shown(memory, pair(9), 2)
    assert len({frozenset(shown(memory, pair(number), 2)) for number in range(20, 40)}) > 3


def test_the_latest_review_outranks_the_critic_and_a_retracted_insight_is_not_shown() -> None:
    reviews = (
        review("v1", accepted=False, minute=2),
        review("v1", accepted=True),
        review("v2", accepted=True),
    )
    verdicts = [verdict(1, Decision.PROMOTED), verdict(2), verdict(3, Decision.PROMOTED)]
    assert shown(FakeVerdictMemory(verdicts, reviews, ("v3",)), pair(9)) == {
        "v1": False,
        "v2": True,
    }


def test_nothing_of_the_pairs_own_ancestry_is_shown() -> None:
    """The pair has an insight of v2, whose parent is an insight of v1, and a fact of v3.

    v4 was made from a fact that the pair descends from.
    """
    first, second = verdict(1, Decision.PROMOTED), verdict(2, Decision.PROMOTED)
    with_parent = {"first": insight_of(first)}
    second = on_pair(second, second.hypothesis.pair.model_copy(update=with_parent))
    sibling = verdict(3)
    own = {"first": insight_of(second), "second": sibling.hypothesis.pair.second}
    with_cousin = {"second": fact(70)}
    cousin = on_pair(verdict(4), first.hypothesis.pair.model_copy(update=with_cousin))
    unrelated = [verdict(5), verdict(6, Decision.PROMOTED)]
    memory = FakeVerdictMemory([first, second, sibling, cousin, *unrelated])
    assert shown(memory, pair(9).model_copy(update=own)) == {"v5": False, "v6": True}


def test_isolation_of_teams_and_clearances_hold_for_examples() -> None:
    def made_from(number: int, **fields: str) -> VerdictReached:
        reached = verdict(number)
        first = reached.hypothesis.pair.first.model_copy(update=fields)
        return on_pair(reached, reached.hypothesis.pair.model_copy(update={"first": first}))

    def pair_with(**fields: str) -> PairSampled:
        return pair(9).model_copy(update={"first": fact(18).model_copy(update=fields)})

    memory = FakeVerdictMemory(
        [made_from(1), made_from(2, team="red"), made_from(3, clearance="secret")]
    )
    assert set(shown(memory, pair(9))) == {"v1"}
    assert set(shown(memory, pair_with(team="red"))) == {"v1", "v2"}
    assert set(shown(memory, pair_with(clearance="secret"))) == {"v1", "v3"}


def test_memory_is_read_every_half_minute_and_not_for_each_pair() -> None:
    memory = FakeVerdictMemory([verdict(1)])
    picker = ExamplePicker(memory, 1)  # type: ignore[arg-type]

    async def pick_many() -> None:
        await asyncio.gather(*(picker.pick(pair(number)) for number in range(2, 20)))

    asyncio.run(pick_many())
    assert memory.requests == 2


def propose(memory: FakeVerdictMemory, drawn: PairSampled) -> tuple[HypothesisProposed, str]:
    """Return the hypothesis of a writer that is shown one example, and its prompt."""
    writer = FakeWriter()
    specs = request_specs(SynthesizerSettings(examples=1))
    picker = ExamplePicker(memory, 1)  # type: ignore[arg-type]
    synthesizer = Synthesizer({"w": writer}, specs, None, picker)  # type: ignore[dict-item]
    (proposed,) = asyncio.run(synthesizer.propose(drawn))
    return proposed, writer.requests[0].messages[1]["content"]


def test_a_writer_sees_examples_without_scores_and_the_message_names_them() -> None:
    memory = FakeVerdictMemory([verdict(1, Decision.PROMOTED), verdict(2)])
    proposed, prompt = propose(memory, pair(9))
    assert set(proposed.examples) == {
        PromptExample(verdict_id="v1", interesting=True),
        PromptExample(verdict_id="v2", interesting=False),
    }
    assert "\ninteresting: title 1: " in prompt
    assert "uninteresting: title 2: " in prompt
    assert "a score of 9" not in prompt


def test_under_a_short_plan_no_examples_are_shown() -> None:
    memory = FakeVerdictMemory([verdict(1, Decision.PROMOTED), verdict(2)])
    proposed, prompt = propose(memory, pair(9).model_copy(update={"plan": SHORT}))
    assert proposed.examples == ()
    assert "title 1" not in prompt


def test_examples_do_not_enter_the_id_of_a_hypothesis() -> None:
    without, prompt = propose(FakeVerdictMemory([]), pair(9))
    assert (without.examples, "(none)" in prompt) == ((), True)
    with_examples, _ = propose(FakeVerdictMemory([verdict(1)]), pair(9))
    assert without.hypothesis_id == with_examples.hypothesis_id


def test_the_plan_has_room_for_the_longest_examples() -> None:
    spec = request_specs(SynthesizerSettings(examples=5))[FULL]
    long = SYNTHESIS.model_copy(update={"title": "é" * 90, "hypothesis": "ü" * 600})
    drawn = pair()
    messages = spec.prompt.fill(**link_after_examples_variables(drawn, [(False, long)] * 10))
    size = sum(len(message["content"].encode()) for message in messages)
    facts = len(drawn.first.text.encode()) + len(drawn.second.text.encode())
    assert size <= spec.prompt.fixed_bytes + spec.text_bytes_max + facts + 8 * 60
