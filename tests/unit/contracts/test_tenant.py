"""Names of a tenant: none of the table's remains, none is lost, and two tenants share none."""

from __future__ import annotations

import pytest

from daydream_contracts.permissions import USERS, permissions_of
from daydream_contracts.tenant import DAYDREAM, from_tenant, to_tenant, user_name
from daydream_contracts.topology import ENDPOINTS, ROUTES, STREAMS

SUBJECTS = sorted(
    {
        subject
        for user in USERS
        for subject in (*permissions_of(user).publish, *permissions_of(user).subscribe)
        if not subject.startswith("_INBOX")
    }
)
SHARED = {"$JS.API.INFO", "$JS.API.STREAM.NAMES"}  # ask about the account


@pytest.mark.parametrize("subject", SUBJECTS)
def test_a_subject_is_renamed_there_and_back(subject: str) -> None:
    renamed = to_tenant("acme").subject(subject)
    assert from_tenant("acme").subject(renamed) == subject
    assert (renamed == subject) == (subject in SHARED)
    assert "daydream" not in renamed


def test_two_tenants_share_no_name() -> None:
    acme, globex = to_tenant("acme"), to_tenant("globex")
    for subject in set(SUBJECTS) - SHARED:
        assert acme.subject(subject) != globex.subject(subject)
    for stream in STREAMS:
        assert acme.stream(stream.name) != globex.stream(stream.name)


def test_the_names_of_the_table_are_those_of_daydream_itself() -> None:
    names = to_tenant(DAYDREAM)
    for subject in SUBJECTS:
        assert names.subject(subject) == subject
    assert [names.stream(stream.name) for stream in STREAMS] == [row.name for row in STREAMS]


def test_users_have_the_name_of_their_tenant() -> None:
    assert (user_name(DAYDREAM, "memory"), user_name("acme", "memory")) == ("memory", "acme-memory")


@pytest.mark.parametrize(
    "subject", ["acme.of.another", "_INBOX_memory.abc", "$SYS.REQ", "daydream", "other.daydream.x"]
)
def test_other_subjects_stay(subject: str) -> None:
    assert to_tenant("globex").subject(subject) == subject


def test_only_the_bucket_is_renamed_in_a_key_also_if_the_key_has_its_name() -> None:
    key = "$KV.daydream-digests.acme.daydream.PAIRS"
    renamed = to_tenant("acme").subject(key)
    assert renamed == "$KV.acme-digests.acme.daydream.PAIRS"
    assert from_tenant("acme").subject(renamed) == key


def test_the_filter_of_a_new_consumer_is_renamed() -> None:
    subject = "$JS.API.CONSUMER.CREATE.PAIRS.synthesizer.daydream.pair.sampled"
    expected = "$JS.API.CONSUMER.CREATE.acme-PAIRS.synthesizer.acme.pair.sampled"
    assert to_tenant("acme").subject(subject) == expected


def test_a_document_of_the_api_is_renamed_and_its_texts_are_not() -> None:
    document = {
        "stream_name": "PAIRS",
        "config": {
            "name": "memory",
            "durable_name": "memory",
            "filter_subject": "daydream.verdict.reached",
            "subjects": ["daydream.pair.sampled"],
            "mirror": {"name": "LEDGER"},
            "description": "daydream.pair.sampled",
        },
        "message": {"subject": "$KV.daydream-calls-0.k", "data": "PAIRS", "seq": 7},
        "cluster": {"name": "daydream"},
    }
    renamed = to_tenant("acme").document(document)
    assert renamed == {
        "stream_name": "acme-PAIRS",
        "config": {
            "name": "memory",
            "durable_name": "memory",
            "filter_subject": "acme.verdict.reached",
            "subjects": ["acme.pair.sampled"],
            "mirror": {"name": "acme-LEDGER"},
            "description": "daydream.pair.sampled",
        },
        "message": {"subject": "$KV.acme-calls-0.k", "data": "PAIRS", "seq": 7},
        "cluster": {"name": "daydream"},
    }
    assert from_tenant("acme").document(renamed) == document


def test_messages_and_requests_go_under_the_tenants_name() -> None:
    subjects = [route.subject for route in ROUTES] + [row.subject for row in ENDPOINTS]
    for subject in subjects:
        assert to_tenant("acme").subject(subject).startswith("acme.")
