"""`make bench [BENCH=NAME]`: one benchmark, or all of them."""

from __future__ import annotations

import importlib
import sys

NAMES = ("ledger", "loop", "toy", "calls", "console")


def main() -> int:
    """Run what is named."""
    chosen = sys.argv[1:] or list(NAMES)
    unknown = [name for name in chosen if name not in NAMES]
    if unknown:
        print(
            f"there is no benchmark {', '.join(unknown)}; there are {', '.join(NAMES)}",
            file=sys.stderr,
        )
        return 2
    for name in chosen:
        importlib.import_module(f"benchmarks.{name}").run()
    return 0


if __name__ == "__main__":
    sys.exit(main())
