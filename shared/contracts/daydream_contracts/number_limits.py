"""Limit every number that comes from outside: one place for the maxima.

A number above them is a mistake or an attack, never a cost. An unbounded one did harm: a usage
record of 1e320 dollars stood in the append-only ledger and stopped all grants for good. All maxima
fit into a signed 64-bit integer, also a few of them added up.
"""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

NANOUSD_PER_USD = 1_000_000_000
USD_MAX = 1_000_000_000
NANOUSD_MAX = USD_MAX * NANOUSD_PER_USD
TOKENS_MAX = 1_000_000_000  # of one call, or of one usage record
TAX_RATIO_MAX = 1_000_000
BRANCHES_MAX = 1000  # of one reservation
SQUARES_MAX = 10**45  # of a sum of squared amounts
INTEGER_MAX = 2**63 - 1
LIFETIME_S_MAX = 30 * 86_400.0  # of one attempt

Nanousd = Annotated[int, Field(ge=0, le=NANOUSD_MAX)]
"""An amount in nano-dollars."""

NanousdChange = Annotated[int, Field(ge=-NANOUSD_MAX, le=NANOUSD_MAX)]
"""A difference of two amounts in nano-dollars."""

TokenCount = Annotated[int, Field(ge=0, le=TOKENS_MAX)]
"""Tokens of one call, or of one usage record."""

BranchCount = Annotated[int, Field(ge=1, le=BRANCHES_MAX)]
"""Branches of one reservation."""

_NOT_SCHEMAS = ("metadata", "default", "serialization", "config", "ref", "cls")


def bound_numbers(schema: Any) -> None:
    """Bound the numbers of a schema of pydantic in place.

    An integer without limits gets those of 64 bits, so that every store and reader can hold it. A
    number that is infinite or none is refused: JSON has no such number.
    """
    if isinstance(schema, list | tuple):
        for part in schema:
            bound_numbers(part)
    elif isinstance(schema, dict):
        kind = schema.get("type")
        if kind == "int":
            if not {"le", "lt"} & schema.keys():
                schema["le"] = INTEGER_MAX
            if not {"ge", "gt"} & schema.keys():
                schema["ge"] = -INTEGER_MAX
        elif kind == "float":
            schema["allow_inf_nan"] = False
        else:
            for name, part in schema.items():
                if name not in _NOT_SCHEMAS:
                    bound_numbers(part)
