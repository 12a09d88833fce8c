"""The lag by which KEDA scales, read from a real NATS as KEDA 2.20 reads it."""

from __future__ import annotations

import json
from math import ceil
from typing import Any
from urllib.parse import urlencode

import pytest
from nats.aio.client import Client

from daydream_console.local.http_get import get
from daydream_contracts.topology import CONSUMERS
from deploy.environment import PAID
from deploy.programs import Helm, named
from support.programs import NatsServer

PUBLISHED, TAKEN = 7, 3


def lag_of(server: NatsServer, metadata: dict[str, str]) -> int:
    """Return pending and unacknowledged messages, as the scaler `nats-jetstream` adds them up.

    It asks the monitoring endpoint for the account, and looks for stream and consumer by name.
    """
    query = urlencode({"acc": metadata["account"], "consumers": "true", "config": "true"})
    report: dict[str, Any] = json.loads(
        get(f"http://127.0.0.1:{server.monitor}/jsz?{query}", timeout_s=5)
    )
    (lag,) = (
        consumer["num_pending"] + consumer["num_ack_pending"]
        for account in report["account_details"]
        if account["name"] == metadata["account"]
        for stream in account["stream_detail"]
        if stream["name"] == metadata["stream"]
        for consumer in stream["consumer_detail"]
        if consumer["name"] == metadata["consumer"]
    )
    return int(lag)


@pytest.mark.parametrize("service", PAID)
async def test_pending_messages_and_those_in_progress_are_the_lag(
    helm: Helm, server: NatsServer, nc: Client, service: str
) -> None:
    endpoint = f"keda.monitoringEndpoint=127.0.0.1:{server.monitor}"
    scaled = named(helm.render("keda.enabled=true", endpoint), "ScaledObject")[service]["spec"]
    metadata = scaled["triggers"][0]["metadata"]
    assert lag_of(server, metadata) == 0
    (row,) = [row for row in CONSUMERS if row.service == service]
    js = nc.jetstream()
    for number in range(PUBLISHED):
        await js.publish(row.route.subject, str(number).encode())
    taking = await js.pull_subscribe_bind(row.durable, row.route.stream)
    assert len(await taking.fetch(TAKEN)) == TAKEN
    assert lag_of(server, metadata) == PUBLISHED
    pods = ceil(PUBLISHED / int(metadata["lagThreshold"]))
    assert scaled["minReplicaCount"] < pods <= scaled["maxReplicaCount"]
