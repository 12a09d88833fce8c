"""Facts and verdicts read from rows."""

from __future__ import annotations

from typing import Any

from daydream_contracts.events import Fact, FactKind, VerdictReached
from daydream_memory.erasure_record import facts_in
from daydream_memory.store import Vector
from daydream_memory.weaviate.table import Row

FACT_NAMES = (
    "fact_id",
    "ordinal",
    "text",
    "title",
    "source",
    "domain",
    "depth",
    "position",
    "licence",
    "date",
    "team",
    "clearance",
)


def fact_of(row: Row) -> Fact:
    """Return the fact that a row holds."""
    values: dict[str, Any] = {name: row[name] for name in FACT_NAMES if row[name] is not None}
    return Fact(**values, kind=FactKind(row["kind"]), tags=tuple(row["tags"] or ()))


def vector_of(row: Row) -> Vector:
    """Return the vector of a row that was read with it. Raise LookupError when it has none."""
    if row.vector is None:
        raise LookupError(f"The fact {row['fact_id']} has no vector")
    return row.vector


def verdict_of(row: Row) -> VerdictReached:
    """Return the verdict that a row holds."""
    return VerdictReached.model_validate_json(row["body"])


def verdict_properties(verdict: VerdictReached) -> dict[str, object]:
    """Return the properties of a verdict's object."""
    hypothesis = verdict.hypothesis
    return {
        "verdict_id": verdict.verdict_id,
        "hypothesis_id": hypothesis.hypothesis_id,
        "pair_id": hypothesis.pair.pair_id,
        "decision": verdict.decision.value,
        "final": verdict.final,
        "judged": bool(verdict.judgements),
        "about": list(facts_in(verdict)),
        "body": verdict.model_dump_json(),
        "text": hypothesis.synthesis.hypothesis if hypothesis.synthesis else "",
    }
