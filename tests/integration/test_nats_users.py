"""Each service may do what the table says, and nothing else: every other act is refused.

What is forbidden is worked out here from the rows of the table, not from the permissions.
"""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from nats.aio.client import Client

from daydream_contracts import grants
from daydream_contracts.buckets import BUCKETS, OBJECT_STORES, SETTINGS
from daydream_contracts.dead_letters import dead_letter_subject
from daydream_contracts.grants import BACKUP, PROVISION, SERVICES
from daydream_contracts.permissions import USERS, inbox_of, permissions_of
from daydream_contracts.topology import (
    CONSUMERS,
    ENDPOINTS,
    LEDGER,
    LEDGER_SUBJECT,
    ROUTES,
    STREAMS,
)
from daydream_runtime.nats_users import write_users
from support.guarded_server import GuardedServer
from support.polling import eventually

REFUSED = re.compile(r'(publish|subscription) to "([^"]+)"')
PATIENCE_S = 20.0


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GuardedServer]:
    server = GuardedServer(tmp_path_factory.mktemp("guarded"))
    server.start()
    server.provision()
    yield server
    server.kill()


def grants_by_stream() -> Iterator[tuple[str, grants.StoreGrant]]:
    yield from grants.STREAMS.items()
    yield from ((f"KV_{bucket.name}", grant) for bucket, grant in grants.BUCKETS.items())
    yield from ((f"OBJ_{name}", grant) for name, grant in grants.OBJECT_STORES.items())


def forbidden_messages(user: str) -> Iterator[str]:
    resent = {row.route.subject for row in CONSUMERS if row.message.__name__ != "VerdictReached"}
    for route in ROUTES:
        may = user in route.publishers or (user == "console" and route.subject in resent)
        if not may:
            yield route.subject
    if user != "budget":
        yield LEDGER_SUBJECT
    own = {row.route.stream for row in CONSUMERS if row.service == user}
    yield from (dead_letter_subject(name) for name in grants.STREAMS if name not in own)
    yield from (endpoint.subject for endpoint in ENDPOINTS if user not in grants.CALLERS[endpoint])
    yield from (subject for subject, who in grants.BETWEEN_REPLICAS.items() if user not in who)


def forbidden_requests(user: str, grant: grants.StoreGrant, *, objects: bool) -> Iterator[str]:
    """Yield what a user may not ask JetStream about a stream."""
    if user not in grant.readers:
        yield from ("STREAM.MSG.GET.{}", "DIRECT.GET.{}")
    if user not in grant.readers or not grant.scanned:
        yield from ("CONSUMER.CREATE.{}", "CONSUMER.CREATE.{}.mine", "CONSUMER.MSG.NEXT.{}.mine")
    if user not in grant.deleters:
        yield "STREAM.MSG.DELETE.{}"
    if user not in (grant.writers if objects else grant.purgers):
        yield "STREAM.PURGE.{}"
    if user != PROVISION:
        yield from ("STREAM.CREATE.{}", "STREAM.UPDATE.{}")
    yield "STREAM.DELETE.{}"
    if user != BACKUP:
        yield from ("STREAM.SNAPSHOT.{}", "STREAM.RESTORE.{}")


def forbidden_stores(user: str) -> Iterator[str]:
    for name, grant in grants_by_stream():
        requests = forbidden_requests(user, grant, objects=name.startswith("OBJ_"))
        yield from (f"$JS.API.{request.format(name)}" for request in requests)
    for bucket, grant in grants.BUCKETS.items():
        if user not in grant.writers:
            yield f"$KV.{bucket.name}.a-key"
    for store, grant in grants.OBJECT_STORES.items():
        if user not in grant.writers:
            yield from (f"$O.{store}.C.piece", f"$O.{store}.M.name")
    yield from (f"$KV.{SETTINGS.name}.{other}" for other in SERVICES if other != user)


def forbidden_consumers(user: str) -> Iterator[str]:
    for consumer in CONSUMERS:
        place = f"{consumer.route.stream}.{consumer.durable}"
        if consumer.service != user:
            yield f"$JS.API.CONSUMER.MSG.NEXT.{place}"
            yield f"$JS.ACK.{place}.1.1.1.1.0"
            yield f"$JS.API.CONSUMER.CREATE.{place}.{consumer.route.subject}"
            if user != PROVISION:
                yield f"$JS.API.CONSUMER.DURABLE.CREATE.{place}"
        yield f"$JS.API.CONSUMER.DELETE.{place}"


def forbidden_subscriptions(user: str) -> Iterator[str]:
    yield from (">", "_INBOX.>", "$JS.>", "$KV.>", "daydream.>")
    yield from (f"{inbox_of(other)}.>" for other in USERS if other != user)
    yield from (endpoint.subject for endpoint in ENDPOINTS if endpoint.service != user)
    if user not in grants.WATCHERS:
        yield from (route.subject for route in ROUTES)
    yield from (LEDGER_SUBJECT, *(dead_letter_subject(name) for name in grants.STREAMS))


async def complaints(client: Client, said: list[str], count: int) -> set[str]:
    """Return the subjects that the server refused, when it has answered to all or for too long."""
    with contextlib.suppress(TimeoutError):
        await eventually(lambda: len(said) >= count, PATIENCE_S)
    assert client.is_connected
    return {refusal[2] for text in said if (refusal := REFUSED.search(text))}


@pytest.mark.parametrize("user", USERS)
@pytest.mark.fault(
    "F28", invariant="every publish that the table does not allow is refused by a real server"
)
async def test_a_forbidden_publish_is_refused(guarded: GuardedServer, user: str) -> None:
    acts = {*forbidden_messages(user), *forbidden_stores(user), *forbidden_consumers(user)}
    acts |= {f"{inbox_of(other)}.reply" for other in USERS}  # a reply that no one asked for
    said: list[str] = []
    async with guarded.raw(user, said) as client:
        for subject in acts:
            await client.publish(subject, b"{}")
        refused = await complaints(client, said, len(acts))
    assert {subject.lower() for subject in acts} - refused == set()


@pytest.mark.parametrize("user", USERS)
@pytest.mark.fault("F28", invariant="every subscription that the table does not allow is refused")
async def test_a_forbidden_subscription_is_refused(guarded: GuardedServer, user: str) -> None:
    acts = set(forbidden_subscriptions(user))
    said: list[str] = []
    async with guarded.raw(user, said) as client:
        for subject in acts:
            await client.subscribe(subject)
        refused = await complaints(client, said, len(acts))
    assert {subject.lower() for subject in acts} - refused == set()


async def test_the_server_itself_replies_where_a_user_may_not_publish(
    guarded: GuardedServer,
) -> None:
    """A limit of NATS 2.15, which the docs name: permissions do not cover the subject of a reply.

    The ledger's readers refuse such a message, and stop grants until it is repaired.
    """
    said: list[str] = []
    async with guarded.raw("critic", said) as client, guarded.raw("budget", said) as budget:
        js = budget.jetstream()
        before = (await js.stream_info(LEDGER)).state.messages
        await client.publish("$JS.API.STREAM.INFO.PAIRS", b"", reply=LEDGER_SUBJECT)

        async def is_stored() -> bool:
            return (await js.stream_info(LEDGER)).state.messages == before + 1

        await eventually(is_stored, PATIENCE_S)
    assert said == []


async def test_a_push_consumer_delivers_where_a_user_may_not_publish(
    guarded: GuardedServer,
) -> None:
    """The same limit: who reads a stream may have the server send it to any subject."""
    said: list[str] = []
    verdict = next(route for route in ROUTES if route.stream == "VERDICTS")
    async with (
        guarded.raw("oracle", said) as oracle,
        guarded.raw("critic", said) as critic,
        guarded.raw("budget", said) as budget,
    ):
        await oracle.publish(verdict.subject, b"a verdict")
        js = budget.jetstream()
        before = (await js.stream_info(LEDGER)).state.messages
        config = {
            "deliver_subject": LEDGER_SUBJECT,
            "deliver_policy": "all",
            "ack_policy": "none",
            "inactive_threshold": 10**9,
        }
        request = json.dumps({"stream_name": verdict.stream, "config": config}).encode()
        await critic.publish(f"$JS.API.CONSUMER.CREATE.{verdict.stream}", request)

        async def is_stored() -> bool:
            return (await js.stream_info(LEDGER)).state.messages > before

        await eventually(is_stored, PATIENCE_S)
    assert said == []


def test_every_row_of_the_table_says_who_uses_it() -> None:
    assert set(grants.CALLERS) == set(ENDPOINTS)
    assert set(grants.STREAMS) == {stream.name for stream in STREAMS}
    assert set(grants.BUCKETS) == set(BUCKETS)
    assert set(grants.OBJECT_STORES) == set(OBJECT_STORES)
    named = {route.publishers for route in ROUTES} | set(grants.CALLERS.values())
    assert {service for services in named for service in services} <= set(SERVICES)


@pytest.mark.fault(
    "F28", invariant="only judges publish verdicts, only the budget writes the ledger"
)
def test_only_judges_publish_verdicts_and_only_the_budget_writes_the_ledger() -> None:
    def publishers(subject: str) -> set[str]:
        return {user for user in USERS if subject in permissions_of(user).publish}

    assert publishers("daydream.verdict.reached") == {"critic", "oracle"}
    assert publishers(LEDGER_SUBJECT) == {"budget"}


def test_an_unknown_user_has_no_permissions() -> None:
    with pytest.raises(ValueError, match="no user 'nobody'"):
        permissions_of("nobody")


def test_keys_are_private_and_kept(tmp_path: Path) -> None:
    first = write_users(tmp_path / "keys").read_text()
    files = list((tmp_path / "keys").glob("*.nk"))
    assert sorted(file.stem for file in files) == sorted(USERS)
    assert {file.stat().st_mode & 0o777 for file in files} == {0o600}
    assert not any(file.read_text() in first for file in files)
    assert write_users(tmp_path / "keys").read_text() == first
