"""The peers, and the commands that start a stage. They log warnings only, as the relay."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.peers.redis_server import redis_program
from benchmarks.peers.work import CONCURRENCY

PROGRAMS = Path(__file__).parents[3] / ".tools" / "peers" / "bin"


@dataclass(frozen=True)
class Peer:
    """A task queue. `command` starts a worker, with `{stage}` for the stage."""

    name: str
    packages: Sequence[str]  # whose versions are printed
    module: str
    command: str
    on_redis: bool
    restarts_children: bool = False  # it has processes that it starts again when they are killed

    def worker(self, stage: str) -> list[str]:
        """Return the command of a stage's worker."""
        program, *options = self.command.format(stage=stage, module=self.module).split()
        return [str(PROGRAMS / program), *options]

    def source(self) -> list[str]:
        """Return the command of the source."""
        options = ["-m", "benchmarks.peers.source", self.module, *self.packages]
        return [str(PROGRAMS / "python"), *options]


PEERS = (
    Peer(
        "taskiq_nats",
        ("taskiq", "taskiq-nats"),
        "benchmarks.peers.taskiq_worker",
        f"taskiq worker {{module}}:{{stage}} --workers 1 --max-async-tasks {CONCURRENCY}"
        " --log-level WARNING",
        on_redis=False,
    ),
    Peer(
        "dramatiq",
        ("dramatiq", "redis"),
        "benchmarks.peers.dramatiq_worker",
        f"dramatiq {{module}} --queues {{stage}} --processes 1 --threads {CONCURRENCY}"
        " --skip-logging",
        on_redis=True,
    ),
    Peer(
        "celery",
        ("celery", "kombu", "redis"),
        "benchmarks.peers.celery_worker",
        "celery --app {module} worker --queues {stage} --hostname {stage}@localhost"
        f" --concurrency {CONCURRENCY} --loglevel WARNING",
        on_redis=True,
        restarts_children=True,
    ),
)


def available() -> list[Peer]:
    """Return the peers that can run here. Say in a line which cannot, and what they need."""
    runnable = [peer for peer in PEERS if redis_program() or not peer.on_redis]
    skipped = [peer.name for peer in PEERS if peer not in runnable]
    if skipped:
        print(
            f"skipped: {', '.join(skipped)}. Install Redis: apt-get install redis-server",
            file=sys.stderr,
        )
    return runnable
