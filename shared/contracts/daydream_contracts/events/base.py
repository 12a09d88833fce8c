"""What every message has: parts are frozen and ignore what they do not know; ids are derived."""

from __future__ import annotations

from typing import Literal
from uuid import UUID, uuid5

from pydantic import BaseModel, ConfigDict

NAMESPACE = UUID("6f7c3f0e-2a51-5d0b-9a37-0d6c1f5b7f11")
NANOUSD_PER_USD = 1_000_000_000


def derive_id(*parts: str | int) -> str:
    """A UUID that depends on nothing but `parts`, in their order."""
    return str(uuid5(NAMESPACE, "\x1f".join(str(part) for part in parts)))


class ContractModel(BaseModel):
    """Something inside a message."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class Payer(ContractModel):
    """Which reservation pays for a message, and which of its ways (the sample) the message is on; None means all of them."""

    reservation_id: str
    branch: int | None


class Message(ContractModel):
    """An event: something that has happened."""

    version: Literal[1] = 1

    @property
    def message_id(self) -> str:
        """The derived id, which is also the `Nats-Msg-Id`."""
        raise NotImplementedError

    @property
    def payer(self) -> Payer | None:
        """Who pays; the failure middleware closes this when the message becomes a dead letter."""
        return None
