"""What prompts are filled with: the same where a question is asked, and where a verdict is replayed."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence

from daydream_contracts.events import Fact, PairSampled, Statement, Synthesis
from daydream_models.prompt import truncate

COMPARED_CHARS_MAX = 1200  # of a hypothesis beside another
STATEMENT_BYTES_MAX = 400
NONE = "(none)"


def link_variables(pair: PairSampled) -> dict[str, str]:
    """For the synthesizer: two facts."""
    return {"first": pair.first.text, "second": pair.second.text}


def link_after_examples_variables(
    pair: PairSampled, examples: Iterable[tuple[bool, Synthesis]]
) -> dict[str, str]:
    """For the synthesizer: two facts, after examples that were interesting or not."""
    lines = [
        f"{'interesting' if interesting else 'uninteresting'}: {_on_a_line(one)}"
        for interesting, one in examples
    ]
    return {**link_variables(pair), "examples": "\n".join(lines) or NONE}


def _on_a_line(synthesis: Synthesis) -> str:
    return truncate(
        " ".join(f"{synthesis.title}: {synthesis.hypothesis}".split()), STATEMENT_BYTES_MAX
    )


def examples_bytes_max(count: int) -> int:
    """The most bytes that so many examples take in a prompt."""
    return count * (STATEMENT_BYTES_MAX + len("uninteresting: \n")) + len(NONE)


def judge_variables(synthesis: Synthesis) -> dict[str, str]:
    """For a judge: a hypothesis without its facts."""
    return {
        "hypothesis": f"{synthesis.title}\n{synthesis.hypothesis}",
        "reasoning": synthesis.reasoning,
        "implication": synthesis.implication,
    }


def compare_variables(synthesis: Synthesis) -> str:
    """A hypothesis beside another one."""
    return f"{synthesis.title}\n{synthesis.hypothesis}"[:COMPARED_CHARS_MAX]


def single_fact_variables(fact: Fact) -> dict[str, str]:
    """For the control of the oracle: one fact."""
    return {"fact": fact.text}


def refute_variables(
    pair: PairSampled, synthesis: Synthesis, statements: Sequence[Statement], attempt: int
) -> dict[str, str]:
    """For the oracle: a hypothesis with its facts and numbered statements. Every other attempt sees facts and statements in the other order."""
    facts = (pair.first.text, pair.second.text)
    first, second = facts[::-1] if attempt % 2 else facts
    lines = [
        f"{number}. {' '.join(one.text.split())}"
        for number, one in enumerate(in_order(statements, attempt), 1)
    ]
    return {
        **judge_variables(synthesis),
        "first": first,
        "second": second,
        "statements": "\n".join(lines) or NONE,
    }


def in_order(statements: Sequence[Statement], attempt: int) -> list[Statement]:
    """Statements as an attempt sees them: where one comes from can't be told from its place."""
    mixed = sorted(statements, key=lambda one: hashlib.sha256(one.text.encode()).digest())
    return mixed[::-1] if attempt % 2 else mixed


def statements_bytes_max(count: int) -> int:
    """The most bytes that so many statements take in a prompt."""
    return count * (STATEMENT_BYTES_MAX + len("99. \n")) + len(NONE)
