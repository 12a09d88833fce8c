"""A judge that is no language model: does the implication say what to measure?"""

from __future__ import annotations

import re

from daydream_contracts.events import HypothesisProposed, Scores, Synthesis
from daydream_critic.pipeline.judges.code_judge import Assessment, CodeJudge

COMPARISON = re.compile(r"\b(?:\d+|(?:in|de)creas\w+|fewer|faster|higher|less|lower|more|slower)\b")
NEUTRAL = 5  # this judge has no opinion on novelty and coherence


class MeasurabilityJudge(CodeJudge):
    """Scores how many numbers and comparisons the implication has. Abstains if there is none."""

    version = "1"  # change it with the scores: a new version begins a new history

    async def assess(self, proposed: HypothesisProposed, synthesis: Synthesis) -> Assessment:
        """Return 6 for the usefulness of one number or comparison, and 2 more for each further."""
        terms = COMPARISON.findall(synthesis.implication.lower())
        if not terms:
            return Assessment(None, "The implication has no number and no comparison.")
        usefulness = min(10, 4 + 2 * len(terms))
        scores = Scores(novelty=NEUTRAL, coherence=NEUTRAL, usefulness=usefulness)
        return Assessment(scores, f"The implication has: {', '.join(terms)}.")
