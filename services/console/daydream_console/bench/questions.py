"""What the benchmark itself asks a model, and how the answers are kept.

Each question has a key that derives from its words, its vote and the model, so a question that was
answered before is not paid for again, and a record can answer it without a model.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from daydream_contracts.errors import ConfigurationError
from daydream_contracts.events import derive_id
from daydream_models.prompt import Prompt

Messages = tuple[dict[str, str], ...]


@dataclass(frozen=True)
class BenchQuestion:
    """A filled prompt, asked for the `vote`-th time."""

    prompt: Prompt
    messages: Messages
    output_tokens_max: int
    temperature: float
    vote: int = 0

    def key(self, model: str) -> str:
        """Return its key. Another model, word or vote gives another one."""
        texts = [message["content"] for message in self.messages]
        return derive_id("bench", model, self.prompt.ref.digest, *texts, self.vote)


Ask = Callable[[BenchQuestion], Awaitable[str]]


def recorded(answers: Mapping[str, str], model: str) -> Ask:
    """Return what answers from a record. It raises ConfigurationError for a missing answer."""

    async def ask(question: BenchQuestion) -> str:
        try:
            return answers[question.key(model)]
        except KeyError:
            raise ConfigurationError(
                f"The record has no answer to a question of {question.prompt.name}",
                "It was made with other prompts or notes: replay it with its own version, or run "
                "the benchmark again",
            ) from None

    return ask
