"""Write the data card of an export: content, origin, what was left out, and how to reproduce it.

Hugging Face reads the metadata block at its top.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from daydream_console.export.examples import LabelledExample
from daydream_contracts.events import NANOUSD_PER_USD

HEAD = """\
---
tags: [daydream]
configs:
{configs}
---
# Daydreams, judged

{count} hypotheses, each from two facts, with the verdict on it. Created by `{command}` at
{at:%Y-%m-%d %H:%M} UTC.

The label is a person's review if there is one, otherwise the decision of the judging models. A
model's decision is not ground truth. The split is by {units}: none of them is on both sides. An
insight is on the sides of all facts that it descends from. A hypothesis with facts on both sides is
on neither: {lost} of {teaching} that teach something. Of the {used} others {tested} are tested
({share:.1%}).
"""
RULES = {
    "score": "absolute scores",
    "quota": "the promotion quota",
    "precision": "the precision shown by reviews",
}
SOURCES = {"outcome": "an outcome", "people": "people", "models": "models"}


def card(
    examples: Sequence[LabelledExample], files: Mapping[str, int], *, command: str, at: datetime
) -> str:
    """Return the text of the card. `files` maps file names to numbers of rows."""
    head = HEAD.format(
        configs=_configs(files), count=len(examples), command=command, at=at, **_sides(examples)
    )
    verdicts = [example.verdict for example in examples]
    facts = [fact for example in examples for fact in (example.pair.first, example.pair.second)]
    written = [call for verdict in verdicts for call in verdict.hypothesis.calls]
    calls = [*written, *(call for verdict in verdicts for call in verdict.calls)]
    judgements = [judgement for verdict in verdicts for judgement in verdict.judgements]
    cost_usd = sum(verdict.cost_nanousd for verdict in verdicts) / NANOUSD_PER_USD
    return "\n".join(
        (
            head,
            _table("Files", "rows", files),
            _table("Labels", "hypotheses", Counter(map(_label, examples))),
            _table("Decisions", "hypotheses", Counter(each.decision.value for each in verdicts)),
            _table("Rule that decided", "hypotheses", Counter(map(_rule, examples))),
            _table("Left out of the training files", "hypotheses", _left_out(examples)),
            _table("Written by", "calls", Counter(call.model for call in written)),
            _table("Judged by", "judgements", Counter(each.model for each in judgements)),
            _table(
                "Prompts",
                "calls",
                Counter(f"{call.prompt.name} {call.prompt.digest[:12]}" for call in calls),
            ),
            _table(
                "Licences of the facts, as their documents state them",
                "facts in pairs",
                Counter(fact.licence or "not stated" for fact in facts),
            ),
            f"Total cost of writing and judging: ${cost_usd:.6f}, at the prices of that time.\n",
        )
    )


def _label(example: LabelledExample) -> str:
    return f"{example.label.value}, by {SOURCES[example.labelled_by]}"


def _sides(examples: Sequence[LabelledExample]) -> dict[str, Any]:
    """Return how the rows that teach something are split."""
    sides = Counter(example.side for example in examples if example.teaches)
    used = sides["train"] + sides["test"]
    return {
        "units": examples[0].split_by if examples else "documents",
        "lost": sides[""],
        "teaching": sides.total(),
        "used": used,
        "tested": sides["test"],
        "share": sides["test"] / max(1, used),
    }


def _rule(example: LabelledExample) -> str:
    if example.labelled_by != "models":
        return f"{SOURCES[example.labelled_by]}, after {RULES.get(example.rule, example.rule)}"
    return RULES.get(example.rule, example.rule)


def _left_out(examples: Sequence[LabelledExample]) -> Counter[str]:
    reasons = (_reason_left_out(example) for example in examples)
    return Counter(reason for reason in reasons if reason)


def _reason_left_out(example: LabelledExample) -> str:
    if example.retracted:
        return "retracted"
    if not example.teaches:
        return f"no label ({example.verdict.decision.value})"
    return "" if example.side else "facts on both sides of the split"


def _configs(files: Mapping[str, int]) -> str:
    stems = {
        name.rsplit("-", 1)[0] for name in files if name.endswith(".jsonl") and "openai" not in name
    }
    return "\n".join(
        f"- config_name: {stem}\n  data_files:{_data_files(stem, files)}" for stem in sorted(stems)
    )


def _data_files(stem: str, files: Mapping[str, int]) -> str:
    return "".join(
        f"\n  - split: {side}\n    path: {stem}-{side}.jsonl"
        for side in ("train", "test")
        if files.get(f"{stem}-{side}.jsonl")
    )


def _table(title: str, unit: str, counts: Mapping[str, int]) -> str:
    rows = sorted(counts.items(), key=lambda row: (-row[1], row[0]))
    lines = "\n".join(f"| {name} | {number} |" for name, number in rows)
    return f"## {title}\n\n| | {unit} |\n|---|---|\n{lines or '| none | 0 |'}\n"
