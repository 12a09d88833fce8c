"""The essay's prompt for writers: its words, and hypotheses in prose."""

from __future__ import annotations

import asyncio

import pytest

from daydream_contracts.errors import ConfigurationError
from daydream_contracts.events import LinkKind
from daydream_contracts.rpc import Quote
from daydream_models.client import ModelClient
from daydream_models.prompt import load_prompt
from daydream_models.settings import ModelSettings
from daydream_models.stage_plans import FULL, MINIMAL, SHORT
from daydream_synthesizer.answer import ProseSynthesis
from daydream_synthesizer.request_specs import request_specs
from daydream_synthesizer.settings import SynthesizerSettings
from daydream_synthesizer.synthesis import Synthesizer
from support.message_builders import pair
from support.model_fakes import FakeGatewayClient

# Gwern Branwen, "LLM Daydreaming" (https://gwern.net/ai-daydreaming), without line breaks.
WORDS = (
    "You are a creative synthesizer. Your task is to find deep, non-obvious, and potentially "
    "groundbreaking connections between the two following concepts. Do not state the obvious. "
    "Generate a hypothesis, a novel analogy, a potential research question, or a creative "
    "synthesis. Be speculative but ground your reasoning. Concept 1: {{first}} Concept 2: "
    "{{second}} Think step-by-step to explore potential connections: #. Are these concepts "
    "analogous in some abstract way? #. Could one concept be a metaphor for the other? #. Do they "
    "represent a similar problem or solution in different domains? #. Could they be combined to "
    "create a new idea or solve a problem? #. What revealing contradiction or tension exists "
    "between them? Synthesize your most interesting finding below."
)
SETTINGS = SynthesizerSettings(prompt_file="essay.v1")
FINDING = "**Cold fingers, thick blood.** " + "Fish oil thins blood, so it should help. " * 6


def test_the_prompt_is_the_essays_word_for_word_in_each_size_of_a_plan() -> None:
    specs = request_specs(SETTINGS)
    for size in (FULL, SHORT, MINIMAL):
        prompt = specs[size].prompt
        assert " ".join(f"{prompt.system} {prompt.user}".split()) == WORDS
        assert (prompt.name, prompt.schema, specs[size].repair) == ("essay.v1", {}, False)


def test_an_answer_in_prose_becomes_a_hypothesis_and_no_json_is_asked_for() -> None:
    text = f"<think>hm</think>First, both are fluids.\n\nSecond, both flow.\n\n{FINDING}"
    gateway = FakeGatewayClient([text])
    model = ModelClient(
        gateway,  # type: ignore[arg-type]
        ModelSettings(name="m"),
        Quote(input_token_nanousd=1, output_token_nanousd=1),
        "synthesizer",
    )
    synthesizer = Synthesizer({"m": model}, request_specs(SETTINGS))
    (proposed,) = asyncio.run(synthesizer.propose(pair()))
    assert "response_format" not in gateway.bodies[0]
    assert proposed.synthesis is not None
    assert proposed.synthesis.link is LinkKind.UNSPECIFIED
    assert proposed.synthesis.title == "Cold fingers, thick blood."
    assert proposed.synthesis.hypothesis == FINDING.strip()
    assert proposed.synthesis.reasoning == "First, both are fluids.\n\nSecond, both flow."
    assert (proposed.abstention, proposed.unreadable) == (None, None)
    assert proposed.calls[0].answer == text


def test_a_short_last_paragraph_is_no_finding_of_its_own() -> None:
    synthesis = ProseSynthesis(text=f"Steps.\n\n{FINDING}\n\nIn short: oil.").synthesis()
    assert synthesis.hypothesis == f"{FINDING.strip()}\nIn short: oil."


def test_an_empty_answer_is_unreadable_and_not_a_hypothesis() -> None:
    gateway = FakeGatewayClient(["<think>and then it ended"])
    model = ModelClient(
        gateway,  # type: ignore[arg-type]
        ModelSettings(name="m"),
        Quote(),
        "synthesizer",
    )
    (proposed,) = asyncio.run(Synthesizer({"m": model}, request_specs(SETTINGS)).propose(pair()))
    assert proposed.synthesis is None
    assert proposed.unreadable is not None
    assert len(proposed.calls) == 1


def test_prose_is_refused_where_it_can_not_be_read() -> None:
    with pytest.raises(ConfigurationError, match="can't be read here: prose"):
        load_prompt("daydream_synthesizer", "", "essay.v1", {}, frozenset({"first", "second"}))
