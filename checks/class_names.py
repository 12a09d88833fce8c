"""A class name means one thing in the whole repository."""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Iterable, Iterator

from checks.finding import Finding
from checks.sources import PRODUCT, TESTS, TOOLS, SourceFile, python_files


def run() -> list[Finding]:
    """Check the product, its tools and its tests."""
    return list(check(python_files((*PRODUCT, *TOOLS, *TESTS))))


def check(files: Iterable[SourceFile]) -> Iterator[Finding]:
    """Yield a finding for each definition of a class name but the first."""
    places: dict[str, list[tuple[str, int]]] = defaultdict(list)
    for file in files:
        for node in file.nodes:
            if isinstance(node, ast.ClassDef):
                places[node.name].append((file.path, node.lineno))
    for name, (first, *others) in places.items():
        for path, line in others:
            yield Finding(
                path,
                line,
                f"class {name} is defined in {first[0]}:{first[1]} too",
                "Give one of them the name of what it alone is",
            )
