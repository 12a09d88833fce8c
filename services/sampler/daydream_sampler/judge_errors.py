"""What the judges' measured errors make of a yield.

Canaries show which share of good hypotheses is promoted (bridges: the sensitivity) and which share
of bad ones (decoys: one minus the specificity). A share promoted, p, then stands for
(p − bad promoted) ÷ (good promoted − bad promoted) good ones (Rogan and Gladen, 1978).

Decoys are made to deceive, so ordinary bad hypotheses are promoted less often. What is promoted of
all hypotheses bounds that: most of them are bad. The correction uses the lower of the two.
"""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

# Canaries that count as judged rightly before the first one is: until they are outweighed, little
# is corrected. A judge is measured on 20 of each kind before the critic trusts its labels too.
PRIOR_CANARIES = 10.0
SEPARATION_MIN = 0.2  # below it the judges cannot tell, and nothing is corrected


class CanaryCount(BaseModel):
    """How many canaries of a kind were judged and promoted."""

    model_config = ConfigDict(frozen=True)

    judged: int = 0
    promoted: int = 0

    def plus(self, *, promoted: bool) -> CanaryCount:
        """Return the count with one more."""
        return CanaryCount(judged=self.judged + 1, promoted=self.promoted + promoted)


class JudgeErrors(BaseModel):
    """Shares of good and of bad hypotheses that are promoted. No errors: 1 and 0."""

    model_config = ConfigDict(frozen=True)

    good_promoted: float = 1.0
    bad_promoted: float = 0.0

    @classmethod
    def measured(
        cls, bridges: CanaryCount, decoys: CanaryCount, promoted_share: float
    ) -> JudgeErrors:
        """Return what canaries show. `promoted_share`: of all hypotheses that were judged."""
        good = (bridges.promoted + PRIOR_CANARIES) / (bridges.judged + PRIOR_CANARIES)
        of_decoys = decoys.promoted / (decoys.judged + PRIOR_CANARIES)
        bad = min(of_decoys, promoted_share)
        return cls(good_promoted=good, bad_promoted=bad) if good - bad > SEPARATION_MIN else cls()

    def corrected(self, promoted: float, judged: float) -> float:
        """Return how many good ones a number of promoted ones stands for; it may be below 0."""
        return (promoted - self.bad_promoted * judged) / (self.good_promoted - self.bad_promoted)
