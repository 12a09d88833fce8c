"""What to do about an error of NATS: one table, by the error codes of JetStream.

The codes are those of nats-server 2.15 (`server/errors.json`). Listed are the ones that a publish,
a read, or the provisioning can get, from one server or from a cluster. A code that is not listed is
judged by its HTTP status.

A cluster gives errors that one server never does. 10158: the first copy of a message is still being
replicated, so the second one is refused; 32 of 60 concurrent duplicates met it on three nodes.
10008, 10009, 10163: there is no leader, or no quorum, at the moment.
"""

from __future__ import annotations

from enum import StrEnum

import nats.errors
import nats.js.errors

from daydream_runtime.nats_client import PermissionDeniedError


class BrokerErrorKind(StrEnum):
    """Say what helps against an error of NATS."""

    RETRY_LATER = "retry later"  # wait, and do the same again
    PUBLISH_AGAIN = "publish again"  # another writer was faster: read, decide, then publish
    CONFIGURATION = "configuration"  # the message is fine; a person must change NATS or a setting
    BUG = "bug"  # the request is wrong, and stays wrong


RETRY_LATER, PUBLISH_AGAIN = BrokerErrorKind.RETRY_LATER, BrokerErrorKind.PUBLISH_AGAIN
CONFIGURATION, BUG = BrokerErrorKind.CONFIGURATION, BrokerErrorKind.BUG

STREAM_FULL = 10077  # "maximum messages exceeded" under discard=new, or the disk refused a write
DUPLICATE_IN_PROCESS = 10158
STORAGE_EXCEEDED = 10047
NAME_IN_USE = 10058
STREAM_NOT_FOUND = 10059

KIND_OF_CODE: dict[int, BrokerErrorKind] = {
    10002: CONFIGURATION,  # resource limits exceeded for account
    10003: BUG,  # bad request
    10004: RETRY_LATER,  # incomplete results
    10005: RETRY_LATER,  # no suitable peers for placement: a node may be away
    10006: CONFIGURATION,  # JetStream not in clustered mode
    10007: RETRY_LATER,  # JetStream cluster not assigned to this server
    10008: RETRY_LATER,  # JetStream system temporarily unavailable
    10009: RETRY_LATER,  # JetStream cluster can not handle request: no quorum, or not the leader
    10010: CONFIGURATION,  # JetStream clustering support required
    10012: RETRY_LATER,  # consumer could not be created
    10014: CONFIGURATION,  # consumer not found
    10023: RETRY_LATER,  # insufficient resources
    10025: BUG,  # invalid JSON
    10026: CONFIGURATION,  # maximum consumers limit reached
    10027: CONFIGURATION,  # maximum number of streams reached
    10028: CONFIGURATION,  # insufficient memory resources available
    10035: CONFIGURATION,  # account not found
    10036: CONFIGURATION,  # not currently supported in clustered mode
    10037: BUG,  # no message found: the caller handles what may be missing
    10039: CONFIGURATION,  # JetStream not enabled for account
    10041: RETRY_LATER,  # raft error
    STORAGE_EXCEEDED: CONFIGURATION,  # insufficient storage resources available
    10048: RETRY_LATER,  # stream assignment failed
    10049: RETRY_LATER,  # stream could not be created
    10051: RETRY_LATER,  # general stream error
    10052: BUG,  # invalid stream configuration
    10053: CONFIGURATION,  # stream limits
    10054: BUG,  # message size exceeds maximum allowed
    10057: BUG,  # message delete failed: the history is sealed
    NAME_IN_USE: CONFIGURATION,  # stream name already in use with a different configuration
    STREAM_NOT_FOUND: CONFIGURATION,  # stream not found
    10060: BUG,  # expected stream does not match
    10063: RETRY_LATER,  # expected stream sequence does not match: the stream is being restored
    10065: CONFIGURATION,  # subjects overlap with an existing stream
    10069: RETRY_LATER,  # stream could not be updated
    10070: PUBLISH_AGAIN,  # wrong last message id
    10071: PUBLISH_AGAIN,  # wrong last sequence: N
    10074: CONFIGURATION,  # replicas > 1 not supported in non-clustered mode
    10075: RETRY_LATER,  # peer remap failed
    10076: CONFIGURATION,  # JetStream not enabled
    STREAM_FULL: RETRY_LATER,
    10096: RETRY_LATER,  # stream not valid: it is being closed or moved
    10097: BUG,  # header size exceeds maximum allowed of 64k
    10104: RETRY_LATER,  # consumer store could not be created
    10109: BUG,  # invalid operation on sealed stream
    10110: RETRY_LATER,  # purge failed
    10113: CONFIGURATION,  # account requires a stream config to have max bytes set
    10118: RETRY_LATER,  # stream is offline
    10119: RETRY_LATER,  # consumer is offline
    10120: CONFIGURATION,  # no JetStream default or applicable tiered limit present
    10122: CONFIGURATION,  # stream max bytes exceeds account limit
    10124: RETRY_LATER,  # stream move already in progress
    DUPLICATE_IN_PROCESS: RETRY_LATER,
    10163: RETRY_LATER,  # expected last sequence per subject temporarily unavailable
    10164: PUBLISH_AGAIN,  # wrong last sequence, of a cluster
    10167: RETRY_LATER,  # too many requests
    10185: CONFIGURATION,  # JetStream minimum api level required
    10194: RETRY_LATER,  # stream is offline, with a reason
    10195: RETRY_LATER,  # consumer is offline, with a reason
    10202: RETRY_LATER,  # cluster member change is in progress
    10226: RETRY_LATER,  # stream reconfiguration already in progress
}
RETRY_STATUSES = (408, 409, 425, 429)
WRONG_REQUESTS = (  # raised by the client, before anything is sent
    nats.errors.MaxPayloadError,
    nats.errors.BadSubjectError,
    nats.js.errors.InvalidKeyError,
    nats.js.errors.InvalidBucketNameError,
    nats.js.errors.InvalidObjectNameError,
    nats.js.errors.KeyHistoryTooLargeError,
)


def kind_of(error: BaseException) -> BrokerErrorKind | None:
    """Return what helps against this error; None if it is no error of NATS or its connection."""
    if isinstance(error, PermissionDeniedError):
        return CONFIGURATION
    if isinstance(error, nats.js.errors.KeyWrongLastSequenceError):
        return PUBLISH_AGAIN
    if isinstance(error, WRONG_REQUESTS):
        return BUG
    if isinstance(error, nats.js.errors.APIError):
        return _kind_of_answer(error)
    if isinstance(error, nats.errors.Error | ConnectionError | TimeoutError):
        return RETRY_LATER  # no answer, no responders, no stream answers, or no connection
    return None


def is_wrong_sequence(error: nats.js.errors.APIError) -> bool:
    """Return True if another writer was faster: the stream or key has grown since it was read."""
    return kind_of(error) is PUBLISH_AGAIN


def error_code(error: BaseException) -> int | None:
    """Return JetStream's error code. Some errors of nats-py are made without one."""
    return getattr(error, "err_code", None)


def _kind_of_answer(error: nats.js.errors.APIError) -> BrokerErrorKind:
    kind = KIND_OF_CODE.get(error_code(error) or 0)
    if kind is not None:
        return kind
    if isinstance(error, nats.js.errors.ServerError | nats.js.errors.ServiceUnavailableError):
        return RETRY_LATER
    status = getattr(error, "code", None) or 0
    return RETRY_LATER if status >= 500 or status in RETRY_STATUSES else BUG
