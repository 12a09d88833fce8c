"""Every event on the wire: frozen, past tense, with an id derived from what it is about.

Data: a `PairSampled` carries snapshots of its two facts, a `HypothesisProposed` carries its pair, a `VerdictReached`
carries its hypothesis. So the verdict stream alone is the complete record of what was thought and what it cost.

Ids are derived, never random: whatever is done twice has the same id, and the id is also the `Nats-Msg-Id`. Neither
delivery nor retry enters them.

Versions: `version` is the major version. Readers ignore unknown fields within it, so that old and new writers run side
by side; a message of another major version fails validation and becomes a dead letter that can be replayed.
"""

from daydream_shared.messages.base import NAMESPACE, NANOUSD_PER_USD, Message, Part, Payer, derive_id
from daydream_shared.messages.documents import DocumentOffered, DocumentRemoved
from daydream_shared.messages.hypotheses import Example, HypothesisProposed, LinkKind, ModelCall, PromptRef, Synthesis, hypothesis_id_of, insight_id_of
from daydream_shared.messages.insights import InsightPromoted, InsightRestored, InsightRetracted
from daydream_shared.messages.judgements import Comparison, Examination, Judgement, Known, Refutation, Rule, Scores, Statement, Vote, Weighing
from daydream_shared.messages.pairs import Fact, FactKind, PairSampled, pair_id_of
from daydream_shared.messages.people import ReviewRecorded, StandingChanged
from daydream_shared.messages.spending import AlertRaised, ForegroundReported
from daydream_shared.messages.verdicts import CandidateNominated, Decision, VerdictReached, verdict_id_of

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
    "Example",
    "Fact",
    "FactKind",
    "ForegroundReported",
    "HypothesisProposed",
    "InsightPromoted",
    "InsightRestored",
    "InsightRetracted",
    "Judgement",
    "Known",
    "LinkKind",
    "Message",
    "ModelCall",
    "PairSampled",
    "Part",
    "Payer",
    "PromptRef",
    "Refutation",
    "ReviewRecorded",
    "Rule",
    "Scores",
    "StandingChanged",
    "Statement",
    "Synthesis",
    "VerdictReached",
    "Vote",
    "Weighing",
    "derive_id",
    "hypothesis_id_of",
    "insight_id_of",
    "pair_id_of",
    "verdict_id_of",
]
