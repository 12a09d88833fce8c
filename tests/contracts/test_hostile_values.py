"""Hostile values in every message, request and stored record: refused or bounded, never a crash.

Each case takes an example that is stored, puts a value that a hostile sender would choose at one
place, and reads it. What is accepted has no unbounded number, and is
written and read again unchanged.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from contracts.test_messages import ASKED, FILES, SPOKEN, kind_of
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from daydream_contracts.number_limits import SQUARES_MAX

EXAMPLES = settings().max_examples
CASES_PER_EXAMPLE = 5  # of the profile: there are many examples
FROM_OTHERS = {*SPOKEN, *ASKED}
Place = tuple[str | int, ...]
HOSTILE = st.one_of(
    st.sampled_from(
        [None, "", [], {}, True, -1, 0, 2**31, 2**63, -(2**63) - 1, 10**400, 1e308, 1e-320]
    ),
    st.sampled_from(
        ["NaN", "Infinity", "1e999", "9" * 5000, "\x00", "\ud800", "../../x", "a" * 9999]
    ),
    st.recursive(st.none() | st.integers() | st.text(max_size=5), st.lists, max_leaves=8),
    st.floats(allow_nan=True, allow_infinity=True),
)


def places(value: Any, at: Place = ()) -> Iterator[Place]:
    """Yield every place of a JSON value, also the whole."""
    yield at
    items = value.items() if isinstance(value, dict) else ()
    for key, item in enumerate(value) if isinstance(value, list) else items:
        yield from places(item, (*at, key))


def replaced(value: Any, at: Place, by: Any) -> Any:
    """Return the value with another one at a place."""
    if not at:
        return by
    copy: Any = dict(value) if isinstance(value, dict) else list(value)
    copy[at[0]] = replaced(value[at[0]], at[1:], by)
    return copy


def numbers(value: Any) -> Iterator[int | float]:
    """Yield every number in a value."""
    if isinstance(value, dict):
        value = [*value.keys(), *value.values()]
    if isinstance(value, list | tuple | set | frozenset):
        for item in value:
            yield from numbers(item)
    elif isinstance(value, int | float) and not isinstance(value, bool):
        yield value


def check(file: Path, data: bytes) -> None:
    """Read the bytes as the type of an example."""
    kind = kind_of(file)
    try:
        message = kind.model_validate_json(data)
    except ValidationError:
        return
    if kind not in FROM_OTHERS:
        return  # what a service stores for itself
    for number in numbers(message.model_dump()):
        assert isinstance(number, int) or math.isfinite(number)
        assert isinstance(number, float) or abs(number) <= SQUARES_MAX, number
    assert kind.model_validate_json(message.model_dump_json()) == message


@pytest.mark.fault("F10", invariant="a hostile value is refused or bounded")
@settings(max_examples=CASES_PER_EXAMPLE * EXAMPLES)
@given(file=st.sampled_from(FILES), data=st.data())
def test_no_value_crashes_a_reader_or_is_unbounded(file: Path, data: st.DataObject) -> None:
    example = json.loads(file.read_text())
    place = data.draw(st.sampled_from(list(places(example))))
    changed = replaced(example, place, data.draw(HOSTILE))
    check(file, json.dumps(changed).encode("utf-8", "surrogatepass"))


@settings(max_examples=EXAMPLES)
@given(file=st.sampled_from(FILES), cut=st.integers(0, 10_000), foreign=st.binary(max_size=20))
def test_cut_and_foreign_bytes_are_refused_or_read(file: Path, cut: int, foreign: bytes) -> None:
    check(file, file.read_bytes()[:cut] + foreign)


@pytest.mark.parametrize("depth", [1_000, 100_000])
@pytest.mark.parametrize("file", FILES[:3], ids=lambda file: file.stem)
def test_deep_nesting_is_refused(file: Path, depth: int) -> None:
    check(file, b"[" * depth + b"]" * depth)
