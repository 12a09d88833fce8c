"""What is exported is whole, labelled by the last word, split so that no fact crosses, and read by those for whom it is made."""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from datasets import load_dataset

from daydream_console.export.examples import ExampleLabel, LabelledExample, examples_of, roots_of
from daydream_console.export.formats import chat, kto, openai_preference, preferences, rows
from daydream_console.export.writing import ALL, write_export
from daydream_contracts.errors import ConfigurationError
from daydream_contracts.events import (
    Decision,
    Fact,
    FactKind,
    HypothesisProposed,
    Judgement,
    PairSampled,
    ReviewRecorded,
    VerdictReached,
    derive_id,
    hypothesis_id_of,
    pair_id_of,
    verdict_id_of,
)
from daydream_contracts.rpc import VerdictPage
from support.samples import AT, SYNTHESIS, fact, pair

FACTS, VERDICTS = 60, 300


def verdict(
    first: Fact,
    second: Fact,
    decision: Decision = Decision.DISCARDED,
    *,
    sample: int = 0,
    **more: Any,
) -> VerdictReached:
    pair_id = pair_id_of(1, first.fact_id, second.fact_id)
    drawn: PairSampled = pair().model_copy(
        update={"pair_id": pair_id, "first": first, "second": second, "samples": 2}
    )
    hypothesis_id = hypothesis_id_of(pair_id, "digest", sample)
    synthesis = (
        None
        if decision is Decision.ABSTAINED
        else SYNTHESIS.model_copy(update={"title": f"{first.title} and {second.title}, {sample}"})
    )
    proposed = HypothesisProposed(
        hypothesis_id=hypothesis_id, pair=drawn, sample=sample, synthesis=synthesis, proposed_at=AT
    )
    values = {
        "verdict_id": verdict_id_of(hypothesis_id, "judge", 1),
        "hypothesis": proposed,
        "role": "judge",
        "round": 1,
        "decision": decision,
        "reason": "score",
        "explanation": "",
        "final": True,
        "cost_nanousd": 1000,
        "reached_at": AT,
        "judgements": (Judgement(judge="a", model="judge-1", justification="so", scores=None),),
    }
    return VerdictReached.model_validate({**values, **more})


def insight_of(judged: VerdictReached) -> Fact:
    parts = judged.hypothesis.pair
    depth = 1 + max(parts.first.depth, parts.second.depth)
    fact_id = derive_id("insight", judged.hypothesis.hypothesis_id)
    return fact(0).model_copy(
        update={
            "fact_id": fact_id,
            "kind": FactKind.INSIGHT,
            "depth": depth,
            "title": fact_id,
            "text": f"insight {fact_id}",
        }
    )


def of(
    verdicts: Sequence[VerdictReached],
    reviews: Sequence[ReviewRecorded] = (),
    retracted: Sequence[str] = (),
) -> VerdictPage:
    return VerdictPage(
        verdicts=tuple(verdicts),
        total=len(verdicts),
        reviews=tuple(reviews),
        retracted=tuple(retracted),
    )


@pytest.fixture(scope="module")
def judged() -> VerdictPage:
    """Verdicts on pairs of documents and of insights of earlier ones."""
    chance = random.Random(5)
    known = [fact(number) for number in range(FACTS)]
    verdicts: dict[str, VerdictReached] = {}
    for _ in range(VERDICTS):
        first, second = chance.sample(known, 2)
        for sample in range(2):
            decision = chance.choice(
                [Decision.PROMOTED, Decision.DISCARDED, Decision.DISCARDED, Decision.ABSTAINED]
            )
            one = verdict(first, second, decision, sample=sample)
            verdicts[one.verdict_id] = one
            if decision is Decision.PROMOTED:
                known.append(insight_of(one))
    return of(list(verdicts.values()))


def facts_of(one: LabelledExample, roots: Any) -> set[str]:
    return {
        root
        for part in (one.pair.first, one.pair.second)
        for root in roots.get(part.fact_id, {part.fact_id})
    }


def test_no_fact_is_on_both_sides_not_even_by_what_descends_from_it(judged: VerdictPage) -> None:
    examples = examples_of(judged, test_fraction=0.4, seed=1)
    roots = roots_of(judged.verdicts)
    train, test = (
        set().union(*(facts_of(one, roots) for one in examples if one.side == side))
        for side in ("train", "test")
    )
    assert train
    assert test
    assert not train & test
    assert any(one.pair.first.kind is FactKind.INSIGHT for one in examples)
    again = examples_of(of(judged.verdicts[: len(judged.verdicts) // 2]), test_fraction=0.4, seed=1)
    assert {one.verdict.verdict_id: one.side for one in again}.items() <= {
        one.verdict.verdict_id: one.side for one in examples
    }.items(), "later ones split alike"


def test_a_persons_word_outranks_the_models_and_the_last_one_counts() -> None:
    one = verdict(fact(1), fact(2), Decision.PROMOTED)
    said = [
        ReviewRecorded(
            verdict_id=one.verdict_id,
            accepted=accepted,
            who="ada",
            recorded_at=AT + timedelta(hours=hours),
        )
        for accepted, hours in ((False, 2), (True, 1))
    ]
    (example,) = examples_of(of([one], said), test_fraction=0, seed=0)
    assert (example.label, example.by_people, example.side) == (
        ExampleLabel.UNINTERESTING,
        True,
        "train",
    )


def test_the_last_final_verdict_of_a_hypothesis_counts_and_what_is_deferred_teaches_nothing() -> (
    None
):
    deferred = verdict(fact(1), fact(2), Decision.DEFERRED, final=False)
    later = verdict(
        fact(1),
        fact(2),
        Decision.PROMOTED,
        round=2,
        verdict_id="later",
        reached_at=AT + timedelta(hours=1),
    )
    assert [one.label for one in examples_of(of([later, deferred]), test_fraction=0, seed=0)] == [
        ExampleLabel.INTERESTING
    ]
    (example,) = examples_of(of([deferred]), test_fraction=0, seed=0)
    assert not example.teaches


def test_what_is_retracted_teaches_nothing_and_stays_in_the_table() -> None:
    one = verdict(fact(1), fact(2), Decision.PROMOTED)
    examples = examples_of(of([one], (), [one.verdict_id]), test_fraction=0, seed=0)
    assert list(chat(examples)) == list(kto(examples)) == []
    assert [row["retracted"] for row in rows(examples)] == [True]


def test_chat_examples_pass_the_rules_for_fine_tuning(judged: VerdictPage) -> None:
    """https://platform.openai.com/docs/guides/supervised-fine-tuning: at least ten, known roles, text in each, the assistant last."""
    found = list(chat(examples_of(judged, test_fraction=0, seed=0)))
    assert len(found) >= 10
    for row in found:
        assert set(row) == {"messages"}
        assert [message["role"] for message in row["messages"]] == ["system", "user", "assistant"]
        assert all(
            set(message) == {"role", "content"} and message["content"].strip()
            for message in row["messages"]
        )
        assert row["messages"][1]["content"].startswith(("[interesting]\n", "[uninteresting]\n"))
    plain = list(chat(examples_of(judged, test_fraction=0, seed=0), prefix=False))
    assert len(plain) == sum(
        row["messages"][1]["content"].startswith("[interesting]") for row in found
    )


def test_preferences_put_promoted_over_discarded_of_the_same_pair_or_the_same_judges(
    judged: VerdictPage,
) -> None:
    examples = examples_of(judged, test_fraction=0, seed=0)
    found = list(preferences(examples))
    assert {row["kind"] for row in found} == {"same-pair", "same-judges"}
    good = {
        one.verdict.hypothesis.synthesis.title
        for one in examples
        if one.teaches and one.label is ExampleLabel.INTERESTING
    }  # type: ignore[union-attr]
    for row in found:
        chosen, rejected = (row[name][0]["content"] for name in ("chosen", "rejected"))
        assert any(title in chosen for title in good)
        assert chosen != rejected
        if row["kind"] == "same-pair":
            assert row["prompt"][1]["content"].startswith("Note 1:")
        assert set(openai_preference(row)) == {"input", "preferred_output", "non_preferred_output"}


def test_everything_loads_and_the_card_says_what_is_in_it(
    judged: VerdictPage, tmp_path: Path
) -> None:
    examples = examples_of(judged, test_fraction=0.2, seed=0)
    folder = tmp_path / "export"
    for _ in range(2):  # the second one takes the place of the first
        files = write_export(folder, examples, wanted=ALL, command="daydream export x", at=AT)
    card = (folder / "README.md").read_text()
    for name, count in files.items():
        assert f"| {name} | {count} |" in card
        kind = "parquet" if name.endswith(".parquet") else "json"
        loaded = load_dataset(
            kind, data_files=str(folder / name), split="train", cache_dir=str(tmp_path / "cache")
        )
        assert len(loaded) == count
    for name in ("chat", "kto", "preferences"):
        loaded = load_dataset(str(folder), name, cache_dir=str(tmp_path / "cache"))
        assert {side: len(part) for side, part in loaded.items()} == {
            side: files[f"{name}-{side}.jsonl"]
            for side in ("train", "test")
            if f"{name}-{side}.jsonl" in files
        }
    assert files["verdicts.parquet"] == len(examples)
    assert json.loads((folder / "kto-train.jsonl").read_text().splitlines()[0])["label"] in (
        True,
        False,
    )


def test_a_folder_with_something_else_in_it_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(ConfigurationError, match="something else"):
        write_export(tmp_path, [], wanted=("chat",), command="", at=AT)
    assert (tmp_path / "thesis.txt").exists()
