"""Limit every number that comes from outside: one place for the maxima.

A number above them is a mistake or an attack, never a cost. An unbounded one did harm: a usage
record of 1e320 dollars stood in the append-only ledger and stopped all grants for good. All maxima
fit into a signed 64-bit integer, also a few of them added up.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

NANOUSD_PER_USD = 1_000_000_000
USD_MAX = 1_000_000_000
NANOUSD_MAX = USD_MAX * NANOUSD_PER_USD
TOKENS_MAX = 1_000_000_000  # of one call, or of one usage record
TAX_RATIO_MAX = 1_000_000
BRANCHES_MAX = 1000  # of one reservation
LIFETIME_S_MAX = 30 * 86_400.0  # of one attempt

Nanousd = Annotated[int, Field(ge=0, le=NANOUSD_MAX)]
"""An amount in nano-dollars."""

NanousdChange = Annotated[int, Field(ge=-NANOUSD_MAX, le=NANOUSD_MAX)]
"""A difference of two amounts in nano-dollars."""

TokenCount = Annotated[int, Field(ge=0, le=TOKENS_MAX)]
"""Tokens of one call, or of one usage record."""

BranchCount = Annotated[int, Field(ge=1, le=BRANCHES_MAX)]
"""Branches of one reservation."""
