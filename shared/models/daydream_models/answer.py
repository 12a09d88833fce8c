"""One source for each answer of a model: its pydantic model.

The JSON schema that providers get, the maximum of answer tokens and the cut of longer texts derive
from the fields. Fields come in the order in which the model must write them: reasons before scores.

Lengths are asked for and not enforced: some servers ignore them, and OpenAI's strict mode refuses
them. An answer that was paid for is therefore cut to its maxima instead of rejected.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, model_validator

from daydream_contracts.text_limits import cut

KEYWORDS = (  # in this order, which is part of a prompt's digest
    "type",
    "description",
    "enum",
    "maxLength",
    "minLength",
    "minimum",
    "maximum",
    "items",
    "minItems",
    "maxItems",
    "properties",
    "required",
    "additionalProperties",
)
DROPPED = {"title", "default", "$defs"}
AnswerT = TypeVar("AnswerT", bound="AnswerModel")


class AnswerModel(BaseModel):
    """The base of everything that a model is asked to answer."""

    model_config = ConfigDict(extra="ignore")

    @classmethod
    def json_schema(cls) -> dict[str, Any]:
        """Return the schema that strict modes accept: all fields required, no others allowed.

        Raise TypeError for a field that needs a keyword which not all providers accept.
        """
        return json.loads(_schema_text(cls))  # type: ignore[no-any-return]

    @classmethod
    def tokens_max(cls) -> int:
        """Return the most tokens of an answer: one per character of the longest JSON object.

        Raise TypeError for a text, a number or a list without a maximum.
        """
        return len(json.dumps(_longest(cls.json_schema())))

    @model_validator(mode="before")
    @classmethod
    def _cut_to_maxima(cls, answer: Any) -> Any:
        return _cut(answer, cls.json_schema())


class ProseAnswer(BaseModel):
    """An answer in free text. A prompt that asks for prose has no schema."""

    text: str


@cache
def _schema_text(answer: type[AnswerModel]) -> str:
    """Return the schema as text, so that no caller can change the cached one."""
    generated = answer.model_json_schema()
    return json.dumps(_clean(generated, generated.get("$defs", {})))


def _clean(schema: Mapping[str, Any], definitions: Mapping[str, Any]) -> dict[str, Any]:
    if "$ref" in schema:
        return _clean(definitions[schema["$ref"].removeprefix("#/$defs/")], definitions)
    if "anyOf" in schema:
        return _merge_enums([_clean(option, definitions) for option in schema["anyOf"]])
    cleaned = {name: value for name, value in schema.items() if name not in DROPPED}
    if "const" in cleaned:
        cleaned["enum"] = [cleaned.pop("const")]
    if "items" in cleaned:
        cleaned["items"] = _clean(cleaned["items"], definitions)
    if cleaned.get("type") == "object":
        properties = cleaned.get("properties", {})
        cleaned["properties"] = {
            name: _clean(value, definitions) for name, value in properties.items()
        }
        cleaned["required"] = list(properties)
        cleaned["additionalProperties"] = False
        cleaned.pop("description", None)  # the docstring, which is written for readers of the code
    if unknown := cleaned.keys() - set(KEYWORDS):
        raise TypeError(f"not all providers accept {', '.join(sorted(unknown))} in a schema")
    return {keyword: cleaned[keyword] for keyword in KEYWORDS if keyword in cleaned}


def _merge_enums(options: list[dict[str, Any]]) -> dict[str, Any]:
    if not all(option.get("type") == "string" and "enum" in option for option in options):
        raise TypeError("not all providers accept anyOf in a schema")
    return {"type": "string", "enum": [value for option in options for value in option["enum"]]}


def _longest(schema: Mapping[str, Any]) -> Any:
    if "enum" in schema:
        return max(schema["enum"], key=len)
    try:
        match schema["type"]:
            case "object":
                return {name: _longest(value) for name, value in schema["properties"].items()}
            case "array":
                return [_longest(schema["items"])] * schema["maxItems"]
            case "string":
                return "x" * schema["maxLength"]
            case "integer":
                return schema["maximum"]
            case other:
                raise TypeError(f"no longest {other}")
    except KeyError as missing:
        raise TypeError(f"a field of an answer has no {missing}") from None


def _word_of(words: Sequence[str], said: str) -> str:
    """Return the word of a fixed list that was said, in whatever case."""
    return next((word for word in words if word.casefold() == said.strip().casefold()), said)


def _cut(answer: Any, schema: Mapping[str, Any]) -> Any:
    match answer:
        case str() if "maxLength" in schema:
            return cut(answer, schema["maxLength"])
        case str() if "enum" in schema:
            return _word_of(schema["enum"], answer)
        case list() if schema.get("type") == "array":
            items = answer[: schema.get("maxItems", len(answer))]
            return [_cut(item, schema["items"]) for item in items]
        case dict() if schema.get("type") == "object":
            fields = schema["properties"]
            return {
                name: _cut(value, fields[name]) if name in fields else value
                for name, value in answer.items()
            }
        case _:
            return answer
