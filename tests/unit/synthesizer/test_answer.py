"""The synthesizer's answer: a finding, an abstention, and a schema whose maxima fit into its tokens."""

from __future__ import annotations

import json
from typing import Any

import jsonschema
import pytest

from daydream_contracts.events import LinkKind
from daydream_models.parsing import parse_object
from daydream_models.prompt import load_prompt
from daydream_synthesizer.answer import CHARS_MIN_BRIEF, SynthesisAnswer, schema, tokens_max
from daydream_synthesizer.app import HOLES, PROMPT


def longest(*, brief: bool) -> dict[str, Any]:
    """The longest answer that the schema allows."""
    properties = schema(brief=brief)["properties"]
    link = max(properties["link"]["enum"], key=len)
    return {
        name: link if name == "link" else "x" * one["maxLength"] for name, one in properties.items()
    }


@pytest.mark.parametrize("brief", [False, True])
def test_the_longest_answer_validates_and_fits_even_if_every_character_of_its_texts_is_a_token(
    brief: bool,
) -> None:
    answer = longest(brief=brief)
    jsonschema.validate(answer, schema(brief=brief))
    texts = sum(len(text) for name, text in answer.items() if name != "link")
    around = len(json.dumps(answer)) - texts
    assert texts < tokens_max(brief=brief)
    assert around <= 2 * (tokens_max(brief=brief) - texts), (
        "keys, quotes and braces are at least two characters a token"
    )


@pytest.mark.parametrize("brief", [False, True])
def test_one_character_more_is_refused_by_the_schema(brief: bool) -> None:
    for name, one in schema(brief=brief)["properties"].items():
        if name != "link":
            with pytest.raises(jsonschema.ValidationError):
                jsonschema.validate(
                    {**longest(brief=brief), name: "x" * (one["maxLength"] + 1)},
                    schema(brief=brief),
                )


def test_brief_answers_have_minima_that_lie_below_their_maxima() -> None:
    for name, least in CHARS_MIN_BRIEF.items():
        assert least < schema(brief=True)["properties"][name]["maxLength"]


def test_brief_answers_cost_less() -> None:
    assert tokens_max(brief=True) * 2 < tokens_max(brief=False)


def test_reasoning_comes_before_the_finding_and_every_field_is_required() -> None:
    shape = schema(brief=False)
    assert next(iter(shape["properties"])) == "reasoning"
    assert shape["required"] == list(shape["properties"])
    assert shape["additionalProperties"] is False


@pytest.mark.parametrize("link", list(LinkKind))
def test_each_kind_of_link_makes_a_synthesis_without_blanks_around_its_texts(
    link: LinkKind,
) -> None:
    found = SynthesisAnswer(
        reasoning=" r ", link=link, title="\tt\n", hypothesis=" h", implication="i "
    ).synthesis()
    assert found is not None
    assert (found.link, found.reasoning, found.title, found.hypothesis, found.implication) == (
        link,
        "r",
        "t",
        "h",
        "i",
    )


def test_the_link_none_is_an_abstention_whatever_else_is_said() -> None:
    assert (
        SynthesisAnswer(
            reasoning="r", link="none", title="T", hypothesis="H", implication="I"
        ).synthesis()
        is None
    )


def test_an_abstention_may_leave_the_texts_out() -> None:
    found = parse_object('{"reasoning": "They share a word.", "link": "none"}', SynthesisAnswer)
    assert found is not None
    assert found.synthesis() is None


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


def test_the_prompt_that_comes_along_shows_both_facts_and_all_kinds_of_links() -> None:
    prompt = load_prompt("daydream_synthesizer", PROMPT, "", schema(brief=False), HOLES)
    _, user = prompt.fill(first="FIRST", second="SECOND")
    assert user["content"].index("FIRST") < user["content"].index("SECOND")
    assert all(kind.value in user["content"] for kind in LinkKind)
