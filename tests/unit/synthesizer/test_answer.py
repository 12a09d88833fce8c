"""The writer's answer: a finding, an abstention, and a schema whose maxima fit into its tokens."""

from __future__ import annotations

import json
from typing import Any, get_args

import jsonschema_rs
import pytest

from daydream_contracts.events import LinkKind, ShortSynthesis, Synthesis
from daydream_contracts.text_limits import chars_max
from daydream_models.answer import AnswerModel
from daydream_models.parsing import parse_object
from daydream_models.prompt import load_prompt
from daydream_models.settings import ModelSettings
from daydream_synthesizer.answer import (
    GIST_CHARS_MAX,
    NamedLink,
    ShortSynthesisAnswer,
    SmallModelSynthesisAnswer,
    SynthesisAnswer,
)
from daydream_synthesizer.request_specs import PROMPT, request_specs
from daydream_synthesizer.settings import SynthesizerSettings
from daydream_synthesizer.synthesis import PLACEHOLDERS

TEXTS = ("reasoning", "title", "hypothesis", "implication", "if_false")
FORMS = pytest.mark.parametrize(
    "form", [SynthesisAnswer, ShortSynthesisAnswer, SmallModelSynthesisAnswer]
)


def longest(form: type[AnswerModel]) -> dict[str, Any]:
    """Return the longest answer that the schema allows."""
    return {
        name: max(field["enum"], key=len) if "enum" in field else "x" * field["maxLength"]
        for name, field in form.json_schema()["properties"].items()
    }


@FORMS
def test_the_longest_answer_validates_and_fits_even_if_every_character_is_a_token(
    form: type[AnswerModel],
) -> None:
    jsonschema_rs.validate(form.json_schema(), longest(form))
    assert len(json.dumps(longest(form))) == form.tokens_max()


@FORMS
def test_one_character_more_is_refused_by_the_schema(form: type[AnswerModel]) -> None:
    for name, text in longest(form).items():
        if name != "link":
            with pytest.raises(jsonschema_rs.ValidationError):
                jsonschema_rs.validate(form.json_schema(), {**longest(form), name: text + "x"})


def test_answers_of_small_models_have_minima_below_their_maxima() -> None:
    properties = SmallModelSynthesisAnswer.json_schema()["properties"]
    minima = {name: field["minLength"] for name, field in properties.items() if name != "link"}
    assert minima == {"reasoning": 0, "title": 3, "hypothesis": 60, "implication": 40}
    assert all(minimum < properties[name]["maxLength"] for name, minimum in minima.items())


def test_short_answers_cost_less() -> None:
    assert ShortSynthesisAnswer.tokens_max() * 2 < SynthesisAnswer.tokens_max()


def test_a_synthesis_holds_the_longest_answer_and_its_limits_are_those_of_the_answer() -> None:
    for form, synthesis in (
        (SynthesisAnswer, Synthesis),
        (ShortSynthesisAnswer, ShortSynthesis),
        (SmallModelSynthesisAnswer, ShortSynthesis),
    ):
        for name, field in form.json_schema()["properties"].items():
            if name not in ("link", "gist"):
                assert field["maxLength"] == chars_max(synthesis, name)


def test_an_answer_longer_than_asked_is_cut_and_not_refused() -> None:
    answer = SynthesisAnswer.model_validate(
        {"link": "analogy", **dict.fromkeys(TEXTS, "word " * 1000)}
    )
    synthesis = answer.synthesis()
    assert synthesis is not None
    for name in TEXTS:
        text = getattr(synthesis, name)
        assert text.endswith("…")
        assert len(text) <= chars_max(Synthesis, name)


@pytest.mark.parametrize("form", [SynthesisAnswer, ShortSynthesisAnswer])
def test_reasoning_comes_before_the_finding_and_every_field_is_required(
    form: type[AnswerModel],
) -> None:
    schema = form.json_schema()
    assert list(schema["properties"])[:3] == ["gist", "link", "reasoning"]
    assert schema["required"] == list(schema["properties"])
    assert schema["additionalProperties"] is False


@pytest.mark.parametrize("link", get_args(NamedLink))
def test_each_kind_of_link_makes_a_synthesis_with_stripped_texts(link: LinkKind) -> None:
    synthesis = SynthesisAnswer(
        reasoning=" r ", link=link, title="\tt\n", hypothesis=" h", implication="i "
    ).synthesis()
    assert synthesis == Synthesis(
        title="t", link=link, reasoning="r", hypothesis="h", implication="i"
    )


def test_the_link_none_is_an_abstention_whatever_the_other_texts_say() -> None:
    answer = SynthesisAnswer(reasoning="r", link="none", title="T", hypothesis="H", implication="I")
    assert answer.synthesis() is None


def test_an_abstention_may_leave_the_texts_out() -> None:
    answer = parse_object('{"reasoning": "They share a word.", "link": "none"}', SynthesisAnswer)
    assert answer is not None
    assert answer.synthesis() is None


@pytest.mark.parametrize(
    "text",
    [
        '{"link": "analogy"}',
        '{"reasoning": "r", "link": "pun"}',
        '{"reasoning": "r"}',
        '{"reasoning": "r", "link": "anal',
    ],
)
def test_half_an_answer_is_no_answer(text: str) -> None:
    assert parse_object(text, SynthesisAnswer) is None


def test_the_bundled_prompt_shows_both_facts_and_all_kinds_of_links() -> None:
    prompt = load_prompt(
        "daydream_synthesizer", PROMPT, "", SynthesisAnswer.json_schema(), PLACEHOLDERS
    )
    system, user = prompt.fill(first="FIRST", second="SECOND")
    assert user["content"].index("FIRST") < user["content"].index("SECOND")
    assert all(kind.value in system["content"] for kind in get_args(NamedLink))
    assert len(user["content"]) < 200, (
        "what is fixed comes first, where a cache of prefixes finds it"
    )


@pytest.mark.parametrize("form", [SynthesisAnswer, ShortSynthesisAnswer])
def test_no_link_costs_under_sixty_tokens(form: type[AnswerModel]) -> None:
    """About four characters are a token of English JSON."""
    nothing = dict.fromkeys(form.json_schema()["properties"], "")
    longest = {**nothing, "gist": "x" * GIST_CHARS_MAX, "link": "none"}
    jsonschema_rs.validate(form.json_schema(), longest)
    assert len(json.dumps(longest, separators=(",", ":"))) / 4 < 60
    answer = parse_object(json.dumps({**longest, "gist": "They share a word."}), SynthesisAnswer)
    assert answer is not None
    assert (answer.synthesis(), answer.gist) == (None, "They share a word.")


def test_each_size_of_a_plan_offers_none_and_asks_for_what_the_essay_asks() -> None:
    for size, spec in request_specs(SynthesizerSettings()).items():
        assert "none" in spec.prompt.system, size
        assert "deep, non-obvious, potentially groundbreaking" in spec.prompt.system
        assert "Do not state the obvious" in spec.prompt.system.replace("do not", "Do not")
        assert list(spec.prompt.schema["properties"])[:2] == ["gist", "link"]


def test_a_small_model_has_a_prompt_of_its_own_in_each_size() -> None:
    settings = SynthesizerSettings(model=ModelSettings(name="m", short_answers=True))
    specs = request_specs(settings)
    assert {spec.prompt.name for spec in specs.values()} == {"synthesize-small.v1"}
    assert specs["full"].prompt.schema == SmallModelSynthesisAnswer.json_schema()
