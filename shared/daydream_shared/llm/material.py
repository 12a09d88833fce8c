"""What prompts are filled with: the same where a question is asked, and where a verdict is replayed."""

from __future__ import annotations

from daydream_shared.messages import PairSampled, Synthesis

COMPARED_CHARS_MAX = 1200  # of a hypothesis beside another


def to_link(pair: PairSampled) -> dict[str, str]:
    """For the synthesizer: two facts."""
    return {"first": pair.first.text, "second": pair.second.text}


def to_judge(synthesis: Synthesis) -> dict[str, str]:
    """For a judge: a hypothesis without its facts."""
    return {"hypothesis": f"{synthesis.title}\n{synthesis.hypothesis}", "reasoning": synthesis.reasoning, "implication": synthesis.implication}


def to_compare(synthesis: Synthesis) -> str:
    """A hypothesis beside another one."""
    return f"{synthesis.title}\n{synthesis.hypothesis}"[:COMPARED_CHARS_MAX]
