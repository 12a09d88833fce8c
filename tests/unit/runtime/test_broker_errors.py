"""Every error of NATS has one meaning, also those that only a cluster gives."""

from __future__ import annotations

import nats.errors
import nats.js.errors
import pytest

from daydream_runtime.broker_errors import (
    BUG,
    CONFIGURATION,
    KIND_OF_CODE,
    PUBLISH_AGAIN,
    RETRY_LATER,
    BrokerErrorKind,
    is_wrong_sequence,
    kind_of,
)
from daydream_runtime.publish_retry import retry_while_in_process


def answer(status: int, code: int) -> nats.js.errors.APIError:
    """Return the error that nats-py makes of JetStream's answer."""
    try:
        nats.js.errors.APIError.from_error({"code": status, "err_code": code, "description": ""})
    except nats.js.errors.APIError as error:
        return error
    raise AssertionError


@pytest.mark.parametrize(
    ("status", "code", "kind"),
    [
        (503, 10008, RETRY_LATER),  # temporarily unavailable
        (500, 10009, RETRY_LATER),  # no quorum
        (503, 10023, RETRY_LATER),  # insufficient resources
        (503, 10077, RETRY_LATER),  # the stage is full
        (409, 10158, RETRY_LATER),  # the first copy is still being replicated
        (503, 10163, RETRY_LATER),
        (429, 10167, RETRY_LATER),
        (500, 10118, RETRY_LATER),  # the stream is offline
        (400, 10071, PUBLISH_AGAIN),
        (400, 10164, PUBLISH_AGAIN),  # the same, of a cluster
        (503, 10039, CONFIGURATION),
        (500, 10047, CONFIGURATION),
        (404, 10059, CONFIGURATION),
        (500, 10074, CONFIGURATION),
        (503, 10076, CONFIGURATION),
        (400, 10003, BUG),
        (404, 10037, BUG),
        (400, 10054, BUG),
        (400, 10060, BUG),
    ],
)
def test_a_code_of_jetstream_has_its_row(status: int, code: int, kind: BrokerErrorKind) -> None:
    assert code in KIND_OF_CODE
    assert kind_of(answer(status, code)) is kind


@pytest.mark.parametrize(
    ("status", "kind"),
    [(500, RETRY_LATER), (503, RETRY_LATER), (408, RETRY_LATER), (409, RETRY_LATER), (400, BUG)],
)
def test_an_unknown_code_is_judged_by_its_status(status: int, kind: BrokerErrorKind) -> None:
    assert kind_of(answer(status, 19_999)) is kind


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (nats.js.errors.NoStreamResponseError(), RETRY_LATER),
        (nats.errors.NoRespondersError(), RETRY_LATER),
        (nats.errors.TimeoutError(), RETRY_LATER),
        (nats.errors.ConnectionClosedError(), RETRY_LATER),
        (ConnectionResetError(), RETRY_LATER),
        (TimeoutError(), RETRY_LATER),
        (nats.js.errors.KeyWrongLastSequenceError("wrong last sequence: 3"), PUBLISH_AGAIN),
        (nats.js.errors.KeyNotFoundError(), BUG),
        (nats.js.errors.ServiceUnavailableError(), RETRY_LATER),  # made without a code
        (nats.errors.MaxPayloadError(), BUG),
        (nats.js.errors.InvalidKeyError(), BUG),
        (ValueError(), None),
        (KeyError(), None),
    ],
    ids=repr,
)
def test_an_error_of_the_client_has_its_kind(
    error: Exception, kind: BrokerErrorKind | None
) -> None:
    assert kind_of(error) is kind


def test_a_lost_race_is_recognized_on_one_server_and_on_a_cluster() -> None:
    assert is_wrong_sequence(answer(400, 10071))
    assert is_wrong_sequence(answer(400, 10164))
    assert is_wrong_sequence(nats.js.errors.KeyWrongLastSequenceError())
    assert not is_wrong_sequence(answer(409, 10158))


async def test_a_publish_is_repeated_while_its_first_copy_is_being_replicated() -> None:
    answers = [answer(409, 10158), answer(409, 10158)]

    @retry_while_in_process
    async def publish() -> str:
        if answers:
            raise answers.pop()
        return "stored"

    assert await publish() == "stored"


async def test_a_publish_that_fails_for_another_reason_is_not_repeated() -> None:
    tries = 0

    @retry_while_in_process
    async def publish() -> None:
        nonlocal tries
        tries += 1
        raise answer(503, 10077)

    with pytest.raises(nats.js.errors.ServiceUnavailableError):
        await publish()
    assert tries == 1
