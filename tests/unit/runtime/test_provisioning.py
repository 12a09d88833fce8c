"""What a service does when its streams can't be made yet."""

from __future__ import annotations

from typing import cast

import pytest
from nats.aio.client import Client
from nats.js.errors import NotFoundError

from daydream_contracts.errors import ConfigurationError
from daydream_runtime import provisioning
from daydream_runtime.broker_errors import STREAM_NOT_FOUND

CONSUMER_NOT_FOUND = 10014


class FakeRefusals:
    """Refuse to provision twice."""

    def __init__(self, code: int) -> None:
        self.tries = 0
        self._code = code

    async def __call__(self, _: Client, *, replicas: int, stage_messages: int) -> None:
        self.tries += 1
        if self.tries <= 2:
            raise NotFoundError(code=404, err_code=self._code, description="not found")


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(provisioning, "RETRY_S", 0.0)  # the waits are not what is tested


async def provision_with(refusals: FakeRefusals, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(provisioning, "provision", refusals)  # only a cluster has this moment
    await provisioning.provision_when_ready(cast(Client, None), replicas=3)


async def test_a_stream_that_another_service_is_creating_is_waited_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    refusals = FakeRefusals(STREAM_NOT_FOUND)
    await provision_with(refusals, monkeypatch)
    assert refusals.tries == 3


async def test_another_refusal_is_a_wrong_configuration(monkeypatch: pytest.MonkeyPatch) -> None:
    refusals = FakeRefusals(CONSUMER_NOT_FOUND)
    with pytest.raises(ConfigurationError, match="10014"):
        await provision_with(refusals, monkeypatch)
    assert refusals.tries == 1
