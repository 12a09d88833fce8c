"""Which family a model is of: models of one family err alike, and favour what their own kin wrote."""

from __future__ import annotations

import re

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
    """The family of a model by its name. A derived model is of the family that its name begins with or that it names (`deepseek-r1-distill-llama` is
    deepseek's); an unknown one is a family of its own, called by its name's first word."""
    name = model.lower().rpartition("/")[2]
    words = WORD.findall(name)
    for word in words:
        for family, beginnings in FAMILIES.items():
            if word in beginnings or NUMBERED.sub("", word) in beginnings:
                return family
    return words[0] if words else name
