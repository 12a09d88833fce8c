"""Exports are complete, labelled by the last review, split without shared facts, and readable."""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from datasets import load_dataset

from daydream_console.export.examples import ExampleLabel, LabelledExample, examples_of, roots_of
from daydream_console.export.formats import chat, kto, openai_preference, preferences, rows
from daydream_console.export.writing import ALL, FORMATS, write_export
from daydream_contracts.errors import ConfigurationError
from daydream_contracts.events import (
    Aggregation,
    Decision,
    Fact,
    FactKind,
    HypothesisProposed,
    Judgement,
    OutcomeRecorded,
    PairSampled,
    ReviewRecorded,
    TrialResult,
    VerdictReached,
    derive_id,
    hypothesis_id_of,
    pair_id_of,
    verdict_id_of,
)
from daydream_contracts.rpc import VerdictPage
from support.message_builders import AT, SYNTHESIS, fact, pair

FACTS, VERDICTS = 60, 300


def verdict(
    first: Fact,
    second: Fact,
    decision: Decision = Decision.DISCARDED,
    *,
    sample: int = 0,
    **fields: Any,
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
    hypothesis = HypothesisProposed(
        hypothesis_id=hypothesis_id, pair=drawn, sample=sample, synthesis=synthesis, proposed_at=AT
    )
    values = {
        "verdict_id": verdict_id_of(hypothesis_id, "judge", 1),
        "hypothesis": hypothesis,
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
    return VerdictReached.model_validate({**values, **fields})


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


def page_of(
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
    generator = random.Random(5)
    facts = [fact(number) for number in range(FACTS)]
    verdicts: dict[str, VerdictReached] = {}
    for _ in range(VERDICTS):
        first, second = generator.sample(facts, 2)
        for sample in range(2):
            decision = generator.choice(
                [Decision.PROMOTED, Decision.DISCARDED, Decision.DISCARDED, Decision.ABSTAINED]
            )
            reached = verdict(first, second, decision, sample=sample)
            verdicts[reached.verdict_id] = reached
            if decision is Decision.PROMOTED:
                facts.append(insight_of(reached))
    return page_of(list(verdicts.values()))


def facts_of(example: LabelledExample, roots: Any) -> set[str]:
    return {
        root
        for part in (example.pair.first, example.pair.second)
        for root in roots.get(part.fact_id, {part.fact_id})
    }


def test_no_document_nor_what_descends_from_it_is_on_both_sides(judged: VerdictPage) -> None:
    examples = examples_of(judged, test_fraction=0.1, seed=1)
    roots = roots_of(judged.verdicts)
    train, test = (
        set().union(*(facts_of(example, roots) for example in examples if example.side == side))
        for side in ("train", "test")
    )
    assert train
    assert test
    assert not train & test
    assert any(example.pair.first.kind is FactKind.INSIGHT for example in examples)


@pytest.mark.parametrize("seed", range(5))
def test_the_test_side_has_its_share_of_the_rows_in_use(judged: VerdictPage, seed: int) -> None:
    examples = examples_of(judged, test_fraction=0.1, seed=seed)
    sides = Counter(example.side for example in examples if example.teaches)
    assert 0.08 <= sides["test"] / (sides["test"] + sides["train"]) <= 0.12
    for name in ("chat", "kto", "preferences"):
        rows_of_test = [example for example in examples if example.side == "test"]
        assert list(FORMATS[name](rows_of_test)), name


def test_the_card_says_what_was_left_out_and_which_rule_decided(
    judged: VerdictPage, tmp_path: Path
) -> None:
    by_quota = [
        verdict.model_copy(update={"aggregation": Aggregation(rule="quota")})
        for verdict in judged.verdicts
    ]
    examples = examples_of(page_of(by_quota), test_fraction=0.1, seed=0)
    write_export(tmp_path / "export", examples, wanted=("chat",), command="c", at=AT)
    text = (tmp_path / "export" / "README.md").read_text()
    teaching = [example for example in examples if example.teaches]
    lost = sum(not example.side for example in teaching)
    assert lost
    assert f"{lost} of {len(teaching)} that teach something" in " ".join(text.split())
    assert f"| the promotion quota | {len(examples)} |" in text


def test_the_last_review_overrides_the_models() -> None:
    promoted = verdict(fact(1), fact(2), Decision.PROMOTED)
    reviews = [
        ReviewRecorded(
            verdict_id=promoted.verdict_id,
            accepted=accepted,
            who="ada",
            recorded_at=AT + timedelta(hours=hours),
        )
        for accepted, hours in ((False, 2), (True, 1))
    ]
    (example,) = examples_of(page_of([promoted], reviews), test_fraction=0, seed=0)
    assert (example.label, example.labelled_by, example.side) == (
        ExampleLabel.UNINTERESTING,
        "people",
        "train",
    )


@pytest.mark.parametrize(
    ("result", "label", "source"),
    [
        (TrialResult.CONFIRMED, ExampleLabel.INTERESTING, "outcome"),
        (TrialResult.REFUTED, ExampleLabel.UNINTERESTING, "outcome"),
        (TrialResult.INCONCLUSIVE, ExampleLabel.UNINTERESTING, "people"),
    ],
)
def test_the_outcome_of_a_tried_test_is_the_strongest_label(
    result: TrialResult, label: ExampleLabel, source: str
) -> None:
    promoted = verdict(fact(1), fact(2))
    review = ReviewRecorded(
        verdict_id=promoted.verdict_id, accepted=False, who="ada", recorded_at=AT
    )
    outcome = OutcomeRecorded(
        verdict_id=promoted.verdict_id, result=result, who="bob", recorded_at=AT
    )
    page = page_of([promoted], [review]).model_copy(update={"outcomes": (outcome,)})
    (example,) = examples_of(page, test_fraction=0, seed=0)
    assert (example.label, example.labelled_by) == (label, source)


def test_the_last_final_verdict_counts_and_a_deferred_one_teaches_nothing() -> None:
    deferred = verdict(fact(1), fact(2), Decision.DEFERRED, final=False)
    later = verdict(
        fact(1),
        fact(2),
        Decision.PROMOTED,
        round=2,
        verdict_id="later",
        reached_at=AT + timedelta(hours=1),
    )
    assert [
        example.label
        for example in examples_of(page_of([later, deferred]), test_fraction=0, seed=0)
    ] == [ExampleLabel.INTERESTING]
    (example,) = examples_of(page_of([deferred]), test_fraction=0, seed=0)
    assert not example.teaches


def test_a_retracted_insight_teaches_nothing_and_stays_in_the_table() -> None:
    promoted = verdict(fact(1), fact(2), Decision.PROMOTED)
    examples = examples_of(page_of([promoted], (), [promoted.verdict_id]), test_fraction=0, seed=0)
    assert list(chat(examples)) == list(kto(examples)) == []
    assert [row["retracted"] for row in rows(examples)] == [True]


def test_chat_examples_follow_the_rules_for_fine_tuning(judged: VerdictPage) -> None:
    """https://platform.openai.com/docs/guides/supervised-fine-tuning

    At least ten, known roles, text in each message, and the assistant last.
    """
    converted = list(chat(examples_of(judged, test_fraction=0, seed=0)))
    assert len(converted) >= 10
    for row in converted:
        assert set(row) == {"messages"}
        assert [message["role"] for message in row["messages"]] == ["system", "user", "assistant"]
        assert all(
            set(message) == {"role", "content"} and message["content"].strip()
            for message in row["messages"]
        )
        assert row["messages"][1]["content"].startswith(("[interesting]\n", "[uninteresting]\n"))
    plain = list(chat(examples_of(judged, test_fraction=0, seed=0), prefix=False))
    assert len(plain) == sum(
        row["messages"][1]["content"].startswith("[interesting]") for row in converted
    )


def test_preferences_compare_hypotheses_of_the_same_pair_or_the_same_judges(
    judged: VerdictPage,
) -> None:
    examples = examples_of(judged, test_fraction=0, seed=0)
    converted = list(preferences(examples))
    assert {row["kind"] for row in converted} == {"same-pair", "same-judges"}
    good = {
        synthesis.title
        for example in examples
        if example.teaches and example.label is ExampleLabel.INTERESTING
        if (synthesis := example.verdict.hypothesis.synthesis) is not None
    }
    for row in converted:
        chosen, rejected = (row[name][0]["content"] for name in ("chosen", "rejected"))
        assert any(title in chosen for title in good)
        assert chosen != rejected
        if row["kind"] == "same-pair":
            assert row["prompt"][1]["content"].startswith("Note 1:")
        assert set(openai_preference(row)) == {"input", "preferred_output", "non_preferred_output"}


def test_every_file_loads_and_the_card_lists_it(judged: VerdictPage, tmp_path: Path) -> None:
    examples = examples_of(judged, test_fraction=0.2, seed=0)
    folder = tmp_path / "export"
    for _ in range(2):  # the second replaces the first
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


def test_a_folder_with_other_content_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(ConfigurationError, match="something else"):
        write_export(tmp_path, [], wanted=("chat",), command="", at=AT)
    assert (tmp_path / "thesis.txt").exists()
