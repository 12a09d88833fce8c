"""The threat model is that of the permissions, and each defence has the test that it names."""

from __future__ import annotations

import re

import pytest

from deploy.threat_model_page import DEFENCES, FIX, PAGE, Defence, threat_model_page
from support.fault_marks import TESTS


def test_the_page_equals_the_permissions() -> None:
    assert PAGE.read_text() == threat_model_page(), FIX


@pytest.mark.parametrize("defence", DEFENCES, ids=lambda row: row.test)
def test_each_defence_has_its_test(defence: Defence) -> None:
    source = (TESTS / defence.file).read_text()
    assert re.search(rf"^(async )?def {defence.test}\(", source, re.MULTILINE)
