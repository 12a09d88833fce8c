"""A chat answer of the gateway: of OpenAI's shape, the fields that a stage reads.

The gateway has read the provider's answer and checked its shape. What is unknown is ignored, and
null stands for what is missing.
"""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from daydream_contracts.gateway_http import CallReceipt


class AnswerPart(BaseModel):
    """A part of an answer."""

    model_config = ConfigDict(frozen=True)


class TokenAlternative(AnswerPart):
    """A token that the model could have chosen, and its log-probability."""

    token: str
    logprob: float


class ChosenToken(TokenAlternative):
    """A token of the answer, and its most probable alternatives."""

    top_logprobs: tuple[TokenAlternative, ...] | None = None


class AnswerLogprobs(AnswerPart):
    """The tokens of an answer."""

    content: tuple[ChosenToken, ...] | None = None


class AssistantMessage(AnswerPart):
    """What the model said."""

    content: str | None = None


class AnswerChoice(AnswerPart):
    """One answer. `finish_reason`: why it ends, e.g. "stop" or "length"."""

    message: AssistantMessage = AssistantMessage()
    finish_reason: str | None = None
    logprobs: AnswerLogprobs | None = None


class ChatCompletion(AnswerPart):
    """The answers to a request. A stage asks for one. `daydream`: what the call cost."""

    model: str = ""
    choices: tuple[AnswerChoice, ...] = ()
    daydream: CallReceipt | None = Field(default=None, description="see EXTENSION")


class TextVector(AnswerPart):
    """The vector of the text at a place of the request."""

    index: int
    embedding: tuple[float, ...]


class EmbeddingAnswer(AnswerPart):
    """The vectors of some texts, in any order."""

    data: tuple[TextVector, ...]
    daydream: CallReceipt
