"""Model families. Models of one family make similar errors, and favour what their family wrote."""

from __future__ import annotations

import re

from daydream_contracts.events import HypothesisProposed

FAMILIES = {
    "alibaba": ("qwen", "qwq", "qvq"),
    "allenai": ("olmo", "tulu"),
    "amazon": ("nova", "titan"),
    "anthropic": ("claude",),
    "cohere": ("command", "aya"),
    "deepseek": ("deepseek",),
    "google": ("gemini", "gemma", "palm"),
    "huggingface": ("smollm", "zephyr"),
    "ibm": ("granite",),
    "meta": ("llama", "codellama"),
    "microsoft": ("phi", "wizardlm"),
    "minimax": ("minimax",),
    "mistral": ("mistral", "mixtral", "ministral", "codestral", "magistral", "devstral", "pixtral"),
    "moonshot": ("kimi", "moonshot"),
    "nvidia": ("nemotron",),
    "openai": ("gpt", "chatgpt", "o1", "o3", "o4", "davinci"),
    "tii": ("falcon",),
    "xai": ("grok",),
    "zhipu": ("glm", "chatglm"),
}
WORD = re.compile(r"[a-z]+\d?")
NUMBERED = re.compile(r"\d+$")


def family_of(model: str) -> str:
    """Return the family of a model by its name.

    A derived model belongs to the family that its name begins with or names first:
    `deepseek-r1-distill-llama` is deepseek's. An unknown model has its own family, called by
    the first word of its name.
    """
    name = model.lower().rpartition("/")[2]
    words = WORD.findall(name)
    for word in words:
        for family, beginnings in FAMILIES.items():
            if word in beginnings or NUMBERED.sub("", word) in beginnings:
                return family
    return words[0] if words else name


def is_related(family: str, proposed: HypothesisProposed) -> bool:
    """Return whether a model of this family wrote the hypothesis.

    The empty family wrote nothing.
    """
    return bool(family) and any(family_of(call.model) == family for call in proposed.calls)
