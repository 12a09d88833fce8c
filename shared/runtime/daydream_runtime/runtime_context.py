"""Give a service's collaborators what they need: the connection, and what hangs on it.

See `application` for how a service is built.
"""

from __future__ import annotations

from nats.aio.client import Client
from nats.js import JetStreamContext
from nats.js.kv import KeyValue

from daydream_contracts.buckets import Bucket
from daydream_runtime.lifecycle import Lifecycle
from daydream_runtime.publish_retry import PUBLISH_TIMEOUT_S
from daydream_runtime.publisher import EventPublisher
from daydream_runtime.rpc import RpcClient
from daydream_runtime.settings import ServiceSettings
from daydream_runtime.telemetry import Telemetry, trace_headers


class Runtime:
    """Hold the connection of one service, and its hold on the process.

    `pause` waits for seconds, or until `stopping` is set. `restart` ends the process in order, so
    that its supervisor starts it again.
    """

    def __init__(
        self,
        settings: ServiceSettings,
        nc: Client,
        telemetry: Telemetry,
        publisher: EventPublisher,
        lifecycle: Lifecycle,
    ) -> None:
        self.settings = settings
        self.nc = nc
        self.js: JetStreamContext = nc.jetstream(timeout=PUBLISH_TIMEOUT_S)
        self.telemetry = telemetry
        self.rpc = RpcClient(nc, headers=trace_headers)
        self.publish = publisher.publish
        self.stopping = lifecycle.stopping
        self.restart = lifecycle.restart
        self.pause = lifecycle.pause

    async def bucket(self, bucket: Bucket) -> KeyValue:
        """Open one of the table's key-value buckets."""
        return await self.js.key_value(bucket.name)
