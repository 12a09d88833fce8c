"""Names of variables that say nothing about what they hold."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator

from checks.finding import Finding
from checks.sources import PRODUCT, TESTS, TOOLS, SourceFile, python_files

EMPTY_NAMES = frozenset({"one", "found", "there", "more", "this", "what"})


def run() -> list[Finding]:
    """Check the product, its tools and its tests."""
    return list(check(python_files((*PRODUCT, *TOOLS, *TESTS))))


def check(files: Iterable[SourceFile]) -> Iterator[Finding]:
    """Yield a finding for each variable, argument or capture with an empty name."""
    for file in files:
        for node in file.nodes:
            name = _bound_name(node)
            if name in EMPTY_NAMES:
                yield Finding(
                    file.path,
                    getattr(node, "lineno", 1),
                    f"the variable is called {name}",
                    "Name it for what it holds",
                )


def _bound_name(node: ast.AST) -> str | None:
    """Return the name that the node binds, or None."""
    match node:
        case ast.Name(id=name, ctx=ast.Store()):
            return name
        case ast.arg(arg=name):
            return name
        case ast.MatchAs(name=name) | ast.MatchStar(name=name) | ast.ExceptHandler(name=name):
            return name
    return None
