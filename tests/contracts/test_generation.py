"""A change of the topology raises its generation, so that no older program undoes it."""

from __future__ import annotations

import hashlib

from daydream_contracts.buckets import BUCKETS, OBJECT_STORES
from daydream_contracts.topology import CONSUMERS, GENERATION, STREAMS

# generation: digest of what is provisioned for it. Change the last line until 0.1.0 is released;
# after that, raise GENERATION and add a line.
DIGESTS = {1: "57837046c9bf4627"}


def test_the_generation_is_that_of_the_table() -> None:
    consumers = [(consumer.durable, consumer.route.subject) for consumer in CONSUMERS]
    table = repr((STREAMS, consumers, BUCKETS, OBJECT_STORES))
    digest = hashlib.sha256(table.encode()).hexdigest()[:16]
    assert DIGESTS[GENERATION] == digest
    assert max(DIGESTS) == GENERATION
