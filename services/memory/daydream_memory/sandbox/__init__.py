"""Documents are read in processes that can be killed, without network, keys or NATS.

    service ── socket ── fork server (empty environment, readers loaded, sees no document)
       │                    └─ fork: workers, limits and layers applied, one document at a time
       └── one socket a worker: descriptor of the document out, facts back

A document costs at most its limits. What was read before a limit is kept. A hole in the kernel is
out of reach of all this.
"""

from daydream_memory.sandbox.exchange import ReadOutcome
from daydream_memory.sandbox.frames import ReadEnd, ReadFact, ReadRequest
from daydream_memory.sandbox.limits import SandboxLimits
from daydream_memory.sandbox.open_file import file_with, unnamed_file
from daydream_memory.sandbox.pool import ReadingPool, reading_pool

__all__ = [
    "ReadEnd",
    "ReadFact",
    "ReadOutcome",
    "ReadRequest",
    "ReadingPool",
    "SandboxLimits",
    "file_with",
    "reading_pool",
    "unnamed_file",
]
