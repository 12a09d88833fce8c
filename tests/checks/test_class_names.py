"""The check of class names can fail, and says where."""

from __future__ import annotations

from checks.class_names import check
from checks.sources import SourceFile


def test_a_second_definition_is_reported_with_the_place_of_the_first() -> None:
    files = [
        SourceFile("shared/a.py", "class Line:\n    pass\n"),
        SourceFile("services/b.py", "import os\n\nclass Line:\n    pass\n"),
    ]
    (finding,) = check(files)
    assert str(finding) == (
        "services/b.py:3: class Line is defined in shared/a.py:1 too. "
        "Give one of them the name of what it alone is."
    )


def test_a_nested_class_counts_too() -> None:
    text = "class Outer:\n    class Line:\n        pass\n\nclass Line:\n    pass\n"
    assert len(list(check([SourceFile("a.py", text)]))) == 1


def test_names_that_differ_are_fine() -> None:
    files = [SourceFile("a.py", "class A: ..."), SourceFile("b.py", "class B: ...")]
    assert list(check(files)) == []
