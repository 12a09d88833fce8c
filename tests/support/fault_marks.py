"""Read which test shows which fault: `fault` marks in the sources of the tests, and the table.

    @pytest.mark.fault("F7 F8", invariant="what this test shows, as a clause")

A mark may also be a module's `pytestmark`. The sources are read and not imported, so the page of
faults is made in a second and needs no service.

    python -m support.fault_marks F7    prints the tests of a row, for pytest
"""

from __future__ import annotations

import ast
import sys
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

TESTS = Path(__file__).parents[1]
TABLE = TESTS / "faults.toml"
# The marks and folders with their own targets, the slowest first.
TARGETS = (
    ("slow", "make test-chaos"),
    ("cluster", "make test-cluster"),
    ("browser", "make test-browser"),
    ("deploy", "make test-deploy"),
    ("chaos", "make test-e2e"),
    ("processes", "make test-e2e"),
    ("e2e", "make test-e2e"),
)


@dataclass(frozen=True)
class FaultRow:
    """A fault, what must hold, and what does not hold or no test shows."""

    number: str
    fault: str
    must: str
    gaps: tuple[str, ...]


@dataclass(frozen=True)
class ShownFault:
    """A test that shows faults. `name` is empty where the mark is that of a whole module."""

    path: str
    name: str
    faults: tuple[str, ...]
    invariant: str
    target: str

    @property
    def node(self) -> str:
        """Return how pytest calls it."""
        return f"{self.path}::{self.name}" if self.name else self.path


def fault_table() -> tuple[FaultRow, ...]:
    """Return the faults in their order."""
    rows = tomllib.loads(TABLE.read_text())
    return tuple(
        FaultRow(number, row["fault"], row["must"], tuple(row.get("gaps", ())))
        for number, row in rows.items()
    )


def shown_faults(folder: Path = TESTS) -> tuple[ShownFault, ...]:
    """Return the marks of all tests below a folder, by path and then in the order of the source.

    Raise ValueError for a mark that is not written with literals.
    """
    files = sorted(folder.rglob("test_*.py"))
    return tuple(shown for file in files for shown in _of_module(file, folder.parent))


def _of_module(file: Path, root: Path) -> Iterator[ShownFault]:
    source = file.read_text()
    if ".fault(" not in source:
        return
    path = file.relative_to(root).as_posix()
    tree = ast.parse(source)
    whole = next((value for node in tree.body if (value := _module_mark(node))), None)
    of_module = [] if whole is None else list(getattr(whole, "elts", [whole]))
    marks = {_name(mark) for mark in of_module} | set(file.relative_to(root).parts)
    yield from _shown(path, "", of_module, marks)
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            own = marks | {_name(mark) for mark in node.decorator_list}
            yield from _shown(path, node.name, node.decorator_list, own)


def _module_mark(node: ast.stmt) -> ast.expr | None:
    """Return what `pytestmark` is set to."""
    if not isinstance(node, ast.Assign):
        return None
    names = [target.id for target in node.targets if isinstance(target, ast.Name)]
    return node.value if "pytestmark" in names else None


def _name(mark: ast.expr) -> str:
    """Return the last word of `pytest.mark.slow` or `pytest.mark.fault(...)`."""
    called = mark.func if isinstance(mark, ast.Call) else mark
    return called.attr if isinstance(called, ast.Attribute) else ""


def _shown(
    path: str, name: str, decorators: list[ast.expr], marks: set[str]
) -> Iterator[ShownFault]:
    target = next((target for mark, target in TARGETS if mark in marks), "make test")
    for mark in decorators:
        if isinstance(mark, ast.Call) and _name(mark) == "fault":
            faults = tuple(ast.literal_eval(mark.args[0]).split())
            values: dict[str, Any] = {
                str(keyword.arg): ast.literal_eval(keyword.value) for keyword in mark.keywords
            }
            yield ShownFault(path, name, faults, values["invariant"], target)


def main() -> None:
    """Print the tests of the rows that are named, or of all rows."""
    rows = set(sys.argv[1:]) or {row.number for row in fault_table()}
    print(*sorted({test.node for test in shown_faults() if rows & set(test.faults)}))


if __name__ == "__main__":
    main()
