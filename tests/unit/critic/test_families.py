"""Families of models, and whether one of them wrote a hypothesis."""

from __future__ import annotations

import pytest

from daydream_critic.families import family_of, is_related
from support.critic import written_by


@pytest.mark.parametrize(
    ("model", "family"),
    [
        ("gpt-4.1-mini-2025-04-14", "openai"),
        ("openai/gpt-oss-120b", "openai"),
        ("o3-mini", "openai"),
        ("claude-haiku-4-5", "anthropic"),
        ("models/gemini-2.5-flash", "google"),
        ("meta-llama/Llama-3.3-70B-Instruct", "meta"),
        ("Qwen2.5-1.5B-Instruct-Q4", "alibaba"),
        ("smollm2-135m", "huggingface"),
        ("deepseek-r1-distill-llama-8b", "deepseek"),
        ("priced-1", "priced"),
        ("our-own", "our"),
        ("123", "123"),
    ],
)
def test_the_family_of_a_model_is_in_its_name(model: str, family: str) -> None:
    assert family_of(model) == family


def test_a_judge_that_is_no_model_is_related_to_no_writer() -> None:
    assert is_related("openai", written_by("gpt-5-mini"))
    assert not is_related("", written_by("gpt-5-mini"))
    assert not is_related("", written_by(""))
