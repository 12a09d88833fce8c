"""An amount on the command line becomes nano-dollars, or one line that says what is allowed."""

from __future__ import annotations

import pytest

from daydream_console.cli.output import nanousd
from daydream_contracts.errors import ConfigurationError
from daydream_contracts.number_limits import NANOUSD_MAX, USD_MAX


@pytest.mark.parametrize("dollars", [float("nan"), float("inf"), float("-inf"), 1e320, 2 * USD_MAX])
def test_an_impossible_amount_is_refused(dollars: float) -> None:
    with pytest.raises(ConfigurationError, match="Use at most 1,000,000,000 dollars"):
        nanousd(dollars)


def test_an_allowed_amount_is_converted() -> None:
    assert [nanousd(dollars) for dollars in (0, 0.01, -2.5, USD_MAX)] == [
        0,
        10_000_000,
        -2_500_000_000,
        NANOUSD_MAX,
    ]
