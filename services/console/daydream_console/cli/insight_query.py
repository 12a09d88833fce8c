"""The query that the options of a command choose."""

from __future__ import annotations

from typing import Any

from pydantic import ValidationError

from daydream_console.first_fault import first_fault
from daydream_contracts.errors import ConfigurationError
from daydream_contracts.rpc import InsightQuery


def query_of(**fields: Any) -> InsightQuery:
    """Return the query. Raise ConfigurationError that names the field with an invalid value."""
    given = {name: value for name, value in fields.items() if value is not None}
    try:
        return InsightQuery.model_validate(given)
    except ValidationError as error:
        raise ConfigurationError(
            first_fault(error), "See the values: daydream insights --help"
        ) from None
