"""Say by which rule a verdict was reached, for all that count verdicts of the rule in force.

Rules promote very different shares: by the mean score most of the first hypotheses pass, and by the
promotion quota few later ones do.
"""

from __future__ import annotations

from daydream_contracts.events import VerdictReached
from daydream_models.stage_plans import FULL


def rule_of(verdict: VerdictReached) -> str:
    """Return the rule that decided a daydream with the full plan; "" if none did.

    Reduced plans have their own histories, so they may be under another rule for a while.
    """
    if verdict.aggregation is None or verdict.hypothesis.pair.plan != FULL:
        return ""
    return verdict.aggregation.rule
