"""Define every event: frozen, past tense, with an id derived from its content.

A `PairSampled` carries snapshots of its two facts, a `HypothesisProposed` carries its pair, and a
`VerdictReached` carries its hypothesis. So a verdict is the complete record of its daydream: what
was thought and what it cost. Only prompts are elsewhere, in a bucket, by the digest that it names.

Ids are derived, never random: what is done twice has the same id. The id is also the `Nats-Msg-Id`.
Neither deliveries nor retries enter it.

`version` is the major version. Readers ignore unknown fields within it, so old and new writers
run side by side. A message of another major version fails validation, and becomes a dead letter
that can be sent again.
"""

from daydream_contracts.events.alerts import AlertRaised
from daydream_contracts.events.base import (
    NAMESPACE,
    ContractModel,
    Message,
    Payer,
    derive_id,
)
from daydream_contracts.events.commands import CommandReceived
from daydream_contracts.events.documents import DocumentOffered, DocumentRemoved
from daydream_contracts.events.facts import Fact, FactKind
from daydream_contracts.events.foreground import ForegroundReported
from daydream_contracts.events.hypotheses import (
    HypothesisProposed,
    LinkKind,
    ModelCall,
    PairHypotheses,
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
from daydream_contracts.events.pairs import PairSampled, ScreenRank, pair_id_of
from daydream_contracts.events.reviews_and_visibility import (
    OutcomeRecorded,
    ReviewEffect,
    ReviewRecorded,
    TrialResult,
    VisibilityChanged,
)
from daydream_contracts.events.verdicts import (
    CandidateNominated,
    Decision,
    VerdictReached,
    verdict_id_of,
)
from daydream_contracts.number_limits import NANOUSD_PER_USD

__all__ = [
    "NAMESPACE",
    "NANOUSD_PER_USD",
    "Aggregation",
    "AlertRaised",
    "CandidateNominated",
    "CommandReceived",
    "Comparison",
    "ContractModel",
    "Decision",
    "DocumentOffered",
    "DocumentRemoved",
    "Examination",
    "Fact",
    "FactKind",
    "ForegroundReported",
    "HypothesisProposed",
    "InsightPromoted",
    "InsightReinstated",
    "InsightRetracted",
    "Judgement",
    "LinkKind",
    "Message",
    "ModelCall",
    "NearestMatch",
    "OutcomeRecorded",
    "PairHypotheses",
    "PairSampled",
    "Payer",
    "PromptExample",
    "PromptRef",
    "Refutation",
    "ReviewEffect",
    "ReviewRecorded",
    "Rule",
    "Scores",
    "ScreenRank",
    "ShortSynthesis",
    "Statement",
    "Synthesis",
    "TrialResult",
    "VerdictReached",
    "VisibilityChanged",
    "Vote",
    "derive_id",
    "hypothesis_id_of",
    "insight_id_of",
    "pair_id_of",
    "verdict_id_of",
]
