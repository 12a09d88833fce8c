"""Traps of the broker and its client that no other test steps into."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import ClassVar

import nats
import pytest
from nats.aio.client import Client
from nats.js import api

from daydream_contracts.topology import STREAMS
from daydream_runtime.broker import make_broker
from daydream_runtime.settings import ServiceSettings
from support.polling import eventually
from support.programs import NatsServer
from support.services import service


class TrapSettings(ServiceSettings):
    service: ClassVar[str] = "critic"


async def closed() -> None: ...


@pytest.mark.fault("F5 F6", invariant="a service reconnects for ever")
def test_a_service_never_gives_up_reconnecting() -> None:
    """After the client's default of 60 tries the process would spin, ignore SIGTERM and never
    recover.
    """
    assert make_broker(TrapSettings(), closed)._connection_kwargs["max_reconnect_attempts"] == -1


@pytest.mark.fault("F7", invariant="a frozen server is left for another within seconds")
def test_a_server_that_is_frozen_is_left_for_another_within_seconds() -> None:
    """Its connections stay open. nats-py's defaults would wait six minutes for it."""
    options = make_broker(TrapSettings(), closed)._connection_kwargs
    assert options["ping_interval"] * (options["max_outstanding_pings"] + 1) <= 15


async def test_a_key_can_be_created_again_after_its_time_is_up(nc: Client) -> None:
    """With a limit marker (`limit_marker_ttl`) it could not: so none of our buckets has one."""
    js = nc.jetstream()
    bucket = await js.create_key_value(
        api.KeyValueConfig(bucket="short", history=1, ttl=0.5, direct=True)
    )
    await bucket.create("key", b"first")

    async def is_created() -> bool:
        # the second error: it expired between the refusal and nats-py's look at it
        errors = (nats.js.errors.KeyWrongLastSequenceError, nats.js.errors.KeyNotFoundError)
        with contextlib.suppress(*errors):
            await bucket.create("key", b"second")
            return True
        return False

    await eventually(is_created)
    assert (await bucket.get("key")).value == b"second"


async def test_a_service_that_starts_leaves_the_limits_of_streams_alone(
    server: NatsServer, nc: Client, tmp_path: Path
) -> None:
    """FastStream resets them when a subscriber names a stream without saying `declare=False`."""
    with service("memory", server.url, tmp_path):
        for stream in STREAMS:
            config = (await nc.jetstream().stream_info(stream.name)).config
            assert (config.max_msgs, config.max_bytes, config.max_age) == (
                stream.messages_max,
                stream.bytes_max,
                stream.age_max_s,
            )
            assert tuple(config.subjects or ()) == stream.subjects
