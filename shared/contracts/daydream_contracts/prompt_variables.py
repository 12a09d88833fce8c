"""The variables that fill the placeholders of each prompt.

A stage fills its prompt with them, and the inspection of a verdict fills the stored prompt with
them again. Both must give the same messages, byte for byte. So the limits of what is shown are here
too.
"""

from __future__ import annotations

import hashlib
import random
from collections.abc import Iterable, Sequence
from string import ascii_uppercase

from daydream_contracts.events import (
    Fact,
    HypothesisProposed,
    LinkKind,
    PairHypotheses,
    PairSampled,
    Statement,
    Synthesis,
)
from daydream_contracts.text_limits import truncate

OUTPUT_BYTES_MAX = 8000  # of a writer's output that a judge sees as it is
COMPARED_CHARS_MAX = 1200  # of one hypothesis next to another
STATEMENT_BYTES_MAX = 400
EXCERPT_BYTES_MAX = 300  # of a fact in the pre-screen: it costs little only if texts are short
NONE = "(none)"


def link_variables(pair: PairSampled) -> dict[str, str]:
    """Return the variables of the synthesizer's prompt: two facts."""
    return {"first": pair.first.text, "second": pair.second.text}


def screen_variables(pairs: Iterable[tuple[Fact, Fact]]) -> dict[str, str]:
    """Return the variable of the pre-screen's prompt: pairs under letters, each fact on a line."""
    blocks = [
        "\n".join([f"{letter}.", *(_excerpt(fact) for fact in pair)])
        for letter, pair in zip(ascii_uppercase, pairs, strict=False)
    ]
    return {"pairs": "\n\n".join(blocks)}


def _excerpt(fact: Fact) -> str:
    return truncate(" ".join(fact.text.split()), EXCERPT_BYTES_MAX)


def link_after_examples_variables(
    pair: PairSampled, examples: Iterable[tuple[bool, Synthesis]]
) -> dict[str, str]:
    """Return the variables of the synthesizer's prompt with examples."""
    return {**link_variables(pair), "examples": list_examples(examples)}


def list_examples(examples: Iterable[tuple[bool, Synthesis]]) -> str:
    """Return one line per example: whether it was interesting, and the finding."""
    lines = [
        f"{'interesting' if interesting else 'uninteresting'}: {_on_one_line(synthesis)}"
        for interesting, synthesis in examples
    ]
    return "\n".join(lines) or NONE


def _on_one_line(synthesis: Synthesis) -> str:
    finding = " ".join(f"{synthesis.title}: {synthesis.hypothesis}".split())
    return truncate(finding, STATEMENT_BYTES_MAX)


def judge_variables(synthesis: Synthesis) -> dict[str, str]:
    """Return the variables of a judge's prompt: a hypothesis without its facts."""
    return {
        "hypothesis": f"{synthesis.title}\n{synthesis.hypothesis}",
        "reasoning": synthesis.reasoning,
        "implication": synthesis.implication,
    }


def judge_with_facts_variables(pair: PairSampled, synthesis: Synthesis) -> dict[str, str]:
    """Return the variables of a judge's prompt that sees the two facts besides the hypothesis."""
    return {**link_variables(pair), **judge_variables(synthesis)}


def several_variables(syntheses: Iterable[Synthesis]) -> dict[str, str]:
    """Return the variable of a judge's prompt that takes several hypotheses, each with its
    number."""
    blocks = [
        "\n".join([f"Hypothesis {number}:", *judge_variables(synthesis).values()])
        for number, synthesis in enumerate(syntheses, 1)
    ]
    return {"hypotheses": "\n\n".join(blocks)}


def shown_together(
    pair_id: str, together: PairHypotheses, count_max: int
) -> tuple[tuple[Synthesis, ...], int]:
    """Return which hypotheses of a pair are in one call, in their order, and the place of
    the judged one.

    Each call has at most `count_max` of them. The pair decides the order.
    """
    number = together.place // count_max
    first = number * count_max
    group = together.syntheses[first : first + count_max]
    order = list(range(len(group)))
    random.Random(f"{pair_id}:{number}").shuffle(order)
    return tuple(group[at] for at in order), order.index(together.place - first)


def output_variables(proposed: HypothesisProposed, synthesis: Synthesis) -> dict[str, str]:
    """Return the variable of a judge's prompt that takes the writer's output as it is.

    That is the whole answer in prose. An answer in JSON is shown as its texts.
    """
    if synthesis.link is LinkKind.UNSPECIFIED and proposed.calls:
        output = proposed.calls[-1].answer
    else:
        output = "\n".join(judge_variables(synthesis).values())
    return {"output": truncate(output, OUTPUT_BYTES_MAX)}


def compare_variables(synthesis: Synthesis) -> str:
    """Return the text of one of the two hypotheses in a comparison."""
    return f"{synthesis.title}\n{synthesis.hypothesis}"[:COMPARED_CHARS_MAX]


def single_fact_variables(fact: Fact) -> dict[str, str]:
    """Return the variables of the oracle's control: one fact."""
    return {"fact": fact.text}


def refute_variables(
    pair: PairSampled, synthesis: Synthesis, statements: Sequence[Statement], attempt: int
) -> dict[str, str]:
    """Return the variables of the oracle's prompt: a hypothesis, its facts and numbered statements.

    Every second attempt sees facts and statements in reverse order.
    """
    facts = (pair.first.text, pair.second.text)
    first, second = facts[::-1] if attempt % 2 else facts
    return {
        **judge_variables(synthesis),
        "first": first,
        "second": second,
        "statements": list_statements(order_statements(statements, attempt)),
    }


def list_statements(statements: Iterable[Statement]) -> str:
    """Return one numbered line per statement."""
    lines = [
        f"{number}. {' '.join(statement.text.split())}"
        for number, statement in enumerate(statements, 1)
    ]
    return "\n".join(lines) or NONE


def order_statements(statements: Sequence[Statement], attempt: int) -> list[Statement]:
    """Return statements in the order of an attempt. The place of one does not tell its source."""
    by_digest = sorted(
        statements, key=lambda statement: hashlib.sha256(statement.text.encode()).digest()
    )
    return by_digest[::-1] if attempt % 2 else by_digest
