"""The past that predicts the future: verdicts under the rule that is in force now.

Rules promote very different shares. By the mean score most of the first hypotheses pass, and by the
promotion quota few later ones do. So nothing is counted across a change of the rule, or of whether
an oracle examines what would be promoted.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from daydream_console.client import Client
from daydream_contracts.events import Decision, VerdictReached
from daydream_contracts.rpc import ListVerdicts
from daydream_contracts.topology import MEMORY_VERDICTS
from daydream_models.stage_plans import FULL, ORACLE

PAGE = 50
VERDICTS_MAX = 2000  # older ones say less about what comes


@dataclass
class PastVerdicts:
    """Counts over the verdicts that are read, the newest first.

    `rule` is empty until a verdict says which one it was reached by, and `ruled` are the verdicts
    that do. `complete`: the rule has been
    in force from the first verdict on. `nanousd` are the costs by pair: a pair may have several
    hypotheses.
    """

    rule: str = ""
    ruled: int = 0
    verdicts: int = 0
    insights: int = 0
    complete: bool = True
    nanousd: dict[str, int] = field(default_factory=dict)
    _examined: bool = False

    @property
    def daydreams(self) -> int:
        return len(self.nanousd)

    def count(self, verdict: VerdictReached) -> bool:
        """Count a verdict, and return whether older ones are under the same rule.

        Reduced plans have their own histories, so they may be under another rule for a while. Such
        a verdict is left out, and ends nothing.
        """
        pair = verdict.hypothesis.pair
        rule = verdict.aggregation.rule if verdict.aggregation else ""
        if rule and pair.plan == FULL:
            examined = ORACLE in pair.stages
            if not self.rule:
                self.rule, self._examined = rule, examined
            elif (rule, examined) != (self.rule, self._examined):
                self.complete = False
                return False
        if rule and self.rule and rule != self.rule:
            self.complete = False
            return True
        if verdict.final and verdict.round == 1:
            self.ruled += bool(rule)
            self.verdicts += 1
            self.insights += verdict.decision is Decision.PROMOTED
            self.nanousd[pair.pair_id] = self.nanousd.get(pair.pair_id, 0) + verdict.cost_nanousd
        return True


def count_in_force(newest_first: Iterable[VerdictReached]) -> PastVerdicts:
    """Return the counts over the newest verdicts under one rule."""
    past = PastVerdicts()
    for verdict in newest_first:
        if not past.count(verdict):
            break
    return past


async def read_in_force(client: Client) -> PastVerdicts:
    """Read verdicts from the memory, the newest first, until the rule was another one."""
    past, offset = PastVerdicts(), 0
    while offset < VERDICTS_MAX:
        query = ListVerdicts(promoted_only=False, limit=PAGE, offset=offset)
        page = await client.rpc.request(MEMORY_VERDICTS, query)
        if not all(past.count(verdict) for verdict in page.verdicts) or not page.verdicts:
            return past
        offset += len(page.verdicts)
    past.complete = False
    return past
