"""The files that the checks read."""

from __future__ import annotations

import ast
import io
import tokenize
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PRODUCT = ("shared", "services")
TOOLS = ("checks", "deploy")
TESTS = ("tests",)
IGNORED_FOLDERS = frozenset({"__pycache__", "build", "dist", "node_modules"})

FunctionNode = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True)
class SourceFile:
    """A text file of the project; `path` is relative to the project's root."""

    path: str
    text: str

    @cached_property
    def lines(self) -> list[str]:
        """The lines without their ends."""
        return self.text.splitlines()

    @cached_property
    def nodes(self) -> list[ast.AST]:
        """Every node of the Python syntax tree. Raises SyntaxError."""
        return list(ast.walk(ast.parse(self.text)))


def read(path: Path, root: Path = ROOT) -> SourceFile:
    """Read one file."""
    return _source(path.relative_to(root).as_posix(), path.read_text(encoding="utf-8"))


@cache
def _source(path: str, text: str) -> SourceFile:
    """Return the same file for the same text, so that all checks parse it once."""
    return SourceFile(path, text)


def python_files(folders: Iterable[str], root: Path = ROOT) -> list[SourceFile]:
    """Read every Python file below these folders, in a fixed order."""
    return [read(path, root) for path in _paths(folders, root)]


def comments(file: SourceFile) -> Iterator[tuple[int, str]]:
    """Yield the line and the text of every comment."""
    for token in tokenize.generate_tokens(io.StringIO(file.text).readline):
        if token.type == tokenize.COMMENT:
            yield token.start[0], token.string


def functions(file: SourceFile) -> Iterator[FunctionNode]:
    """Yield every function and method, nested ones too."""
    for node in file.nodes:
        if isinstance(node, FunctionNode):
            yield node


def length_of(node: FunctionNode) -> int:
    """Count the lines from `def` to the end, docstring included, decorators not."""
    return (node.end_lineno or node.lineno) - node.lineno + 1


def _paths(folders: Iterable[str], root: Path) -> Iterator[Path]:
    for folder in folders:
        for path in sorted((root / folder).rglob("*.py")):
            parts = path.relative_to(root).parts
            if not any(part in IGNORED_FOLDERS or part.startswith(".") for part in parts):
                yield path
