"""States of the whole loop, as the console reads them: a healthy one, and ways to break it."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from daydream_console.overview import Overview
from daydream_console.stages import StageState
from daydream_contracts.rpc import (
    BudgetState,
    GatewayState,
    LimitState,
    MemoryState,
    ModelState,
    SamplerState,
)
from daydream_contracts.topology import CONSUMERS

EXAMPLES = Path(__file__).parents[1] / "contracts" / "messages"
NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
MODEL = ModelState(model="priced-1", provider="default", base_url="http://127.0.0.1:8000/v1")
LIMIT = LimitState(
    scope="all",
    window="day",
    cap_nanousd=1_000_000_000,
    settled_nanousd=364_800,
    authorized_nanousd=0,
    reserved_nanousd=4_000_000,
    renews_at=NOW,
)


def example(kind: type[Any], **changes: Any) -> Any:
    """Return the stored example of a message, with changed fields."""
    stored = kind.model_validate_json((EXAMPLES / f"{kind.__name__}.v1.json").read_text())
    return stored.model_copy(update=changes)


def sampler(phase: str = "drawing", text: str = "", **changes: Any) -> SamplerState:
    state: SamplerState = example(
        SamplerState, phase=phase, text=text, **{"retry_at": None, **changes}
    )
    return state


def budget(**changes: Any) -> BudgetState:
    state: BudgetState = example(BudgetState, **{"limits": (LIMIT,), **changes})
    return state


def gateway(**changes: Any) -> GatewayState:
    model = MODEL.model_copy(update=changes)
    return GatewayState(instance="gateway-1", models=(model,))


def stage(name: str, event: str, **changes: Any) -> StageState:
    idle = {"pending": 0, "in_progress": 0, "redelivered": 0}
    return StageState(service=name, subject=event, **{**idle, **changes})


def loop_state(*broken: StageState, **changes: Any) -> Overview:
    """Return a loop that works, but for the stages that are named and the changed fields."""
    by_name = {(each.service, each.subject): each for each in broken}
    stages = tuple(
        by_name.get((row.service, row.route.subject), stage(row.service, row.route.subject))
        for row in CONSUMERS
    )
    whole: dict[str, Any] = {
        "at": NOW,
        "memory": example(MemoryState),
        "sampler": sampler(),
        "budget": budget(),
        "gateway": gateway(),
        "stages": stages,
        "dead_letters": 0,
    }
    return Overview(**{**whole, **changes})
