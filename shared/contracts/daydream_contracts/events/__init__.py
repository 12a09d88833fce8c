"""Every event on the wire: frozen, past tense, with an id derived from what it is about.

Data: a `PairSampled` carries snapshots of its two facts, a `HypothesisProposed` carries its pair, a `VerdictReached`
carries its hypothesis. So the verdict stream alone is the complete record of what was thought and what it cost.

Ids are derived, never random: whatever is done twice has the same id, and the id is also the `Nats-Msg-Id`. Neither
delivery nor retry enters them.

Versions: `version` is the major version. Readers ignore unknown fields within it, so that old and new writers run side
by side; a message of another major version fails validation and becomes a dead letter that can be replayed.
"""

from daydream_contracts.events.base import (
    NAMESPACE,
    NANOUSD_PER_USD,
    ContractModel,
    Message,
    Payer,
    derive_id,
)
from daydream_contracts.events.documents import DocumentOffered, DocumentRemoved
from daydream_contracts.events.hypotheses import (
    HypothesisProposed,
    LinkKind,
    ModelCall,
    PromptExample,
    PromptRef,
    ShortSynthesis,
    Synthesis,
    hypothesis_id_of,
    insight_id_of,
)
from daydream_contracts.events.insights import InsightPromoted, InsightReinstated, InsightRetracted
from daydream_contracts.events.judgements import (
    Aggregation,
    Comparison,
    Examination,
    Judgement,
    NearestMatch,
    Refutation,
    Rule,
    Scores,
    Statement,
    Vote,
)
from daydream_contracts.events.pairs import Fact, FactKind, PairSampled, pair_id_of
from daydream_contracts.events.people import ReviewRecorded, VisibilityChanged
from daydream_contracts.events.spending import AlertRaised, ForegroundReported
from daydream_contracts.events.verdicts import (
    CandidateNominated,
    Decision,
    VerdictReached,
    verdict_id_of,
)

__all__ = [
    "NAMESPACE",
    "NANOUSD_PER_USD",
    "AlertRaised",
    "CandidateNominated",
    "Comparison",
    "Decision",
    "DocumentOffered",
    "DocumentRemoved",
    "Examination",
    "PromptExample",
    "Fact",
    "FactKind",
    "ForegroundReported",
    "HypothesisProposed",
    "InsightPromoted",
    "InsightReinstated",
    "InsightRetracted",
    "Judgement",
    "NearestMatch",
    "LinkKind",
    "Message",
    "ModelCall",
    "PairSampled",
    "ContractModel",
    "Payer",
    "PromptRef",
    "Refutation",
    "ReviewRecorded",
    "Rule",
    "Scores",
    "VisibilityChanged",
    "Statement",
    "ShortSynthesis",
    "Synthesis",
    "VerdictReached",
    "Vote",
    "Aggregation",
    "derive_id",
    "hypothesis_id_of",
    "insight_id_of",
    "pair_id_of",
    "verdict_id_of",
]
