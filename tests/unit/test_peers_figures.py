"""How the benchmark of peers counts: a cut line, repeated calls, and what it skips."""

from __future__ import annotations

import pytest

from benchmarks.peers import peer
from benchmarks.peers.figures import CallCounts, counted, ended_numbers
from benchmarks.peers.work import STAGES


def test_each_pair_that_has_ended_counts_once_and_a_line_in_writing_does_not() -> None:
    assert ended_numbers("3\n4\n3\n1") == {3, 4}
    assert ended_numbers("") == set()


def test_calls_beyond_one_per_request_are_repeated() -> None:
    counts = counted({"a": 1, "b": 3, "c": 2})
    assert counts.repeated == 3
    assert counts.per_call == 2.0
    assert counted({}).per_call == 0.0


def test_a_call_from_before_a_kill_that_is_made_again_after_it_is_repeated_after_it() -> None:
    before = counted({"answered": 1, "open": 1})
    after = counted({"answered": 1, "open": 2, "new": 1})
    assert after.since(before) == CallCounts(calls=2, different=1)
    assert after.since(before).repeated == 1


def test_without_redis_only_the_peer_on_nats_runs_and_a_line_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(peer, "redis_program", lambda: None)
    assert [runnable.name for runnable in peer.available()] == ["taskiq_nats"]
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert "dramatiq, celery" in said
    assert "redis-server" in said


@pytest.mark.parametrize("each", peer.PEERS, ids=lambda each: each.name)
def test_a_worker_is_started_for_its_stage_alone(each: peer.Peer) -> None:
    for stage in STAGES:
        command = " ".join(each.worker(stage))
        assert stage in command
        assert "{" not in command
        assert not any(other in command for other in STAGES if other not in (stage, "end"))
