"""The interface of a store: its parts, and the records that they exchange."""

from daydream_memory.store.backup_support import BackupContents, BackupSupport
from daydream_memory.store.document_store import DocumentStore
from daydream_memory.store.parts import (
    HYPOTHESES_SEARCHED,
    ErasureStore,
    FactStore,
    ModelMigrationStore,
    Store,
    StoreMaintenance,
    VerdictStore,
    VisibilityStore,
)
from daydream_memory.store.records import (
    MERGED,
    DocumentRecord,
    ErasedFacts,
    NewFact,
    NewInsight,
    PendingFact,
    ReviewStatus,
    StaleVector,
    StoreCounts,
    StoredFact,
    UnlabelledFact,
    Vector,
    VisibilityChange,
    retracted_by,
)

__all__ = [
    "HYPOTHESES_SEARCHED",
    "MERGED",
    "BackupContents",
    "BackupSupport",
    "DocumentRecord",
    "DocumentStore",
    "ErasedFacts",
    "ErasureStore",
    "FactStore",
    "ModelMigrationStore",
    "NewFact",
    "NewInsight",
    "PendingFact",
    "ReviewStatus",
    "StaleVector",
    "Store",
    "StoreCounts",
    "StoreMaintenance",
    "StoredFact",
    "UnlabelledFact",
    "Vector",
    "VerdictStore",
    "VisibilityChange",
    "VisibilityStore",
    "retracted_by",
]
