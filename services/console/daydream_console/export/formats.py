"""Convert examples to the formats that training programs read.

- chat: OpenAI's fine-tuning format, with a control prefix as in the essay, so that one model
  learns both classes and is asked for the interesting one.
- preferences: prompt, chosen and rejected, for TRL. `openai_preference` converts a row for OpenAI.
- kto: prompt, completion, and True or False.
- rows: everything, flat.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Any

from daydream_console.export.examples import ExampleLabel, LabelledExample
from daydream_contracts.events import NANOUSD_PER_USD, Fact, VerdictReached

Row = dict[str, Any]
Examples = list[LabelledExample]
SYSTEM = (
    "You look for deep connections between notes of unrelated fields, "
    "and put each into one testable hypothesis."
)
ASK = "Note 1:\n{first}\n\nNote 2:\n{second}"
ASK_FOR_ANY = "Name two facts of unrelated fields and the hypothesis that connects them."


def chat(examples: Sequence[LabelledExample], *, prefix: bool = True) -> Iterator[Row]:
    """Yield conversations.

    Without the prefix, only interesting ones: a model must not learn to write the others.
    """
    for example in examples:
        if example.teaches and (prefix or example.label is ExampleLabel.INTERESTING):
            control = f"[{example.label.value}]\n" if prefix else ""
            yield {"messages": [*_prompt(example, control), _answer(example)]}


def preferences(examples: Sequence[LabelledExample]) -> Iterator[Row]:
    """Yield pairs of an interesting and an uninteresting hypothesis.

    Either both are about the same two facts, or both were judged by the same judges; then the facts
    are part of the answer.
    """
    by_pair = defaultdict[str, Examples](list)
    by_judges = defaultdict[str, Examples](list)
    for example in examples:
        if example.teaches:
            by_pair[example.pair.pair_id].append(example)
            by_judges[_judges(example)].append(example)
    for group in by_pair.values():
        better, worse = _by_label(group)
        for chosen in better:
            for rejected in worse:
                yield _preference("same-pair", _prompt(chosen), _answer(chosen), _answer(rejected))
    prompt = [{"role": "system", "content": SYSTEM}, {"role": "user", "content": ASK_FOR_ANY}]
    for judges, group in by_judges.items():
        better, worse = _by_label(group) if judges else ([], [])
        for chosen, rejected in zip(better, worse, strict=False):
            answers = _answer(chosen, with_facts=True), _answer(rejected, with_facts=True)
            yield _preference("same-judges", prompt, *answers)


def openai_preference(row: Row) -> Row:
    """Convert a row of `preferences` to OpenAI's format."""
    return {
        "input": {"messages": row["prompt"]},
        "preferred_output": row["chosen"],
        "non_preferred_output": row["rejected"],
    }


def kto(examples: Sequence[LabelledExample]) -> Iterator[Row]:
    """Yield each hypothesis with True (interesting) or False."""
    for example in examples:
        if example.teaches:
            label = example.label is ExampleLabel.INTERESTING
            yield {"prompt": _prompt(example), "completion": [_answer(example)], "label": label}


def rows(examples: Sequence[LabelledExample]) -> Iterator[Row]:
    """Yield every example as a flat row, with hypothesis, judgements and cost."""
    for example in examples:
        verdict, pair = example.verdict, example.pair
        yield {
            "verdict_id": verdict.verdict_id,
            "hypothesis_id": verdict.hypothesis.hypothesis_id,
            "pair_id": pair.pair_id,
            "split": example.side or "neither",
            "label": example.label.value,
            "labelled_by": example.labelled_by,
            "retracted": example.retracted,
            "decision": verdict.decision.value,
            "reason": verdict.reason,
            "rule": example.rule,
            "score": verdict.score,
            **_fact_columns("first", pair.first),
            **_fact_columns("second", pair.second),
            "strategy": pair.strategy,
            "draw_probability": pair.draw_probability,
            "similarity": pair.similarity,
            **_synthesis_columns(verdict),
            **_model_columns(verdict),
            "cost_usd": verdict.cost_nanousd / NANOUSD_PER_USD,
            "reached_at": verdict.reached_at.isoformat(),
        }


def _fact_columns(name: str, fact: Fact) -> Row:
    return {
        f"{name}_fact_id": fact.fact_id,
        name: fact.text,
        f"{name}_source": fact.source,
        f"{name}_licence": fact.licence,
    }


def _synthesis_columns(verdict: VerdictReached) -> Row:
    synthesis = verdict.hypothesis.synthesis
    return {
        "title": synthesis.title if synthesis else None,
        "link": synthesis.link.value if synthesis else None,
        "reasoning": synthesis.reasoning if synthesis else None,
        "hypothesis": synthesis.hypothesis if synthesis else None,
        "implication": synthesis.implication if synthesis else None,
        "if_false": synthesis.if_false if synthesis else None,
        "abstention": verdict.hypothesis.abstention,
    }


def _model_columns(verdict: VerdictReached) -> Row:
    judgements = [judgement.model_dump(mode="json") for judgement in verdict.judgements]
    calls = (*verdict.hypothesis.calls, *verdict.calls)
    return {
        "judgements": json.dumps(judgements),
        "writers": sorted({call.model for call in verdict.hypothesis.calls}),
        "judges": sorted({judgement.model for judgement in verdict.judgements}),
        "prompts": sorted({f"{call.prompt.name}@{call.prompt.digest}" for call in calls}),
    }


def _preference(kind: str, prompt: list[Row], chosen: Row, rejected: Row) -> Row:
    return {"kind": kind, "prompt": prompt, "chosen": [chosen], "rejected": [rejected]}


def _facts(example: LabelledExample) -> str:
    return ASK.format(first=example.pair.first.text, second=example.pair.second.text)


def _prompt(example: LabelledExample, control: str = "") -> list[Row]:
    question = control + _facts(example)
    return [{"role": "system", "content": SYSTEM}, {"role": "user", "content": question}]


def _answer(example: LabelledExample, *, with_facts: bool = False) -> Row:
    synthesis = example.verdict.hypothesis.synthesis
    assert synthesis is not None, "an example without a hypothesis teaches nothing"
    parts = [
        synthesis.title,
        synthesis.reasoning,
        synthesis.hypothesis,
        f"To test: {synthesis.implication}",
    ]
    if with_facts:
        parts.insert(0, _facts(example))
    return {"role": "assistant", "content": "\n\n".join(parts)}


def _judges(example: LabelledExample) -> str:
    judgements = example.verdict.judgements
    return ",".join(sorted(f"{judgement.judge}/{judgement.model}" for judgement in judgements))


def _by_label(group: Examples) -> tuple[Examples, Examples]:
    """Return (interesting, uninteresting)."""
    better = [example for example in group if example.label is ExampleLabel.INTERESTING]
    worse = [example for example in group if example.label is ExampleLabel.UNINTERESTING]
    return better, worse
