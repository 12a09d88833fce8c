"""Create the streams, consumers and buckets of the table: a step before the services start.

`daydream-provision` does it in a cluster, and `daydream up` itself on one machine. It may run at
any time and any number of times. Services create nothing: they wait until it has run (`wait_for`).

The generation of the table is stored in the bucket `daydream-topology`. An older program changes
nothing that a newer one made: during an upgrade the pods and jobs of both run side by side.

A stream or consumer that exists with other settings is updated to the table. FastStream and
nats-py ignore such drift silently, and a plain stream name would even reset a stream's limits. So
this is done with nats-py, and FastStream gets `declare=False`. Copies are added where there are
fewer than wanted, and never removed.

Nothing allows direct reads, which any replica of a stream answers. On three nodes 3 of 234 such
reads did not find a value that was acknowledged before, and one gave an old value. Here "not found"
means "never paid", "never drawn" or "never failed". `KeyValue.get` of nats-py 2.16 asks
`$JS.API.DIRECT.GET` if the bucket's stream allows direct reads, otherwise `$JS.API.STREAM.MSG.GET`.
The latter is answered by the stream's leader alone (`jsMsgGetRequest` in nats-server), and so are
`get_msg` and the information about objects in object stores.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from dataclasses import replace

import nats.errors
from nats.aio.client import Client
from nats.js import JetStreamContext
from nats.js.errors import (
    APIError,
    KeyNotFoundError,
    NotFoundError,
    ServerError,
    ServiceUnavailableError,
)
from tenacity import AsyncRetrying, before_sleep_log, retry_if_exception, wait_fixed

from daydream_contracts.buckets import BUCKETS, OBJECT_STORES, TOPOLOGY
from daydream_contracts.errors import ConfigurationError
from daydream_contracts.topology import (
    CONSUMERS,
    GENERATION,
    STAGE_MESSAGES,
    STAGE_STREAMS,
    STREAMS,
)
from daydream_runtime.broker_errors import (
    RETRY_LATER,
    STORAGE_EXCEEDED,
    STREAM_NOT_FOUND,
    error_code,
    kind_of,
)
from daydream_runtime.jetstream_objects import (
    ensure_bucket,
    ensure_consumer,
    ensure_objects,
    ensure_stream,
)
from daydream_runtime.nats_client import PermissionDeniedError

log = logging.getLogger(__name__)
GIB = 1 << 30
RETRY_S = 0.5
CHECK_TIMEOUT_S = 5.0
GENERATION_KEY = "generation"


async def provision_when_ready(
    nc: Client, replicas: int, stage_messages: int = STAGE_MESSAGES
) -> int:
    """Provision, and wait for a JetStream that is still starting. Return the generation in force.

    Raise ConfigurationError if the server refuses a stream, or has fewer copies than wanted.
    """
    retrying = AsyncRetrying(
        retry=retry_if_exception(_is_starting),
        wait=wait_fixed(RETRY_S),
        before_sleep=before_sleep_log(log, logging.INFO),
    )
    try:
        return await retrying(provision, nc, replicas=replicas, stage_messages=stage_messages)
    except PermissionDeniedError as error:
        raise ConfigurationError(
            str(error).partition(": ")[0],
            "Provision with the key of the user provision, which daydream-nats-users writes; after "
            "an upgrade, write the users again",
        ) from None
    except APIError as error:
        raise _configuration_error(error) from None


def _is_starting(error: BaseException) -> bool:
    """Return True if the same again will help.

    A stream that another service creates at this moment is both in use and not found, in a cluster.
    """
    return kind_of(error) is RETRY_LATER or error_code(error) == STREAM_NOT_FOUND


def _configuration_error(error: APIError) -> ConfigurationError:
    problem = f"NATS refuses a stream: {error.description} (code {error_code(error)})"
    if error_code(error) != STORAGE_EXCEEDED:
        return ConfigurationError(problem, "Check its JetStream settings and permissions")
    maxima = [stream.bytes_max for stream in STREAMS] + [bucket.bytes_max for bucket in BUCKETS]
    needed = sum(max(0, maximum) for maximum in maxima) / GIB
    return ConfigurationError(
        problem,
        f"The streams may grow to {needed:.1f} GiB on each server: free that space, "
        "or raise max_file_store in the server's configuration",
    )


async def provision(nc: Client, *, replicas: int, stage_messages: int = STAGE_MESSAGES) -> int:
    """Create or update everything in the table. Return the generation that is in force.

    `stage_messages`: how many messages each of `STAGE_STREAMS` holds. Fewer than before remove
    none: a stream that holds more refuses new ones until enough are taken.

    Change nothing if a newer program has provisioned. Raise the server's error if it refuses.
    """
    js = nc.jetstream(timeout=10)
    generation = await generation_of(js)
    if generation > GENERATION:
        log.warning(
            "the streams are those of a newer version (generation %d, this one has %d): "
            "nothing is changed",
            generation,
            GENERATION,
        )
        return generation
    for stream in STREAMS:
        sized = replace(stream, messages_max=stage_messages)
        await ensure_stream(js, sized if stream.name in STAGE_STREAMS else stream, replicas)
    for bucket in BUCKETS:
        await ensure_bucket(js, bucket, replicas)
    for name in OBJECT_STORES:
        await ensure_objects(js, name, replicas)
    for consumer in CONSUMERS:
        await ensure_consumer(js, consumer)
    await (await js.key_value(TOPOLOGY.name)).put(GENERATION_KEY, str(GENERATION).encode())
    return GENERATION


async def generation_of(js: JetStreamContext) -> int:
    """Return the generation that was provisioned last, 0 if there is none yet."""
    try:
        entry = await (await js.key_value(TOPOLOGY.name)).get(GENERATION_KEY)
    except (NotFoundError, KeyNotFoundError):
        return 0
    return int(entry.value or 0)


async def wait_for(nc: Client, pause: Callable[[float], Awaitable[None]]) -> None:
    """Wait until the table of this program, or a newer one, was provisioned.

    `pause` ends with a stop of the service, which cancels its start.
    """
    js = nc.jetstream(timeout=CHECK_TIMEOUT_S)
    reported = ""
    while (reason := await _missing(js)) is not None:
        if reason != reported:
            log.info("waiting: %s", reason)
            reported = reason
        await pause(RETRY_S)


async def _missing(js: JetStreamContext) -> str | None:
    """Return what keeps a service from starting, None if nothing does."""
    try:
        return await _difference(js)
    except PermissionDeniedError as error:
        return str(error)
    except (nats.errors.Error, ServerError, ServiceUnavailableError) as error:
        return f"JetStream does not answer ({str(error) or type(error).__name__})"


async def _difference(js: JetStreamContext) -> str | None:
    generation = await generation_of(js)
    if generation < GENERATION:
        return (
            f"the streams are of generation {generation}, and this version needs {GENERATION}: "
            "run daydream-provision"
        )
    for stream in STREAMS:
        try:
            await js.stream_info(stream.name)
        except NotFoundError:
            return f"the stream {stream.name} is missing: run daydream-provision"
    return None
