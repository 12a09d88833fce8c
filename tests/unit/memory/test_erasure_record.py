"""The record of a daydream without what was erased."""

from __future__ import annotations

from daydream_contracts.events import (
    Decision,
    Examination,
    Judgement,
    ModelCall,
    PromptRef,
    Refutation,
    Statement,
    VerdictReached,
)
from daydream_memory.eraser import IN_FLIGHT
from daydream_memory.erasure_record import ERASED, without, without_answers
from support.message_builders import AT, hypothesis


def test_everything_derived_from_an_erased_fact_is_erased_with_the_models_answers() -> None:
    call = ModelCall(
        call_id="c",
        model="m",
        prompt=PromptRef(name="p", digest="d"),
        input_tokens=1,
        output_tokens=1,
        cost_nanousd=1,
        answer="A SECRET river, in an answer.",
    )
    proposed = hypothesis()
    secret = proposed.pair.first.model_copy(update={"text": "A SECRET river."})
    assert proposed.synthesis is not None
    synthesis = proposed.synthesis.model_copy(
        update=dict.fromkeys(
            ("title", "reasoning", "hypothesis", "implication", "if_false"), "It is SECRET."
        )
    )
    proposed = proposed.model_copy(
        update={
            "pair": proposed.pair.model_copy(update={"first": secret}),
            "synthesis": synthesis,
            "calls": (call,),
        }
    )
    judgement = Judgement(judge="j", model="m", justification="SECRET, but sound.", scores=None)
    verdict = VerdictReached(
        verdict_id="v",
        hypothesis=proposed,
        role="critic",
        round=1,
        decision=Decision.DISCARDED,
        reason="score",
        explanation="low",
        final=True,
        judgements=(judgement,),
        calls=(call,),
        cost_nanousd=2,
        reached_at=AT,
    )
    cleaned = without(verdict, {secret.fact_id}, derived=True)
    assert "SECRET" not in cleaned.model_dump_json()
    assert cleaned.calls[0].answer == ERASED
    assert cleaned.cost_nanousd == 2
    assert without(verdict, {"another"}, derived=True) == verdict
    short = without_answers(verdict)
    assert (short.calls[0].answer, short.hypothesis.calls[0].answer) == ("", "")
    assert short.hypothesis.synthesis == verdict.hypothesis.synthesis


def test_statements_shown_to_the_oracle_are_erased_from_its_answers() -> None:
    call = ModelCall(
        call_id="c",
        model="m",
        prompt=PromptRef(name="p", digest="d"),
        input_tokens=1,
        output_tokens=1,
        cost_nanousd=1,
        answer="As SECRET says.",
    )
    shown, other = (
        Statement(kind="fact", id="shown", text="SECRET."),
        Statement(kind="fact", id="other", text="Ice floats."),
    )
    attempt = Refutation(model="m", case="SECRET says so already.", holds=False, same_as=shown)
    verdict = VerdictReached(
        verdict_id="v",
        hypothesis=hypothesis(),
        role="oracle",
        round=1,
        decision=Decision.REFUTED,
        reason="prior-art",
        explanation="known: SECRET",
        final=True,
        examination=Examination(statements=(shown, other), attempts=(attempt,)),
        calls=(call,),
        cost_nanousd=2,
        reached_at=AT,
    )
    cleaned = without(verdict, {"shown"}, derived=True)
    assert "SECRET" not in cleaned.model_dump_json()
    assert cleaned.hypothesis == verdict.hypothesis
    assert cleaned.examination is not None
    assert cleaned.examination.statements == (shown.model_copy(update={"text": ERASED}), other)
    assert without(verdict, {"another"}, derived=True) == verdict
    assert [
        statement.text
        for statement in (without_answers(verdict).examination or Examination()).statements
    ] == [
        "",
        "",
    ]


def test_a_daydream_in_progress_is_looked_for_in_every_stage() -> None:
    assert IN_FLIGHT == ("PAIRS", "HYPOTHESES", "CANDIDATES")
