"""Release the reservation of a dead letter: only verdicts and dead letters end a daydream."""

from __future__ import annotations

import logging

from daydream_contracts.errors import RetryLaterError
from daydream_contracts.events import Message
from daydream_contracts.rpc import ReleaseReservation
from daydream_contracts.topology import BUDGET_RELEASE
from daydream_runtime.rpc import RpcClient

log = logging.getLogger(__name__)


async def release_reservation(rpc: RpcClient, event: Message) -> None:
    """Release the branch that pays for the event. Idempotent.

    If the budget service does not answer, log it: the reservation expires by itself.
    """
    payer = event.payer
    if payer is None:
        return
    try:
        await rpc.request(
            BUDGET_RELEASE,
            ReleaseReservation(reservation_id=payer.reservation_id, branch=payer.branch),
        )
    except RetryLaterError as error:
        log.warning("a reservation stays open until it expires: %s", error)
