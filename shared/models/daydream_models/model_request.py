"""What a stage asks a model, and what it gets back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from pydantic import BaseModel

from daydream_contracts.events import ModelCall
from daydream_models.prompt import Prompt

AnswerT = TypeVar("AnswerT", bound=BaseModel)
Messages = tuple[dict[str, str], ...]
ALTERNATIVES = 10  # of a token, where their probabilities are asked for


@dataclass(frozen=True)
class ModelRequest:
    """A prompt that is filled in, and the reservation that pays for its answer.

    `key` names the request: the same key with the same prompt and model is the same call, whatever
    its messages, and is paid for once.
    """

    key: str
    reservation_id: str
    prompt: Prompt
    messages: Messages
    output_tokens_max: int
    temperature: float
    repair: bool = True
    alternatives: int = ALTERNATIVES


@dataclass(frozen=True)
class ModelReply(Generic[AnswerT]):
    """The answer to a request.

    `value` is None if it could not be read, not even after the repair; `text` is the raw text of
    the last answer. `expected` holds its numbers as expectations over token probabilities, by their
    keys, where the server gives these. `filtered` is what the provider said if its content filter
    refused the request or ended the answer. `letters`: the probability of each capital letter,
    where the answer is one.
    """

    value: AnswerT | None
    text: str
    calls: tuple[ModelCall, ...]
    expected: Mapping[str, float] = field(default_factory=dict)
    filtered: str = ""
    letters: Mapping[str, float] = field(default_factory=dict)

    @property
    def model(self) -> str:
        """Return the name of the model that answered; empty if none did."""
        return self.calls[-1].model if self.calls else ""
