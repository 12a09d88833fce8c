"""Controls: does one side of a bridge alone yield its link, or one side with a filler?

Then the bridge counts for no arm: its link can be stated without connecting anything. Only
bridges are controlled whose link some arm stated; for the others it makes no difference.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from functools import cache

from daydream_console.bench.corpus import PACKAGE, BenchPair
from daydream_console.bench.matching import MatchingJudge
from daydream_console.bench.questions import BenchQuestion
from daydream_models.prompt import Prompt, load_prompt

TEMPERATURE = 0.9  # that of the writer
TOKENS_MAX = 800


@cache
def control_prompt() -> Prompt:
    """Return the bundled prompt."""
    return load_prompt(PACKAGE, "control.v1.md", "", {}, frozenset({"notes"}), prose=True)


async def yielded_by_one_side(bridges: Iterable[BenchPair], judge: MatchingJudge) -> set[str]:
    """Return the names of the bridges whose link a control stated."""
    bridges = list(bridges)
    yielded = await asyncio.gather(*(_is_yielded(bridge, judge) for bridge in bridges))
    return {bridge.name for bridge, known in zip(bridges, yielded, strict=True) if known}


async def _is_yielded(bridge: BenchPair, judge: MatchingJudge) -> bool:
    answers = await asyncio.gather(*(judge.ask(_question(notes)) for notes in controls_of(bridge)))
    stated = await asyncio.gather(*(judge.states_link(bridge, text) for text in answers))
    return any(stated)


def controls_of(bridge: BenchPair) -> tuple[str, ...]:
    """Return the notes of each control: each side alone, and the first with the filler."""
    first, second = bridge.first.text, bridge.second.text
    return first, second, f"{first}\n\n{bridge.filler}"


def _question(notes: str) -> BenchQuestion:
    prompt = control_prompt()
    return BenchQuestion(prompt, prompt.fill(notes=notes), TOKENS_MAX, TEMPERATURE)
