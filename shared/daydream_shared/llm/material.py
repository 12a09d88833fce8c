"""What prompts are filled with: the same where a question is asked, and where a verdict is replayed."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence

from daydream_shared.llm.prompt import cut
from daydream_shared.messages import Fact, PairSampled, Statement, Synthesis

COMPARED_CHARS_MAX = 1200  # of a hypothesis beside another
STATEMENT_BYTES_MAX = 400
NONE = "(none)"


def to_link(pair: PairSampled) -> dict[str, str]:
    """For the synthesizer: two facts."""
    return {"first": pair.first.text, "second": pair.second.text}


def to_link_after(pair: PairSampled, examples: Iterable[tuple[bool, Synthesis]]) -> dict[str, str]:
    """For the synthesizer: two facts, after examples that were interesting or not."""
    lines = [f"{'interesting' if interesting else 'uninteresting'}: {_on_a_line(one)}" for interesting, one in examples]
    return {**to_link(pair), "examples": "\n".join(lines) or NONE}


def _on_a_line(synthesis: Synthesis) -> str:
    return cut(" ".join(f"{synthesis.title}: {synthesis.hypothesis}".split()), STATEMENT_BYTES_MAX)


def examples_bytes_max(count: int) -> int:
    """The most bytes that so many examples take in a prompt."""
    return count * (STATEMENT_BYTES_MAX + len("uninteresting: \n")) + len(NONE)


def to_judge(synthesis: Synthesis) -> dict[str, str]:
    """For a judge: a hypothesis without its facts."""
    return {"hypothesis": f"{synthesis.title}\n{synthesis.hypothesis}", "reasoning": synthesis.reasoning, "implication": synthesis.implication}


def to_compare(synthesis: Synthesis) -> str:
    """A hypothesis beside another one."""
    return f"{synthesis.title}\n{synthesis.hypothesis}"[:COMPARED_CHARS_MAX]


def to_think_alone(fact: Fact) -> dict[str, str]:
    """For the control of the oracle: one fact."""
    return {"fact": fact.text}


def to_refute(pair: PairSampled, synthesis: Synthesis, statements: Sequence[Statement], attempt: int) -> dict[str, str]:
    """For the oracle: a hypothesis with its facts and numbered statements. Every other attempt sees facts and statements in the other order."""
    facts = (pair.first.text, pair.second.text)
    first, second = facts[::-1] if attempt % 2 else facts
    lines = [f"{number}. {' '.join(one.text.split())}" for number, one in enumerate(in_order(statements, attempt), 1)]
    return {**to_judge(synthesis), "first": first, "second": second, "statements": "\n".join(lines) or NONE}


def in_order(statements: Sequence[Statement], attempt: int) -> list[Statement]:
    """Statements as an attempt sees them: where one comes from can't be told from its place."""
    mixed = sorted(statements, key=lambda one: hashlib.sha256(one.text.encode()).digest())
    return mixed[::-1] if attempt % 2 else mixed


def statements_bytes_max(count: int) -> int:
    """The most bytes that so many statements take in a prompt."""
    return count * (STATEMENT_BYTES_MAX + len("99. \n")) + len(NONE)
