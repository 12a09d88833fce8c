"""Who writes, after which examples. What the models answer is scripted."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from daydream_contracts.access import Clearances
from daydream_contracts.errors import ConfigurationError
from daydream_contracts.events import (
    Decision,
    Fact,
    FactKind,
    HypothesisProposed,
    Judgement,
    LinkKind,
    ModelCall,
    PairSampled,
    PromptExample,
    PromptRef,
    ReviewRecorded,
    VerdictReached,
    insight_id_of,
)
from daydream_contracts.prompts import link_after_examples_variables
from daydream_contracts.rpc import ListVerdicts, VerdictPage
from daydream_models.client import ModelReply, ModelRequest
from daydream_models.request_spec import RequestSpecs
from daydream_models.reservations import BRIEF, FULL, StageCost, StagePlan
from daydream_synthesizer.app import forms, read_writers
from daydream_synthesizer.examples import ExamplePicker
from daydream_synthesizer.settings import SynthesizerSettings
from daydream_synthesizer.synthesis import Synthesizer
from daydream_synthesizer.writer_history import (
    COUNT_MAX,
    WriterHistory,
    WriterStats,
    choose,
    shares,
)
from support.samples import AT, SYNTHESIS, fact, hypothesis, pair

NANO = 1_000_000_000


@dataclass
class Writer:
    """A model that always finds the same link."""

    name: str = "gpt-5-mini"
    fixed: int = 100
    per_byte: int = 1
    clearance: str = ""
    asked: list[ModelRequest] = field(default_factory=list)

    async def ask(self, question: ModelRequest, kind: type[Any]) -> ModelReply[Any]:
        self.asked.append(question)
        call = ModelCall(
            call_id=question.key,
            model=f"{self.name}-2026",
            prompt=PromptRef(name="p", digest="d"),
            input_tokens=1,
            output_tokens=1,
            cost_nanousd=1,
        )
        return ModelReply(
            kind(reasoning="so", link=LinkKind.ANALOGY, title="t", hypothesis="h", implication="i"),
            "",
            (call,),
        )

    def plan(self, forms: RequestSpecs) -> StagePlan:
        smaller = {
            size: StageCost(fixed_nanousd=self.fixed // 2, nanousd_per_fact_byte=self.per_byte)
            for size in forms
            if size != FULL
        }
        return StagePlan(
            stage="synthesizer",
            model=self.name,
            clearance=self.clearance,
            fixed_nanousd=self.fixed,
            nanousd_per_fact_byte=self.per_byte,
            smaller=smaller,
        )


def verdict(
    number: int,
    decision: Decision = Decision.DISCARDED,
    writer: str = "gpt-5-mini",
    cost: int = 10**6,
    **more: Any,
) -> VerdictReached:
    own = SYNTHESIS.model_copy(update={"title": f"title {number}"})
    proposed = hypothesis(number, own).model_copy(
        update={"writer": writer, "round": more.get("round", 1)}
    )
    judgements = (Judgement(judge="j", model="m", justification="a score of 9", scores=None),)
    return VerdictReached(
        verdict_id=f"v{number}",
        hypothesis=proposed,
        role="critic",
        decision=decision,
        reason="quota",
        explanation="",
        judgements=judgements,
        cost_nanousd=cost,
        reached_at=AT,
        **{"round": 1, "final": True, **more},
    )


def known(*tried: tuple[str, int, int, float]) -> WriterHistory:
    return WriterHistory(
        writers={
            name: WriterStats(hypotheses=count, promoted=promoted, cost_nanousd=int(usd * NANO))
            for name, count, promoted, usd in tried
        }
    )


def chosen(
    names: Sequence[str], yields: WriterHistory, floor: float = 0.0, count: int = 1000
) -> Counter[str]:
    return Counter(choose(names, yields, floor=floor, seed=str(at)) for at in range(count))


# --- the mixture --------------------------------------------------------------------------------------------------------


def test_without_knowledge_all_write_about_as_often() -> None:
    found = chosen(["a", "b", "c"], WriterHistory())
    assert all(250 < found[name] < 420 for name in ("a", "b", "c"))


def test_who_brings_more_insights_per_dollar_writes_more() -> None:
    same_rate_half_the_price = known(("dear", 400, 12, 4.0), ("cheap", 400, 12, 2.0))
    assert chosen(["dear", "cheap"], same_rate_half_the_price)["cheap"] > 900
    dearer_but_better_by_far = known(("dear", 400, 40, 4.0), ("cheap", 400, 4, 1.0))
    assert chosen(["dear", "cheap"], dearer_but_better_by_far)["dear"] > 900


def test_the_floor_goes_to_all_evenly() -> None:
    settled = known(("good", 5000, 500, 5.0), ("bad", 5000, 0, 5.0))
    assert chosen(["good", "bad"], settled)["bad"] == 0
    assert 60 < chosen(["good", "bad"], settled, floor=0.2)["bad"] < 140
    assert shares(["good", "bad"], settled, floor=0.2)["bad"] == pytest.approx(0.1, abs=0.05)


def test_a_new_writer_gets_its_chance_and_free_ones_are_told_apart_by_what_they_find() -> None:
    assert chosen(["old", "new"], known(("old", 200, 4, 2.0)))["new"] > 200
    assert chosen(["good", "bad"], known(("good", 300, 30, 0), ("bad", 300, 0, 0)))["good"] > 900


def test_the_same_knowledge_gives_the_same_writer() -> None:
    yields = known(("a", 10, 1, 0.1), ("b", 10, 1, 0.1))
    assert [choose(["a", "b"], yields, floor=0.1, seed="s") for _ in range(5)] == [
        choose(["a", "b"], yields, floor=0.1, seed="s")
    ] * 5


def test_what_is_counted_of_a_verdict() -> None:
    yields = WriterHistory()
    canary = verdict(5)
    planted = canary.model_copy(
        update={
            "hypothesis": canary.hypothesis.model_copy(
                update={"pair": canary.hypothesis.pair.model_copy(update={"canary": "decoy"})}
            )
        }
    )
    waiting, anew, old = (
        verdict(3, Decision.DEFERRED, final=False),
        verdict(4, round=2),
        verdict(6, writer=""),
    )
    counted = (
        verdict(1, Decision.PROMOTED, cost=7),
        verdict(2, cost=5),
        waiting,
        anew,
        planted,
        old,
    )
    for sequence, one in enumerate(counted, 1):
        yields.add(sequence, one)
        yields.add(sequence, one)
    assert yields.writers == {"gpt-5-mini": WriterStats(hypotheses=2, promoted=1, cost_nanousd=12)}
    assert yields.sequence == len(counted)
    yields.writers["gpt-5-mini"] = WriterStats(
        hypotheses=COUNT_MAX, promoted=100, cost_nanousd=10**9
    )
    yields.add(100, verdict(7, cost=2))
    assert yields.of("gpt-5-mini") == WriterStats(
        hypotheses=COUNT_MAX // 2, promoted=50, cost_nanousd=(10**9 + 2) // 2
    )


def test_a_plan_has_the_bound_of_the_dearest_and_the_sight_of_the_least_cleared() -> None:
    writers = {"a": Writer("a", 100, 3, "secret"), "b": Writer("b", 200, 1, "internal")}
    plan = Synthesizer(
        writers, forms(SynthesizerSettings()), clearances=Clearances(("internal", "secret"))
    ).plan()  # type: ignore[arg-type]
    assert (
        plan.model,
        plan.alternative_models,
        plan.fixed_nanousd,
        plan.nanousd_per_fact_byte,
    ) == (
        "a",
        ("b",),
        200,
        3,
    )
    assert plan.smaller[BRIEF] == StageCost(fixed_nanousd=100, nanousd_per_fact_byte=3)
    assert plan.clearance == "internal"
    (part,) = plan.parts(10, 2)
    assert (part.model, part.alternative_models, part.upper_bound_nanousd) == (
        "a",
        ("b",),
        2 * (200 + 30),
    )
    assert plan.models == ("a", "b")


def test_each_sample_is_written_by_its_own_choice_under_a_name_that_does_not_depend_on_it() -> None:
    writers = {"a": Writer("a"), "b": Writer("b")}
    following: Any = SimpleNamespace(projection=WriterHistory())
    many = pair(samples=16)
    proposed = asyncio.run(
        Synthesizer(writers, forms(SynthesizerSettings()), following).propose(many)
    )  # type: ignore[arg-type]
    assert {one.writer for one in proposed} == {"a", "b"}
    assert all(one.calls[0].model == f"{one.writer}-2026" for one in proposed)
    alone = asyncio.run(Synthesizer({"c": Writer("c")}, forms(SynthesizerSettings())).propose(many))  # type: ignore[arg-type, dict-item]
    assert [one.hypothesis_id for one in alone] == [one.hypothesis_id for one in proposed]


def test_writers_are_read_from_their_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "writers.toml"
    file.write_text(
        '[[writer]]\nmodel = "gpt-5-mini"\n[[writer]]\nmodel = "qwen3"\nbase_url = "http://127.0.0.1:1/v1"\nfree = true\ntemperature = 0.5\n'
    )
    first, second = read_writers(SynthesizerSettings(models_file=str(file)))
    assert (first.name, second.name, second.free, second.temperature) == (
        "gpt-5-mini",
        "qwen3",
        True,
        0.5,
    )
    file.write_text('[[writer]]\nmodel = "a"\n[[writer]]\nmodel = "a"\n')
    with pytest.raises(ConfigurationError, match="twice"):
        read_writers(SynthesizerSettings(models_file=str(file)))
    file.write_text('[[writer]]\nmodel = "a"\nbrief = true\n')
    with pytest.raises(ConfigurationError, match="brief"):
        read_writers(SynthesizerSettings(models_file=str(file)))
    file.write_text('[[writer]]\nrubric = "essay"\n')
    with pytest.raises(ConfigurationError, match="rubric"):
        read_writers(SynthesizerSettings(models_file=str(file)))


# --- examples -----------------------------------------------------------------------------------------------------------


@dataclass
class Memory:
    """What memory says of verdicts."""

    verdicts: list[VerdictReached]
    reviews: tuple[ReviewRecorded, ...] = ()
    retracted: tuple[str, ...] = ()
    asked: int = 0

    async def __call__(self, _: Any, question: ListVerdicts) -> VerdictPage:
        self.asked += 1
        if question.verdict_ids:
            found = [one for one in self.verdicts if one.verdict_id in question.verdict_ids]
        else:
            found = [
                one
                for one in self.verdicts
                if one.decision is Decision.PROMOTED or not question.promoted_only
            ]
        return VerdictPage(
            verdicts=tuple(found), total=len(found), reviews=self.reviews, retracted=self.retracted
        )


def word(name: str, *, accepted: bool, minute: int = 0) -> ReviewRecorded:
    return ReviewRecorded(
        verdict_id=name, accepted=accepted, who="ada", recorded_at=AT + timedelta(minutes=minute)
    )


def shown(memory: Memory, of: PairSampled, count: int = 5) -> dict[str, bool]:
    found = asyncio.run(ExamplePicker(memory, count).pick(of))  # type: ignore[arg-type]
    return {name: interesting for name, interesting, _ in found}


def test_promoted_and_discarded_ones_are_shown_as_such() -> None:
    memory = Memory(
        [
            verdict(1, Decision.PROMOTED),
            verdict(2),
            verdict(3, Decision.REFUTED),
            verdict(4, Decision.DUPLICATE),
            verdict(5, Decision.ABSTAINED),
        ]
    )
    assert shown(memory, pair(9)) == {"v1": True, "v2": False, "v3": False}
    several = Memory(
        [verdict(at, Decision.PROMOTED if at % 2 else Decision.DISCARDED) for at in range(1, 9)]
    )
    assert Counter(shown(several, pair(9), 2).values()) == {True: 2, False: 2}
    assert shown(several, pair(9), 2) == shown(several, pair(9), 2)
    assert len({frozenset(shown(several, pair(at), 2)) for at in range(20, 40)}) > 3, (
        "each pair has its own"
    )


def test_a_persons_last_word_outranks_the_critics_and_what_was_retracted_is_neither() -> None:
    reviews = (
        word("v1", accepted=False, minute=2),
        word("v1", accepted=True),
        word("v2", accepted=True),
    )
    memory = Memory(
        [verdict(1, Decision.PROMOTED), verdict(2), verdict(3, Decision.PROMOTED)], reviews, ("v3",)
    )
    assert shown(memory, pair(9)) == {"v1": False, "v2": True}


def test_nothing_of_the_pairs_own_ancestry_is_shown() -> None:
    """The pair has an insight of v2, whose parent is an insight of v1; and a fact of its own of which v3 was made."""
    first, second = verdict(1, Decision.PROMOTED), verdict(2, Decision.PROMOTED)

    def insight(of: VerdictReached) -> Fact:
        return fact(50).model_copy(
            update={
                "fact_id": insight_id_of(of.hypothesis.hypothesis_id),
                "kind": FactKind.INSIGHT,
                "source": f"daydream {of.verdict_id}",
                "depth": 1,
            }
        )

    child = second.hypothesis.pair.model_copy(update={"first": insight(first)})
    second = second.model_copy(
        update={"hypothesis": second.hypothesis.model_copy(update={"pair": child})}
    )
    sibling = verdict(3)
    of = pair(9).model_copy(
        update={"first": insight(second), "second": sibling.hypothesis.pair.second}
    )
    cousin = verdict(1).hypothesis.pair.model_copy(
        update={"second": fact(70)}
    )  # of a fact that the pair descends from
    fourth = verdict(4)
    fourth = fourth.model_copy(
        update={"hypothesis": fourth.hypothesis.model_copy(update={"pair": cousin})}
    )
    memory = Memory([first, second, sibling, fourth, verdict(5), verdict(6, Decision.PROMOTED)])
    assert shown(memory, of) == {"v5": False, "v6": True}


def test_walls_and_clearances_hold_for_examples() -> None:
    def made_of(number: int, **more: str) -> VerdictReached:
        one = verdict(number)
        changed = one.hypothesis.pair.model_copy(
            update={"first": one.hypothesis.pair.first.model_copy(update=more)}
        )
        return one.model_copy(
            update={"hypothesis": one.hypothesis.model_copy(update={"pair": changed})}
        )

    memory = Memory([made_of(1), made_of(2, team="red"), made_of(3, clearance="secret")])
    assert set(shown(memory, pair(9))) == {"v1"}
    red = pair(9).model_copy(update={"first": fact(18).model_copy(update={"team": "red"})})
    assert set(shown(memory, red)) == {"v1", "v2"}
    secret = pair(9).model_copy(
        update={"first": fact(18).model_copy(update={"clearance": "secret"})}
    )
    assert set(shown(memory, secret)) == {"v1", "v3"}


def test_memory_is_looked_at_every_so_often_and_not_for_each_pair() -> None:
    memory = Memory([verdict(1)])
    examples = ExamplePicker(memory, 1)  # type: ignore[arg-type]

    async def work() -> None:
        await asyncio.gather(*(examples.pick(pair(at)) for at in range(2, 20)))

    asyncio.run(work())
    assert memory.asked == 2


def proposed_after(
    memory: Memory, of: PairSampled, **settings: Any
) -> tuple[HypothesisProposed, str]:
    writer = Writer()
    asked = forms(SynthesizerSettings(**settings))
    synthesizer = Synthesizer(
        {"w": writer}, asked, None, ExamplePicker(memory, settings["examples"])
    )  # type: ignore[arg-type, dict-item]
    (proposed,) = asyncio.run(synthesizer.propose(of))
    return proposed, writer.asked[0].messages[1]["content"]


def test_a_writer_sees_the_examples_without_their_scores_and_the_message_names_them() -> None:
    memory = Memory([verdict(1, Decision.PROMOTED), verdict(2)])
    proposed, said = proposed_after(memory, pair(9), examples=1)
    assert set(proposed.examples) == {
        PromptExample(verdict_id="v1", interesting=True),
        PromptExample(verdict_id="v2", interesting=False),
    }
    assert "\ninteresting: title 1: " in said
    assert "uninteresting: title 2: " in said
    assert "a score of 9" not in said
    near_a_cap, said = proposed_after(
        memory, pair(9).model_copy(update={"plan": BRIEF}), examples=1
    )
    assert near_a_cap.examples == ()
    assert "title 1" not in said
    nothing_yet, said = proposed_after(Memory([]), pair(9), examples=1)
    assert (nothing_yet.examples, "(none)" in said) == ((), True)
    assert nothing_yet.hypothesis_id == proposed.hypothesis_id, "examples do not enter the id"


def test_the_form_has_room_for_the_longest_examples() -> None:
    form = forms(SynthesizerSettings(examples=5))[FULL]
    long = SYNTHESIS.model_copy(update={"title": "é" * 90, "hypothesis": "ü" * 600})
    of = pair()
    filled = form.prompt.fill(**link_after_examples_variables(of, [(False, long)] * 10))
    facts = len(of.first.text.encode()) + len(of.second.text.encode())
    assert (
        sum(len(message["content"].encode()) for message in filled)
        <= form.prompt.fixed_bytes + form.text_bytes_max + facts + 8 * 60
    )
