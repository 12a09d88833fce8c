"""Pairs are ranked by the token probabilities of one letter, and paid for once."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import pytest

from daydream_contracts.errors import RetryLaterError
from daydream_contracts.prompt_variables import screen_variables
from daydream_contracts.rpc import (
    Grant,
    OpenReservation,
    Quote,
    Refusal,
    ReleaseReservation,
    ScreenPairs,
)
from daydream_contracts.topology import BUDGET_OPEN
from daydream_models.chat_completion import ChatCompletion
from daydream_models.client import ModelClient
from daydream_models.logprobs import letter_probabilities
from daydream_models.settings import ModelSettings
from daydream_synthesizer.pair_screen import PairScreen
from support.message_builders import fact
from support.model_fakes import COST_NANOUSD, FakeGatewayClient, completion

PAIRS = tuple((fact(2 * at), fact(2 * at + 1)) for at in range(16))
QUOTE = Quote(input_token_nanousd=151, output_token_nanousd=601)


@dataclass
class FakeLedgerRpc:
    """A ledger that grants everything, or refuses with this sentence."""

    refusal: str = ""
    opened: list[OpenReservation] = field(default_factory=list)
    released: list[str] = field(default_factory=list)

    async def request(self, endpoint: Any, message: Any) -> Grant | None:
        if endpoint is BUDGET_OPEN:
            self.opened.append(message)
            return Grant(refusal=Refusal(reason="cap", text=self.refusal) if self.refusal else None)
        assert isinstance(message, ReleaseReservation)
        self.released.append(message.reservation_id)
        return None


def answer(letter: str, probabilities: dict[str, float]) -> str:
    """Return the letter; its probabilities are added to the completion by the gateway."""
    tops = [{"token": name, "logprob": math.log(p)} for name, p in probabilities.items()]
    ANSWERS[letter] = {"content": [{"token": letter, "logprob": -0.1, "top_logprobs": tops}]}
    return letter


ANSWERS: dict[str, Any] = {}


class LetterGateway(FakeGatewayClient):
    """A gateway whose answers carry the token probabilities of their letter."""

    async def chat(self, *arguments: Any, **named: Any) -> Any:
        reply = await super().chat(*arguments, **named)
        body = reply.completion.model_dump(exclude_none=True)
        logprobs = ANSWERS.get(reply.text)
        body["choices"][0]["logprobs"] = logprobs
        return type(reply)(ChatCompletion.model_validate(body), reply.receipt)


def screen(gateway: FakeGatewayClient, ledger: FakeLedgerRpc) -> PairScreen:
    settings = ModelSettings(name="m", logprobs=True)
    model = ModelClient(gateway, settings, QUOTE, "synthesizer")  # type: ignore[arg-type]
    return PairScreen(model, ledger)  # type: ignore[arg-type]


async def test_each_pair_gets_the_probability_of_the_letter_it_was_shown_under() -> None:
    gateway, ledger = LetterGateway([answer("B", {"B": 0.6, " A": 0.2, "C": 0.1})]), FakeLedgerRpc()
    ranked = await screen(gateway, ledger).rank(ScreenPairs(screen_id="s", pairs=PAIRS))
    shown = gateway.bodies[0]["messages"][1]["content"]
    best = max(range(len(PAIRS)), key=ranked.probabilities.__getitem__)
    after_b = shown.split("\nB.\n")[1].split("\n\n")[0].splitlines()
    assert after_b == [each.text for each in PAIRS[best]]
    assert sorted(ranked.probabilities, reverse=True)[:4] == pytest.approx([0.6, 0.2, 0.1, 0])
    assert ranked.cost_nanousd == COST_NANOUSD
    assert gateway.bodies[0]["top_logprobs"] == 20


async def test_a_request_that_is_sent_again_is_the_same_call_and_the_same_reservation() -> None:
    gateway, ledger = LetterGateway([answer("B", {"B": 0.6})]), FakeLedgerRpc()
    request = ScreenPairs(screen_id="s", pairs=PAIRS)
    first = await screen(gateway, ledger).rank(request)
    assert await screen(gateway, ledger).rank(request) == first
    assert len(gateway.bodies) == 1
    assert len({opened.reservation_id for opened in ledger.opened}) == 1
    assert ledger.opened[0].purpose == "screening"
    assert set(ledger.released) == {ledger.opened[0].reservation_id}


async def test_without_token_probabilities_nothing_is_ranked_and_the_reason_is_given() -> None:
    ledger = FakeLedgerRpc()
    ranked = await screen(FakeGatewayClient(["B"]), ledger).rank(
        ScreenPairs(screen_id="s", pairs=PAIRS)
    )
    assert ranked.probabilities == ()
    assert "token probabilities" in ranked.problem
    assert ledger.released


async def test_a_refusal_of_the_ledger_is_retried_later_and_asks_nothing() -> None:
    gateway = FakeGatewayClient([])
    with pytest.raises(RetryLaterError, match="no money"):
        await screen(gateway, FakeLedgerRpc("no money")).rank(
            ScreenPairs(screen_id="s", pairs=PAIRS)
        )


async def test_the_reservation_covers_the_longest_excerpts() -> None:
    gateway, ledger = LetterGateway([answer("B", {"B": 0.6})]), FakeLedgerRpc()
    long = tuple((fact(at, "ü" * 900), fact(at + 50, "é" * 900)) for at in range(20))
    await screen(gateway, ledger).rank(ScreenPairs(screen_id="s", pairs=long))
    (allocation,) = ledger.opened[0].allocations
    sent = sum(len(row["content"].encode()) for row in gateway.bodies[0]["messages"])
    assert allocation.upper_bound_nanousd >= sent * QUOTE.input_token_nanousd


def test_letters_are_read_where_the_answer_has_its_first_one() -> None:
    body = completion("B")
    content = [
        {"token": "\n", "logprob": -0.1, "top_logprobs": []},
        {
            "token": "B",
            "logprob": math.log(0.5),
            "top_logprobs": [
                {"token": " B", "logprob": math.log(0.2)},
                {"token": "C", "logprob": math.log(0.1)},
                {"token": "The", "logprob": math.log(0.1)},
            ],
        },
    ]
    body["choices"][0]["logprobs"] = {"content": content}
    read = letter_probabilities(ChatCompletion.model_validate(body))
    assert read == pytest.approx({"B": 0.7, "C": 0.1})


def test_the_prompt_has_no_more_of_a_note_than_an_excerpt() -> None:
    text = screen_variables([(fact(1, "word " * 400), fact(2))])["pairs"]
    assert len(text) < 450
    assert text.startswith("A.\n")
