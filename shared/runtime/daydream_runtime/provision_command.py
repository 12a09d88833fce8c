"""daydream-provision: make the streams, consumers and buckets, then exit.

It is a program apart from the services, because it needs rights that none of them has. A job runs
it before an installation and before each upgrade; running it again changes nothing.

Exit codes: 0 done, or a newer version has done it; 2 for a wrong setting or a refusal of the
server, with one line that names the fix.
"""

from __future__ import annotations

import asyncio
import logging
import sys
from typing import ClassVar, NoReturn

from pydantic import Field

from daydream_contracts.errors import ConfigurationError
from daydream_contracts.topology import GENERATION, STAGE_MESSAGES
from daydream_runtime.lifecycle import EXIT_CONFIGURATION
from daydream_runtime.nats_connection import open_connection
from daydream_runtime.nats_url import NatsAddress
from daydream_runtime.provisioning import provision_when_ready
from daydream_runtime.service_log import start_logging
from daydream_runtime.settings import ServiceSettings

log = logging.getLogger(__name__)


class ProvisionSettings(ServiceSettings):
    """The settings of `daydream-provision`."""

    service: ClassVar[str] = "provision"

    stream_replicas: int = Field(
        1, ge=1, le=5, description="copies of every stream: 1 on one machine, 3 in a cluster"
    )
    stage_messages: int = Field(
        STAGE_MESSAGES,
        ge=STAGE_MESSAGES,
        le=100_000,
        description="messages that the stream of a stage holds: at least twice the calls in flight"
        " of all replicas of the largest stage",
    )


async def provision_at(
    address: NatsAddress, replicas: int, stage_messages: int = STAGE_MESSAGES
) -> int:
    """Connect, provision and disconnect. Return the generation in force.

    Wait for a JetStream that is still starting. Raise ConfigurationError if the server can't be
    reached, or refuses.
    """
    nc = await open_connection(address)
    try:
        return await provision_when_ready(nc, replicas, stage_messages)
    finally:
        await nc.close()


def main() -> NoReturn:
    """Provision as the settings say, and exit."""
    code = 0
    try:
        settings = ProvisionSettings.read()
        start_logging(settings.service, settings.instance, settings.log_level)
        generation = asyncio.run(
            provision_at(settings.nats_address, settings.stream_replicas, settings.stage_messages)
        )
        if generation == GENERATION:
            log.info("streams, consumers and buckets are those of generation %d", generation)
    except ConfigurationError as error:
        sys.stderr.write(f"daydream-provision: {error.problem}. {error.fix}\n")
        code = EXIT_CONFIGURATION
    sys.exit(code)


if __name__ == "__main__":
    main()
