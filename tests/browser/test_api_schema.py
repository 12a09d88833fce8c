"""The API against its own description: no 5xx, and no status that is not documented.

Here, because all cases are made when this module is imported: seven seconds in each process.
"""

from __future__ import annotations

from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from support.console import ConsoleFixture
from support.insights import promotion, verdict

CHECKS = (
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
)
ENDLESS = "/api/v1/events"

pytestmark = pytest.mark.browser


def console() -> ConsoleFixture:
    fixture = ConsoleFixture()
    for number in range(3):
        fixture.add(verdict(number, log_odds=float(number)))
        fixture.index.add_promotion(promotion(verdict(number)))
    return fixture


schema = schemathesis.openapi.from_asgi("/api/v1/openapi.json", console().app).exclude(path=ENDLESS)


@pytest.mark.filterwarnings("ignore")
@schema.parametrize()
@settings(max_examples=8, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
def test_answers_are_those_of_the_description(case: Any) -> None:
    case.call_and_validate(checks=CHECKS)
