"""Declare the key-value buckets and object stores: the part of the topology that holds state."""

from __future__ import annotations

import zlib
from dataclasses import dataclass

DAY_S = 86_400
MIB = 1 << 20


@dataclass(frozen=True)
class Bucket:
    """Describe a JetStream key-value bucket.

    It has no limit markers: with them `create` fails after an expiry (nats-py 2.16).
    """

    name: str
    ttl_s: int = 0
    bytes_max: int = -1


# A server syncs the writes of one stream one after the other, and those of several at the same
# time: see `gateway_rate_ratio` of `make bench-gateway`. Eight take hardly more than four.
CALLS = tuple(
    Bucket(f"daydream-calls-{number}", ttl_s=9 * DAY_S, bytes_max=1024 * MIB) for number in range(4)
)
ISSUED_KEYS = Bucket("daydream-issued-keys")
MODEL_PROFILES = Bucket(
    "daydream-model-profiles", ttl_s=7 * DAY_S
)  # a server that was updated takes more
DELIVERY_COUNTS = Bucket("daydream-delivery-counts", ttl_s=30 * DAY_S)
PLANS = Bucket("daydream-plans")
SAMPLER = Bucket("daydream-sampler")
DRAWN_PAIRS = Bucket("daydream-drawn-pairs")
MEMORY = Bucket("daydream-memory")
BATCHES = Bucket("daydream-batches")
CRITIC = Bucket("daydream-critic")
DECISION_RECORDS = Bucket("daydream-decision-records", ttl_s=9 * DAY_S)
SYNTHESIZER = Bucket("daydream-synthesizer")
DIGESTS = Bucket("daydream-digests")  # what each reader got
PROMPTS = Bucket("daydream-prompts")  # by digest, never deleted: verdicts refer to them
REVIEW_LOCKS = Bucket("daydream-review-locks", ttl_s=10 * 60)  # by hypothesis; the value says who
SETTINGS = Bucket("daydream-settings")  # what each service runs with, and from where
TOPOLOGY = Bucket("daydream-topology")  # the generation of the table that was provisioned last
BUCKETS = (
    *CALLS,
    ISSUED_KEYS,
    MODEL_PROFILES,
    DELIVERY_COUNTS,
    PLANS,
    SAMPLER,
    SYNTHESIZER,
    CRITIC,
    DECISION_RECORDS,
    PROMPTS,
    DRAWN_PAIRS,
    MEMORY,
    BATCHES,
    DIGESTS,
    REVIEW_LOCKS,
    SETTINGS,
    TOPOLOGY,
)

DOCUMENT_OBJECTS = "daydream-documents"
SNAPSHOT_OBJECTS = "daydream-ledger-snapshots"
ARCHIVE_OBJECTS = "daydream-ledger-archive"
BACKUP_OBJECTS = "daydream-backups"
OBJECT_STORES = (DOCUMENT_OBJECTS, SNAPSHOT_OBJECTS, ARCHIVE_OBJECTS, BACKUP_OBJECTS)


def calls_bucket_of(key: str) -> Bucket:
    """Return the bucket that holds the record of a call."""
    return CALLS[zlib.crc32(key.encode()) % len(CALLS)]
