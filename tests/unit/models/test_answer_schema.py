"""An answer's schema, its maximum of tokens and the cut of longer texts derive from one model."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Literal

import jsonschema_rs
import pytest
from pydantic import Field

from daydream_models.answer import AnswerModel
from daydream_models.parsing import parse_object


class Kind(StrEnum):
    """A choice that is also used elsewhere."""

    NEAR = "near"
    FAR = "far"


class ExampleAnswer(AnswerModel):
    """Every kind of field that an answer may have."""

    title: str = Field(max_length=10)
    kind: Kind | Literal["none"]
    steps: list[Annotated[str, Field(max_length=5)]] = Field(
        min_length=1, max_length=2, json_schema_extra={"minItems": 2}
    )
    score: int = Field(ge=1, le=10)


def test_the_schema_has_only_what_strict_modes_accept() -> None:
    assert ExampleAnswer.json_schema() == {
        "type": "object",
        "properties": {
            "title": {"type": "string", "maxLength": 10},
            "kind": {"type": "string", "enum": ["near", "far", "none"]},
            "steps": {
                "type": "array",
                "items": {"type": "string", "maxLength": 5},
                "minItems": 2,
                "maxItems": 2,
            },
            "score": {"type": "integer", "minimum": 1, "maximum": 10},
        },
        "required": ["title", "kind", "steps", "score"],
        "additionalProperties": False,
    }


def test_the_schema_lists_the_fields_in_the_order_of_the_model() -> None:
    assert list(ExampleAnswer.json_schema()["properties"]) == list(ExampleAnswer.model_fields)


def test_changing_a_schema_that_was_returned_does_not_change_the_next_one() -> None:
    ExampleAnswer.json_schema()["properties"].clear()
    assert ExampleAnswer.json_schema()["properties"]


def test_the_maximum_of_tokens_is_one_per_character_of_the_longest_answer() -> None:
    longest = '{"title": "xxxxxxxxxx", "kind": "near", "steps": ["xxxxx", "xxxxx"], "score": 10}'
    assert ExampleAnswer.tokens_max() == len(longest)
    answer = parse_object(longest, ExampleAnswer)
    assert answer is not None
    jsonschema_rs.validate(ExampleAnswer.json_schema(), answer.model_dump(mode="json"))


def test_longer_texts_and_lists_are_cut_and_a_shorter_list_is_read() -> None:
    answer = ExampleAnswer.model_validate(
        {"title": "twelve chars", "kind": "far", "steps": ["123456", "2", "3"], "score": 3}
    )
    assert (answer.title, answer.steps) == ("twelve ch…", ["1234…", "2"])
    assert ExampleAnswer.model_validate(
        {"title": "", "kind": "none", "steps": ["1"], "score": 3}
    ).steps == ["1"]


def test_a_field_that_providers_refuse_is_a_type_error() -> None:
    class PatternAnswer(AnswerModel):
        code: str = Field(pattern="^a", max_length=3)

    class OptionalAnswer(AnswerModel):
        text: str | None = None

    for answer in (PatternAnswer, OptionalAnswer):
        with pytest.raises(TypeError, match="not all providers accept"):
            answer.json_schema()


def test_a_text_without_a_maximum_is_a_type_error() -> None:
    class EndlessAnswer(AnswerModel):
        text: str

    with pytest.raises(TypeError, match="maxLength"):
        EndlessAnswer.tokens_max()
