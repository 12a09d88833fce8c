"""Say who asks, reads and writes what: the other half of the table in `topology`.

Publishers and consumers of messages are in `topology`, with their routes. A service that is not
named here may not do it: `permissions` makes the rights of NATS users from these rows, and a test
tries each forbidden act on a real server.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from daydream_contracts import buckets as kv
from daydream_contracts import topology as table
from daydream_contracts.buckets import Bucket
from daydream_contracts.topology import Endpoint

Services = tuple[str, ...]
SERVICES: Services = (
    "sampler",
    "synthesizer",
    "critic",
    "oracle",
    "memory",
    "budget",
    "gateway",
    "console",
)
PROVISION = "provision"  # the user of the job that makes streams, consumers and buckets
BACKUP = "backup"  # the user of the program that saves and restores them
CONSOLE = "console"  # also the user of the `daydream` command
LEDGER_WRITER = "budget"
STAGES: Services = ("synthesizer", "critic", "oracle")

CALLERS: Mapping[Endpoint[Any, Any], Services] = {
    table.BUDGET_OPEN: ("sampler", "synthesizer", "critic", "gateway", "console"),
    table.BUDGET_AUTHORIZE: ("gateway",),
    table.BUDGET_SETTLE: ("gateway",),
    table.BUDGET_RELEASE: ("memory", *STAGES),
    table.BUDGET_CHANGE: ("console",),
    table.BUDGET_REPAIR: ("console",),
    table.BUDGET_STATE: ("console", "critic", "budget"),  # budget: its audit
    table.GATEWAY_QUOTE: ("console", "memory", *STAGES),
    table.GATEWAY_STATE: ("console", "sampler"),
    table.GATEWAY_KEYS: ("console",),
    table.GATEWAY_ADD_KEY: ("console",),
    table.GATEWAY_REVOKE_KEY: ("console",),
    table.MEMORY_STATE: ("console", "sampler", "budget"),
    table.MEMORY_PAIRS: ("sampler", "console"),
    table.MEMORY_NEIGHBOURHOODS: ("sampler", "console"),
    table.MEMORY_NEAREST: ("critic", "console"),
    table.MEMORY_SEARCH: ("console", "oracle"),
    table.MEMORY_RANKING: ("console",),
    table.MEMORY_MAP: ("console",),
    table.MEMORY_VERDICTS: ("console", "synthesizer", "critic"),
    table.MEMORY_DOCUMENTS: ("console",),
    table.MEMORY_PREVIEW: ("console",),
    table.MEMORY_READ_PROTECTED: ("console",),
    table.MEMORY_RESOLVE: ("console",),
    table.MEMORY_ERASE: ("console",),
    table.MEMORY_JUDGED_PAIRS: ("sampler",),
    table.MEMORY_BACK_UP: ("console",),
    table.MEMORY_RESTORE: ("console",),
    table.MEMORY_READ_AGAIN: ("console",),
    table.SAMPLER_STATE: ("console",),
    table.SAMPLER_GOAL: ("console",),
    table.SYNTHESIZER_STATE: ("console",),
    table.SYNTHESIZER_SCREEN: ("sampler",),
    table.CRITIC_STATE: ("console",),
    table.CONSOLE_INSIGHTS: ("console",),
    table.CONSOLE_INSIGHT: ("console",),
}


@dataclass(frozen=True)
class StoreGrant:
    """Say who reads, writes and empties a stream, or the stream behind a bucket.

    `scanned`: its readers go through all of it by short-lived consumers. Otherwise they get single
    messages: by sequence or by key. `deleters` delete single messages, `purgers` many.
    """

    readers: Services = ()
    writers: Services = ()
    deleters: Services = ()
    purgers: Services = ()
    scanned: bool = False


def _log(*readers: str, deleters: Services = (), purgers: Services = ()) -> StoreGrant:
    return StoreGrant(readers, deleters=deleters, purgers=purgers, scanned=True)


# A work queue accepts no second consumer.
# The memory looks through what may hold a text that is to be erased.
STREAMS: Mapping[str, StoreGrant] = {
    "PAIRS": StoreGrant(readers=("console", "memory")),
    "HYPOTHESES": StoreGrant(readers=("console", "memory")),
    "CANDIDATES": StoreGrant(readers=("console", "memory")),
    "DOCUMENTS": StoreGrant(readers=("console", "memory"), deleters=("memory",)),
    "REMOVALS": StoreGrant(readers=("console",)),
    "VERDICTS": _log("console", "memory", "sampler", "synthesizer", "critic", deleters=("memory",)),
    "REVIEWS": _log("console", "memory", "critic"),
    "OUTCOMES": _log("console", "memory", "critic"),
    "COMMANDS": _log("console"),
    "VISIBILITY": _log("console", "memory"),
    "INSIGHTS": _log("console", "memory", deleters=("memory",)),
    "FOREGROUND": StoreGrant(readers=("console",)),
    "ALERTS": _log("console"),
    table.LEDGER: _log("budget", "console", purgers=("budget",)),
    table.LEDGER_MIRROR: StoreGrant(readers=("budget",), purgers=("budget",)),
    "DEADLETTERS": _log("console", "memory", deleters=("console", "memory")),
}


def _private(*services: str, scanned: bool = False) -> StoreGrant:
    return StoreGrant(readers=services, writers=services, scanned=scanned)


BUCKETS: Mapping[Bucket, StoreGrant] = {
    # the budget: what an attempt cost that a killed gateway has not settled
    **dict.fromkeys(kv.CALLS, StoreGrant(readers=("gateway", "budget"), writers=("gateway",))),
    kv.ISSUED_KEYS: _private("gateway", scanned=True),
    kv.MODEL_PROFILES: _private("gateway", scanned=True),
    kv.BATCHES: _private("gateway", scanned=True),
    # each consumer writes the keys of its messages
    kv.DELIVERY_COUNTS: StoreGrant(readers=SERVICES),
    kv.PLANS: StoreGrant(readers=("sampler", "critic", "console"), writers=STAGES),
    kv.SAMPLER: _private("sampler"),
    kv.DRAWN_PAIRS: _private("sampler", scanned=True),
    kv.SYNTHESIZER: _private("synthesizer"),
    kv.CRITIC: _private("critic"),
    kv.DECISION_RECORDS: _private("critic"),
    kv.PROMPTS: StoreGrant(readers=("console",), writers=STAGES),
    kv.MEMORY: _private("memory"),
    kv.DIGESTS: _private("console"),
    kv.REVIEW_LOCKS: _private("console"),
    kv.SETTINGS: StoreGrant(readers=("console",), scanned=True),  # each writes its own key
    kv.TOPOLOGY: StoreGrant(readers=(*SERVICES, PROVISION), writers=(PROVISION,)),
}
# The pieces of an object are read by a short-lived consumer.
OBJECT_STORES: Mapping[str, StoreGrant] = {
    kv.DOCUMENT_OBJECTS: _private("console", "memory", scanned=True),  # the memory deletes it
    kv.SNAPSHOT_OBJECTS: _private("budget", scanned=True),
    kv.ARCHIVE_OBJECTS: _private("budget", scanned=True),
    kv.BACKUP_OBJECTS: _private("memory", "console", scanned=True),  # sent both ways
}

# Core NATS, between the replicas of one service.
BETWEEN_REPLICAS: Mapping[str, Services] = {
    table.GATEWAY_LIMITER_SUBJECT: ("gateway",),
    table.GATEWAY_ALIVE_SUBJECT: ("gateway",),
}
# Who sees changes of a bucket's keys as they come.
BUCKET_WATCHERS: Mapping[Bucket, Services] = dict.fromkeys(kv.CALLS, ("gateway",))
# Who sees messages as they are published, beside their consumers: the pages, and daydream watch.
WATCHERS: Services = ("console",)
# Who asks for the state of all consumers.
CONSUMER_OBSERVERS: Services = ("console",)
