"""The store in a Weaviate server.

Data: facts, documents, mentions (which source holds which fact), removals, verdicts and reviews are collections; ids of objects are derived from
our own, so that writing twice is writing once. Weaviate has no transactions and no counter, so changes go one at a time, each in a `turn`, which
is a record in a JetStream bucket: whose turn it is, and how many ordinals are given. Reads need no turn.

States of a fact: `ordinal` −1 (pending; it may have its vector already) → an ordinal, for good; `shown` says whether it can be drawn and found.
Ordinals are given in the turn's record first, with the facts that get them; whoever comes next completes what a dead replica began.
What can fail: the server is away (RetryLaterError: whoever asked waits), a replica dies in the middle of a change (its message comes again, and the change
goes on from what is there), some objects of a batch are refused (Transient, with the reason).
"""

from daydream_memory.weaviate.store import WeaviateStore

__all__ = ["WeaviateStore"]
