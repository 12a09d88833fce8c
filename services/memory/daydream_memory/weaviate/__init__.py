"""The store in a Weaviate server.

Facts, documents, mentions (which source holds which fact), removals, verdicts and reviews are
collections. Ids of objects are derived from our own, so writing twice is writing once. Weaviate has
no transactions and no counter. So changes happen one at a time, each while holding the write lock:
a record in a JetStream bucket with its holder and the number of ordinals assigned. Reads need no
lock.

States of a fact: `ordinal` −1 (pending; it may have its vector already) → an ordinal, for good.
`shown` says whether it can be drawn and found. Ordinals are assigned in the lock's record first,
with the facts that get them. The next holder completes what a replica left behind when it died.

What can fail:

- The server is unavailable: RetryLaterError, and the caller waits.
- A replica dies during a change: its message is redelivered, and the change continues from what is
  there.
- The server refuses some objects of a batch: TransientError with the reason.
"""

from daydream_memory.weaviate.store import open_weaviate_store

__all__ = ["open_weaviate_store"]
