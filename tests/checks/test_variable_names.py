"""The check of variable names can fail."""

from __future__ import annotations

import pytest

from checks.sources import SourceFile
from checks.variable_names import check


@pytest.mark.parametrize(
    "line",
    [
        "for one in facts: pass",
        "names = [one for one in facts]",
        "found = search()",
        "found: int = 1",
        "def work(what): pass",
        "if (found := search()): pass",
        "with open(path) as one: pass",
        "first, *more = facts",
        "lambda one: one",
        "match x:\n    case [*more]: pass",
    ],
)
def test_a_name_that_says_nothing_is_reported(line: str) -> None:
    (finding,) = check([SourceFile("a.py", f"\n{line}\n")])
    assert finding.line in {2, 3}
    assert finding.todo == "Name it for what it holds"


def test_attributes_and_uses_are_not_bindings() -> None:
    assert (
        list(check([SourceFile("a.py", "pair.found = 1\nprint(one)\nfor pair in pairs: pass\n")]))
        == []
    )
