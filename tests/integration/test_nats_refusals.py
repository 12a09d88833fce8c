"""A missing permission is named: user, subject and fix, wherever it shows."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import ClassVar

import pytest

from daydream_contracts.errors import ConfigurationError, RetryLaterError
from daydream_contracts.events import HypothesisProposed
from daydream_contracts.grants import PROVISION
from daydream_contracts.rpc import EmptyRequest
from daydream_contracts.tenant import DAYDREAM
from daydream_contracts.topology import BUDGET_STATE, CONSUMERS, LEDGER_SUBJECT
from daydream_runtime import provisioning
from daydream_runtime.broker import connect, make_broker
from daydream_runtime.broker_errors import CONFIGURATION, kind_of
from daydream_runtime.consumer_watch import missing_consumer
from daydream_runtime.nats_client import PermissionDeniedError
from daydream_runtime.nats_connection import open_connection
from daydream_runtime.provision_command import provision_at
from daydream_runtime.provisioning import wait_for
from daydream_runtime.rpc import RpcClient
from daydream_runtime.settings import ServiceSettings
from support.guarded_server import GuardedServer
from support.polling import eventually

FIX = "ask the operator to run daydream-nats-users and to reload NATS"


class GuardedSettings(ServiceSettings):
    service: ClassVar[str] = "critic"


class StoppedError(Exception):
    """Raised instead of a pause."""


async def no_pause(_: float) -> None:
    raise StoppedError


async def closed() -> None: ...


@asynccontextmanager
async def guarded(
    folder: Path, *, tenant: str = DAYDREAM, without: str = ""
) -> AsyncIterator[GuardedServer]:
    """Run a server whose users lack one permission."""

    def remove(users: str) -> str:
        assert f'"{without}"' in users
        return users.replace(f'"{without}"', '"unused"')

    server = GuardedServer(folder, (tenant,), remove if without else str)
    server.start()
    try:
        yield server
    finally:
        server.kill()


async def test_a_request_that_is_refused_says_so_and_not_that_time_is_up(tmp_path: Path) -> None:
    async with guarded(tmp_path) as server:
        await provision_at(server.address(PROVISION), 1)
        nc = await open_connection(server.address("critic"))
        with pytest.raises(PermissionDeniedError) as refusal:
            await nc.jetstream(timeout=1).publish(LEDGER_SUBJECT, b"{}")
        await nc.close()
    expected = f"the NATS user critic may not publish to {LEDGER_SUBJECT}: {FIX}"
    assert str(refusal.value) == expected
    assert kind_of(refusal.value) is CONFIGURATION


async def test_an_endpoint_that_may_not_be_asked_is_no_service_that_is_silent(
    tmp_path: Path,
) -> None:
    async with guarded(tmp_path) as server:
        nc = await open_connection(server.address("sampler"))
        with pytest.raises(RetryLaterError, match=r"sampler may not publish to .*budget\.state"):
            await RpcClient(nc).request(BUDGET_STATE, EmptyRequest(), try_s=0.5)
        await nc.close()


async def test_a_service_that_may_not_look_at_its_streams_says_what_it_waits_for(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    missing = "$JS.API.STREAM.INFO.KV_daydream-topology"
    monkeypatch.setattr(provisioning, "CHECK_TIMEOUT_S", 0.5)  # a refusal shows when it is over
    async with guarded(tmp_path, without=missing) as server:
        nc = await open_connection(server.address("critic"))
        with caplog.at_level(logging.INFO), pytest.raises(StoppedError):
            await wait_for(nc, no_pause)
        await nc.close()
    assert f"waiting: the NATS user critic may not publish to {missing}: {FIX}" in caplog.text


async def test_the_job_that_provisions_names_the_user_it_needs(tmp_path: Path) -> None:
    async with guarded(tmp_path) as server:
        with pytest.raises(ConfigurationError, match="critic may not publish") as refusal:
            await provision_at(server.address("critic"), 1)
    assert "user provision" in refusal.value.fix


async def test_a_worker_that_may_not_pull_is_not_ready_and_says_why(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (consumer,) = [row for row in CONSUMERS if row.message is HypothesisProposed]
    pull = f"$JS.API.CONSUMER.MSG.NEXT.{consumer.route.stream}.{consumer.durable}"
    async with guarded(tmp_path, without=pull) as server:
        await provision_at(server.address(PROVISION), 1)
        settings = GuardedSettings(
            nats_url=server.url, nats_nkey_file=server.keys / "critic.nk", stop_timeout_s=1
        )
        broker = make_broker(settings, closed)
        connection = await connect(broker, settings)
        assert await missing_consumer(broker, [consumer]) is None
        subscription = await connection.jetstream().pull_subscribe_bind(
            consumer.durable, consumer.route.stream
        )
        with pytest.raises(TimeoutError):
            await subscription.fetch(1, timeout=0.2)

        async def is_named() -> bool:
            return pull in (await missing_consumer(broker, [consumer]) or "")

        await eventually(is_named)
        await broker.stop()
    assert f"the NATS user critic may not publish to {pull}" in caplog.text


async def test_a_refusal_names_a_tenants_user_and_subject(tmp_path: Path) -> None:
    async with guarded(tmp_path, tenant="acme") as server:
        await provision_at(server.address(PROVISION, "acme"), 1)
        nc = await open_connection(server.address("critic", "acme"))
        with pytest.raises(PermissionDeniedError, match="user acme-critic") as refusal:
            await nc.jetstream(timeout=1).publish(LEDGER_SUBJECT, b"{}")
        await nc.close()
    assert "acme.ledger.entries" in str(refusal.value)
