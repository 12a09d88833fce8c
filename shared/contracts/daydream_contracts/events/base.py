"""Define the base of all messages: frozen, tolerant of unknown fields, with derived ids."""

from __future__ import annotations

from typing import Literal
from uuid import UUID, uuid5

from pydantic import BaseModel, ConfigDict, GetCoreSchemaHandler
from pydantic_core import CoreSchema

from daydream_contracts.number_limits import bound_numbers

NAMESPACE = UUID("6f7c3f0e-2a51-5d0b-9a37-0d6c1f5b7f11")


def derive_id(*parts: str | int) -> str:
    """Return a UUID that depends on nothing but `parts`, in their order."""
    return str(uuid5(NAMESPACE, "\x1f".join(str(part) for part in parts)))


class ContractModel(BaseModel):
    """Base of every message and of everything inside one."""

    # Most processes use a few of these hundred models; each is built when it is first used.
    model_config = ConfigDict(frozen=True, extra="ignore", defer_build=True)

    @classmethod
    def __get_pydantic_core_schema__(
        cls, source: type[BaseModel], handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        """Bound every number that the field does not bound: no message holds a larger one."""
        schema = handler(source)
        bound_numbers(schema)
        return schema


class Payer(ContractModel):
    """Name the reservation that pays for a message, and its branch: the sample, or None for all."""

    reservation_id: str
    branch: int | None


class Message(ContractModel):
    """Base of all events: something that has happened."""

    version: Literal[1] = 1

    @property
    def message_id(self) -> str:
        """Return the derived id, which is also the `Nats-Msg-Id`."""
        raise NotImplementedError

    @property
    def payer(self) -> Payer | None:
        """Return who pays. A dead letter releases this reservation."""
        return None
