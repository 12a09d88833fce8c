"""The command of a benchmark whose figures are functions: all of them, or one by its name."""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import Callable, Coroutine, Sequence

# Prints its figures, quickly or in full.
PrintFigures = Callable[[bool], Coroutine[None, None, None] | None]


def print_figures(
    program: str, description: str | None, figures: Sequence[PrintFigures], quick: str
) -> None:
    """Read the options, and call the functions that were chosen. `quick`: what that option does."""
    by_name = {getattr(function, "__name__", ""): function for function in figures}
    parser = argparse.ArgumentParser(prog=program, description=description)
    parser.add_argument("--quick", action="store_true", help=quick)
    parser.add_argument("--only", choices=by_name, help="figures to print. Default: all")
    arguments = parser.parse_args()
    for name, function in by_name.items():
        if arguments.only in (None, name):
            printing = function(arguments.quick)
            if printing is not None:
                asyncio.run(printing)
