"""Services start fast: what takes long is imported when it is needed first."""

from __future__ import annotations

import pytest

from support.imports import modules_after

ONLY_IF_TELEMETRY_IS_SENT = "opentelemetry.exporter.otlp"


@pytest.mark.parametrize(
    ("service", "absent"),
    [
        ("budget", {"numpy", "openai", ONLY_IF_TELEMETRY_IS_SENT}),
        (
            "memory",
            {"aiohttp", "pypdfium2", "lxml", "markdown_it", "weaviate", ONLY_IF_TELEMETRY_IS_SENT},
        ),
        ("sampler", {"aiohttp", "genai_prices", "openai", ONLY_IF_TELEMETRY_IS_SENT}),
        ("synthesizer", {"genai_prices", "numpy", ONLY_IF_TELEMETRY_IS_SENT}),
        ("critic", {"genai_prices", ONLY_IF_TELEMETRY_IS_SENT}),
        ("console", {"aiohttp", "genai_prices", "numpy", "openai", ONLY_IF_TELEMETRY_IS_SENT}),
    ],
)
def test_a_service_imports_only_what_its_start_needs(service: str, absent: set[str]) -> None:
    assert not modules_after(f"import daydream_{service}.__main__") & absent
