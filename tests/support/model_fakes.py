"""Fakes around a model client: a provider with scripted answers, a budget, a store of responses."""

from __future__ import annotations

from dataclasses import dataclass, field

from daydream_models.pricing.usage import TokenUsage
from daydream_models.provider import ChatRequest
from daydream_models.provider_answers import ProviderAnswer
from daydream_models.provider_errors import ModelCallError
from daydream_models.response_store import StoredResponse
from daydream_models.settings import ModelSettings

PROVIDER_ID = "chatcmpl-7"


@dataclass
class FakeProvider:
    """An endpoint that gives these answers one after the other."""

    answers: list[str | ModelCallError]
    usage: TokenUsage | None
    settings: ModelSettings = field(
        default_factory=lambda: ModelSettings(name="m", base_url="http://127.0.0.1:1/v1")
    )
    requests: list[ChatRequest] = field(default_factory=list)

    async def complete(self, request: ChatRequest) -> ProviderAnswer:
        """Return the next answer, or raise it."""
        self.requests.append(request)
        answer = self.answers.pop(0)
        if isinstance(answer, ModelCallError):
            raise answer
        return ProviderAnswer(answer, "stop", "m-2026", self.usage, PROVIDER_ID)


@dataclass
class FakeBudgetClient:
    """A budget that authorizes everything. Both records are by attempt id."""

    stage: str = "synthesizer"
    team: str = ""
    authorized: dict[str, int] = field(default_factory=dict)
    settled: dict[str, int | None] = field(default_factory=dict)
    provider_ids: list[str] = field(default_factory=list)

    async def authorize(
        self, reservation_id: str, call_id: str, upper_bound_nanousd: int, lifetime_s: float
    ) -> str:
        """Authorize an attempt."""
        attempt_id = f"{call_id}:{len(self.authorized) + 1}"
        self.authorized[attempt_id] = upper_bound_nanousd
        return attempt_id

    async def settle(
        self,
        attempt_id: str,
        cost_nanousd: int | None,
        input_tokens: int | None = None,
        output_tokens: int | None = None,
        provider_id: str = "",
    ) -> None:
        """Settle an attempt once; a second time has no effect."""
        if attempt_id not in self.settled:
            self.settled[attempt_id] = cost_nanousd
            self.provider_ids.append(provider_id)


@dataclass
class FakeResponseStore:
    """Stored responses by call id."""

    stored: dict[str, StoredResponse] = field(default_factory=dict)

    async def find(self, call_id: str) -> StoredResponse | None:
        """Return a stored response."""
        return self.stored.get(call_id)

    async def store(self, response: StoredResponse) -> None:
        """Store a response."""
        self.stored[response.call_id] = response
