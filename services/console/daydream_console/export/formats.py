"""Examples to the formats that trainers read.

chat: OpenAI's format for fine-tuning, with the control prefix of the essay, so that one model learns both tastes and is asked for the interesting one.
preferences: prompt, chosen and rejected (TRL, also DPO at OpenAI by `openai_preference`). kto: prompt, completion and a yes or no. rows: everything, flat.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Any

from daydream_console.export.examples import ExampleLabel, LabelledExample

Row = dict[str, Any]
SYSTEM = "You look for deep connections between notes of unrelated fields, and put each into one testable hypothesis."
ASK = "Note 1:\n{first}\n\nNote 2:\n{second}"
ASK_FOR_ANY = "Name two facts of unrelated fields and the hypothesis that connects them."


def chat(examples: Sequence[LabelledExample], *, prefix: bool = True) -> Iterator[Row]:
    """Without the prefix, interesting ones only: a model must not learn to write the others."""
    for one in examples:
        if one.teaches and (prefix or one.label is ExampleLabel.INTERESTING):
            control = f"[{one.label.value}]\n" if prefix else ""
            yield {"messages": [*_prompt(one, control), _answer(one)]}


def preferences(examples: Sequence[LabelledExample]) -> Iterator[Row]:
    """Promoted over discarded: of the same two facts, or of the same judges, where the facts are part of the answer."""
    of_pair, of_judges = (
        defaultdict[str, list[LabelledExample]](list),
        defaultdict[str, list[LabelledExample]](list),
    )
    for one in examples:
        if one.teaches:
            of_pair[one.pair.pair_id].append(one)
            of_judges[_judges(one)].append(one)
    for together in of_pair.values():
        for better, worse in _pairings(together):
            yield {
                "kind": "same-pair",
                "prompt": _prompt(better),
                "chosen": [_answer(better)],
                "rejected": [_answer(worse)],
            }
    for judges, together in of_judges.items():
        if judges:
            prompt = [
                {"role": "system", "content": SYSTEM},
                {"role": "user", "content": ASK_FOR_ANY},
            ]
            for better, worse in zip(*_sides(together), strict=False):
                yield {
                    "kind": "same-judges",
                    "prompt": prompt,
                    "chosen": [_answer(better, whole=True)],
                    "rejected": [_answer(worse, whole=True)],
                }


def openai_preference(row: Row) -> Row:
    """The same in the form that OpenAI takes."""
    return {
        "input": {"messages": row["prompt"]},
        "preferred_output": row["chosen"],
        "non_preferred_output": row["rejected"],
    }


def kto(examples: Sequence[LabelledExample]) -> Iterator[Row]:
    """A yes or no for each."""
    for one in examples:
        if one.teaches:
            yield {
                "prompt": _prompt(one),
                "completion": [_answer(one)],
                "label": one.label is ExampleLabel.INTERESTING,
            }


def rows(examples: Sequence[LabelledExample]) -> Iterator[Row]:
    """Every verdict, labelled, with all that was thought, judged and paid."""
    for one in examples:
        verdict, pair, synthesis = one.verdict, one.pair, one.verdict.hypothesis.synthesis
        yield {
            "verdict_id": verdict.verdict_id,
            "hypothesis_id": verdict.hypothesis.hypothesis_id,
            "pair_id": pair.pair_id,
            "split": one.side or "neither",
            "label": one.label.value,
            "labelled_by": "people" if one.by_people else "models",
            "retracted": one.retracted,
            "decision": verdict.decision.value,
            "reason": verdict.reason,
            "score": verdict.score,
            "first_fact_id": pair.first.fact_id,
            "first": pair.first.text,
            "first_source": pair.first.source,
            "first_licence": pair.first.licence,
            "second_fact_id": pair.second.fact_id,
            "second": pair.second.text,
            "second_source": pair.second.source,
            "second_licence": pair.second.licence,
            "strategy": pair.strategy,
            "draw_probability": pair.draw_probability,
            "similarity": pair.similarity,
            "title": synthesis.title if synthesis else None,
            "link": synthesis.link.value if synthesis else None,
            "reasoning": synthesis.reasoning if synthesis else None,
            "hypothesis": synthesis.hypothesis if synthesis else None,
            "implication": synthesis.implication if synthesis else None,
            "if_false": synthesis.if_false if synthesis else None,
            "abstention": verdict.hypothesis.abstention,
            "judgements": json.dumps(
                [judgement.model_dump(mode="json") for judgement in verdict.judgements]
            ),
            "writers": sorted({call.model for call in verdict.hypothesis.calls}),
            "judges": sorted({one.model for one in verdict.judgements}),
            "prompts": sorted(
                {
                    f"{call.prompt.name}@{call.prompt.digest}"
                    for call in (*verdict.hypothesis.calls, *verdict.calls)
                }
            ),
            "cost_usd": verdict.cost_nanousd / 1e9,
            "reached_at": verdict.reached_at.isoformat(),
        }


def _prompt(one: LabelledExample, control: str = "") -> list[Row]:
    facts = ASK.format(first=one.pair.first.text, second=one.pair.second.text)
    return [{"role": "system", "content": SYSTEM}, {"role": "user", "content": control + facts}]


def _answer(one: LabelledExample, *, whole: bool = False) -> Row:
    synthesis = one.verdict.hypothesis.synthesis
    assert synthesis is not None
    text = f"{synthesis.title}\n\n{synthesis.reasoning}\n\n{synthesis.hypothesis}\n\nTo test: {synthesis.implication}"
    return {
        "role": "assistant",
        "content": f"{ASK.format(first=one.pair.first.text, second=one.pair.second.text)}\n\n{text}"
        if whole
        else text,
    }


def _judges(one: LabelledExample) -> str:
    return ",".join(
        sorted(f"{judgement.judge}/{judgement.model}" for judgement in one.verdict.judgements)
    )


def _sides(
    together: Sequence[LabelledExample],
) -> tuple[list[LabelledExample], list[LabelledExample]]:
    return tuple(
        [one for one in together if one.label is label]
        for label in (ExampleLabel.INTERESTING, ExampleLabel.UNINTERESTING)
    )  # type: ignore[return-value]


def _pairings(
    together: Sequence[LabelledExample],
) -> Iterator[tuple[LabelledExample, LabelledExample]]:
    better, worse = _sides(together)
    yield from ((one, other) for one in better for other in worse)
