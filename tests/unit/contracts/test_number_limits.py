"""Every number from outside has a maximum, and beyond it nothing is accepted."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from pydantic import BaseModel, TypeAdapter, ValidationError

from daydream_contracts.events import ForegroundReported
from daydream_contracts.number_limits import (
    BRANCHES_MAX,
    LIFETIME_S_MAX,
    NANOUSD_MAX,
    TAX_RATIO_MAX,
    TOKENS_MAX,
)
from daydream_contracts.rpc import (
    AllocationRequest,
    Authorize,
    CorrectionEntry,
    OpenReservation,
    ReportForeground,
    SetLimit,
    SetTax,
    Settle,
    TopUp,
)

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
CALL = {"reservation_id": "r", "call_id": "c", "nonce": "n", "stage": "s", "model": "m"}
OPEN = {"reservation_id": "r", "allocations": [], "requested_at": NOW}
BOUNDED: tuple[tuple[type[BaseModel], dict[str, Any], str, float], ...] = (
    (AllocationRequest, {"stage": "s", "model": "m"}, "upper_bound_nanousd", NANOUSD_MAX),
    (
        AllocationRequest,
        {"stage": "s", "model": "m", "upper_bound_nanousd": 1},
        "expected_nanousd",
        NANOUSD_MAX,
    ),
    (Authorize, {**CALL, "lifetime_s": 1}, "upper_bound_nanousd", NANOUSD_MAX),
    (Authorize, {**CALL, "upper_bound_nanousd": 1}, "lifetime_s", LIFETIME_S_MAX),
    (Settle, {"attempt_id": "a"}, "cost_nanousd", NANOUSD_MAX),
    (Settle, {"attempt_id": "a"}, "input_tokens", TOKENS_MAX),
    (Settle, {"attempt_id": "a"}, "output_tokens", TOKENS_MAX),
    (ReportForeground, {"report_id": "r", "at": NOW}, "cost_nanousd", NANOUSD_MAX),
    (ForegroundReported, {"report_id": "r", "spent_at": NOW}, "cost_nanousd", NANOUSD_MAX),
    (ForegroundReported, {"report_id": "r", "spent_at": NOW}, "input_tokens", TOKENS_MAX),
    (ForegroundReported, {"report_id": "r", "spent_at": NOW}, "output_tokens", TOKENS_MAX),
    (ForegroundReported, {"report_id": "r", "spent_at": NOW}, "cached_input_tokens", TOKENS_MAX),
    (SetLimit, {"window": "day"}, "cap_nanousd", NANOUSD_MAX),
    (TopUp, {"window": "day"}, "by_nanousd", NANOUSD_MAX),
    (CorrectionEntry, {"stage": "s", "model": "m", "at": NOW}, "by_nanousd", NANOUSD_MAX),
    (SetTax, {}, "ratio", TAX_RATIO_MAX),
)


@pytest.mark.parametrize(("kind", "rest", "field", "maximum"), BOUNDED)
@pytest.mark.fault("F10", invariant="every number has a maximum")
def test_a_number_above_its_maximum_is_refused_by_name(
    kind: type[BaseModel], rest: dict[str, Any], field: str, maximum: float
) -> None:
    kind.model_validate({**rest, field: maximum})
    for number in (maximum * 2, 10**400, float("inf"), float("-inf"), float("nan"), -(10**400)):
        with pytest.raises(ValidationError, match=field):
            kind.model_validate({**rest, field: number})


def test_a_reservation_has_a_limited_number_of_branches() -> None:
    with pytest.raises(ValidationError, match="branches"):
        OpenReservation.model_validate({**OPEN, "branches": BRANCHES_MAX + 1})


def test_the_maxima_fit_into_64_bits_also_a_few_of_them_added_up() -> None:
    assert 8 * NANOUSD_MAX < 2**63
    assert TypeAdapter(int).validate_json(str(NANOUSD_MAX)) == NANOUSD_MAX
