"""The check of docstrings can fail."""

from __future__ import annotations

from pathlib import Path

from checks.docstrings import check


def test_a_docstring_that_is_no_imperative_is_reported(tmp_path: Path) -> None:
    module = tmp_path / "a.py"
    module.write_text('def work() -> int:\n    """Returns the number."""\n    return 1\n')
    (finding,) = check(module)
    assert (finding.path, finding.line) == (module.as_posix(), 2)
    assert finding.wrong.startswith("the docstring should be in imperative mood")


def test_an_imperative_passes(tmp_path: Path) -> None:
    module = tmp_path / "a.py"
    module.write_text('def work() -> int:\n    """Return the number."""\n    return 1\n')
    assert check(module) == []
