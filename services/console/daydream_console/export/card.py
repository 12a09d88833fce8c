"""The data card: what is in an export, where it comes from, what was left out, and how to make it again. Hugging Face reads its head."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime

from daydream_console.export.examples import LabelledExample

HEAD = """\
---
tags: [daydream]
configs:
{configs}
---
# Daydreams, judged

{count} hypotheses, each from two facts, with the verdict on it. Made by `{command}` at {at:%Y-%m-%d %H:%M} UTC.

A label is a person's word where there is one, else the decision of the models that judged it: those are no ground truth. No fact is on both sides
of the split, and an insight stands where all facts stand that it descends from; what stands on both sides is in neither.
"""


def card(
    examples: Sequence[LabelledExample], files: Mapping[str, int], *, command: str, at: datetime
) -> str:
    """Its text. `files`: rows by name."""
    stems = sorted(
        {
            name.rsplit("-", 1)[0]
            for name in files
            if name.endswith(".jsonl") and "openai" not in name
        }
    )
    configs = "\n".join(
        f"- config_name: {stem}\n  data_files:{_data_files(stem, files)}" for stem in stems
    )
    parts = [HEAD.format(configs=configs, count=len(examples), command=command, at=at)]
    left_out = Counter(why for one in examples if (why := _left_out(one)))
    licences = Counter(
        fact.licence or "not stated"
        for one in examples
        for fact in (one.pair.first, one.pair.second)
    )
    writers = Counter(call.model for one in examples for call in one.verdict.hypothesis.calls)
    judges = Counter(judgement.model for one in examples for judgement in one.verdict.judgements)
    prompts = Counter(
        f"{call.prompt.name} {call.prompt.digest[:12]}"
        for one in examples
        for call in (*one.verdict.hypothesis.calls, *one.verdict.calls)
    )
    parts.append(_table("Files", "rows", files))
    parts.append(
        _table(
            "Labels",
            "hypotheses",
            Counter(
                f"{one.label.value}, by {'people' if one.by_people else 'models'}"
                for one in examples
            ),
        )
    )
    parts.append(
        _table("Decisions", "hypotheses", Counter(one.verdict.decision.value for one in examples))
    )
    parts.append(_table("Left out of the training files", "hypotheses", left_out))
    parts.append(_table("Written by", "calls", writers))
    parts.append(_table("Judged by", "judgements", judges))
    parts.append(_table("Prompts", "calls", prompts))
    parts.append(
        _table("Licences of the facts, as their documents state them", "facts in pairs", licences)
    )
    cost = sum(one.verdict.cost_nanousd for one in examples) / 1e9
    parts.append(
        f"All of it cost ${cost:.6f} to think and judge, at the prices that were in force.\n"
    )
    return "\n".join(parts)


def _left_out(one: LabelledExample) -> str:
    if one.retracted:
        return "retracted"
    if not one.teaches:
        return f"no label ({one.verdict.decision.value})"
    return "" if one.side else "facts on both sides of the split"


def _data_files(stem: str, files: Mapping[str, int]) -> str:
    return "".join(
        f"\n  - split: {side}\n    path: {stem}-{side}.jsonl"
        for side in ("train", "test")
        if files.get(f"{stem}-{side}.jsonl")
    )


def _table(title: str, what: str, counts: Mapping[str, int]) -> str:
    lines = "\n".join(
        f"| {name} | {count} |"
        for name, count in sorted(counts.items(), key=lambda one: (-one[1], one[0]))
    )
    return f"## {title}\n\n| | {what} |\n|---|---|\n{lines or '| none | 0 |'}\n"
