"""A message that the broker counts but does not return halts the ledger, instead of a busy loop."""

from __future__ import annotations

from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any, cast

import pytest
from nats.js import JetStreamContext
from nats.js.errors import NotFoundError

import daydream_budget.ledger.stream_end
import daydream_budget.ledger.tail
from daydream_budget.ledger.chain import digest_of
from daydream_budget.ledger.entries import COMMIT, Commit
from daydream_budget.ledger.projection import LedgerProjection
from daydream_budget.ledger.tail import LedgerTail
from daydream_contracts.events import AlertRaised


class FakeDamagedStream:
    """A stream that counts `last_seq` messages and returns none: nats-server with a bad block."""

    def __init__(self, last_seq: int) -> None:
        self.last_seq = last_seq
        self.hidden_reads = 10**6
        commit = Commit(previous="", at=datetime.now(UTC), by="another", entries=())
        self.data = COMMIT.dump_json(commit)

    async def get_msg(self, *_: Any, seq: int, **__: Any) -> Any:
        self.hidden_reads -= 1
        if self.hidden_reads >= 0 or seq > self.last_seq:
            raise NotFoundError
        return SimpleNamespace(seq=seq, data=self.data, time=datetime.now(UTC))

    async def stream_info(self, _: str) -> Any:
        return SimpleNamespace(state=SimpleNamespace(last_seq=self.last_seq))


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (daydream_budget.ledger.tail, daydream_budget.ledger.stream_end):
        monkeypatch.setattr(module, "READ_RETRY_S", 0.0)  # waits are not tested


@pytest.fixture
def alerts() -> list[AlertRaised]:
    return []


@pytest.fixture
def stream() -> FakeDamagedStream:
    return FakeDamagedStream(last_seq=1)


@pytest.fixture
def tail(stream: FakeDamagedStream, alerts: list[AlertRaised]) -> LedgerTail:
    async def report(alert: AlertRaised) -> None:
        alerts.append(alert)

    return LedgerTail(LedgerProjection(cast(JetStreamContext, stream)), report)


async def test_after_a_refused_commit_the_end_is_compared(
    tail: LedgerTail, alerts: list[AlertRaised]
) -> None:
    await tail.catch_up()
    assert tail.refusal is None, "the end of the stream is the usual reason for nothing to read"
    tail.is_refused = True
    for _ in range(3):
        await tail.catch_up()
    assert tail.refusal is not None
    assert "counts it but does not return it" in tail.refusal.text
    assert len(alerts) == 1


async def test_it_ends_when_the_stream_is_whole_again(
    tail: LedgerTail, stream: FakeDamagedStream
) -> None:
    tail.is_refused = True
    await tail.catch_up()
    stream.last_seq = 0
    await tail.catch_up()
    assert tail.refusal is None


async def test_a_commit_that_a_cluster_counts_a_moment_before_it_returns_it_is_no_damage(
    tail: LedgerTail, stream: FakeDamagedStream, alerts: list[AlertRaised]
) -> None:
    tail.is_refused = True
    stream.hidden_reads = 2
    await tail.catch_up()
    assert tail.refusal is None
    assert not alerts
    assert (tail.position.sequence, tail.position.digest) == (1, digest_of(stream.data))
