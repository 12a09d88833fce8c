"""Python's garbage collector, for a process that holds large books and makes no cycles on its hot path.

A full collection walks through every reservation that is remembered and finds nothing: with a million of them it would stop all
grants for most of a second. So what was loaded is left out, and young objects are looked at less often
(`make bench-budget`, figure `pairs_per_s`, is a fifth to a third higher by it). Cycles that errors leave behind are still found.
"""

from __future__ import annotations

import gc

THRESHOLDS = (50_000, 20, 100)


def freeze_heap() -> None:
    """Call it once the books are loaded."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*THRESHOLDS)
