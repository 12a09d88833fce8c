"""Who we are at NATS is taken out of its address, and decoded."""

from __future__ import annotations

import pytest

from daydream_contracts.errors import ConfigurationError
from daydream_runtime.comma_list import split_list
from daydream_runtime.nats_url import NatsAddress, refused


@pytest.mark.parametrize(
    ("setting", "expected"),
    [
        ("nats://127.0.0.1:4222", NatsAddress(("nats://127.0.0.1:4222",))),
        ("nats", NatsAddress(("nats://nats",))),
        ("nats://a:4222, nats://b:4222,", NatsAddress(("nats://a:4222", "nats://b:4222"))),
        (
            "tls://lab:p%25ss%2Fw%40rd@a:4222",
            NatsAddress(("tls://a:4222",), user="lab", password="p%ss/w@rd"),
        ),
        ("nats://lab:@a", NatsAddress(("nats://a",), user="lab", password="")),
        ("nats://t%2Bken@a,nats://b", NatsAddress(("nats://a", "nats://b"), token="t+ken")),
        ("nats://lab:x@[::1]:4222", NatsAddress(("nats://[::1]:4222",), user="lab", password="x")),
    ],
)
def test_secrets_are_taken_out_and_decoded(setting: str, expected: NatsAddress) -> None:
    address = NatsAddress.of(split_list(setting))
    assert address == expected
    assert str(address) == ",".join(expected.servers)


def test_different_secrets_are_refused_because_one_alone_can_be_sent() -> None:
    with pytest.raises(ConfigurationError, match="different"):
        NatsAddress.of(["nats://a:1@x", "nats://a:2@y"])


def test_a_refusal_is_told_from_other_trouble() -> None:
    assert refused(Exception("nats: 'Authorization Violation'"))
    assert not refused(TimeoutError())
