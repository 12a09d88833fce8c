"""A prompt is a file: two parts under headings, with `{{name}}` for what is filled in. Its digest goes into every event.

    # system
    …
    # user
    … {{first}} … {{second}} …

Text from documents is data. It is fenced by a marker made from its own digest, which it therefore can't contain.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

from nats.js.kv import KeyValue

from daydream_contracts.errors import ConfigurationError
from daydream_contracts.events import ContractModel, PromptRef
from daydream_contracts.text_limits import truncate

REPAIR = "That was not the JSON object that was asked for. Answer again, with nothing but one JSON object that follows this schema:\n"
PARTS = re.compile(r"^# (system|user)\s*$", re.MULTILINE)
BORDER = re.compile(
    r"<(?=\|)|<(?=\uff5c)"  # <|im_start|>, <|eot_id|>, and the wide bar of DeepSeek
    r"|<(?=<\s*/?\s*(?:data|end|sys)\b)"  # our fence, <<SYS>>
    r"|<(?=/?\s*(?:s|bos|eos|pad|unk)>)"  # </s>
    r"|<(?=/?\s*(?:start|end)_of_(?:turn|image)>)"
    r"|\[(?=/?\s*(?:INST|SYSTEM_PROMPT|AVAILABLE_TOOLS|TOOL_CALLS|TOOL_RESULTS)\s*\])",
    re.IGNORECASE,
)
HOLE = re.compile(r"\{\{(\w+)\}\}")


class StoredPrompt(ContractModel):
    """A prompt as it is kept under its digest, so that a verdict that names it can be replayed."""

    name: str
    system: str
    user: str
    answer_schema: dict[str, Any]

    @property
    def prompt(self) -> Prompt:
        """To be filled again."""
        return Prompt(self.name, self.system, self.user, self.answer_schema)


@dataclass(frozen=True)
class Prompt:
    """A prompt with its holes still open."""

    name: str
    system: str
    user: str
    schema: dict[str, Any]

    @property
    def ref(self) -> PromptRef:
        """Name and digest: of the text and of the schema of the answer, since both are what the model is asked."""
        content = json.dumps([self.system, self.user, self.schema], sort_keys=True).encode()
        return PromptRef(name=self.name, digest=hashlib.sha256(content).hexdigest())

    @property
    def holes(self) -> frozenset[str]:
        """What has to be filled in."""
        return frozenset(HOLE.findall(self.user))

    @property
    def fixed_bytes(self) -> int:
        """Bytes of everything but what is filled in, the schema included."""
        return len((self.system + self.user + json.dumps(self.schema)).encode())

    def fill(self, **values: str) -> tuple[dict[str, str], ...]:
        """The messages of a call; every value is fenced as data."""
        user = HOLE.sub(lambda hole: wrap_untrusted(values[hole[1]]), self.user)
        return {"role": "system", "content": self.system}, {"role": "user", "content": user}


async def store_prompts(bucket: KeyValue, prompts: Iterable[Prompt]) -> None:
    """Keep prompts under their digests; one that is there already is the same."""
    for digest, prompt in {prompt.ref.digest: prompt for prompt in prompts}.items():
        kept = StoredPrompt(
            name=prompt.name, system=prompt.system, user=prompt.user, answer_schema=prompt.schema
        )
        await bucket.put(digest, kept.model_dump_json().encode())


def digest_of(messages: Sequence[Mapping[str, str]]) -> str:
    """Names messages as they were sent."""
    return hashlib.sha256(json.dumps(list(messages)).encode()).hexdigest()


def repair_messages(
    messages: tuple[dict[str, str], ...],
    answer: str,
    schema: dict[str, Any],
    output_tokens_max: int,
) -> tuple[dict[str, str], ...]:
    """The messages of a repair: what was asked, what came, and the schema."""
    came = escape_control_tokens(truncate(answer, 4 * output_tokens_max)) or "(nothing)"
    return (
        *messages,
        {"role": "assistant", "content": came},
        {"role": "user", "content": REPAIR + json.dumps(schema)},
    )


FENCE_BYTES = 2 * len("<<data 0123456789abcdef>>\n")


def wrap_untrusted(text: str) -> str:
    """`text` between two marks that it can't contain, disarmed."""
    mark = hashlib.sha256(text.encode()).hexdigest()[:16]
    return f"<<data {mark}>>\n{escape_control_tokens(text)}\n<<end {mark}>>"


def escape_control_tokens(text: str) -> str:
    """`text` in which nothing is left that a server or a model takes for a border: the tokens that chat templates put between messages (llama.cpp reads
    them in the content of a message too), and whatever looks like our own fence. Their first bracket becomes a round one, so the length stays."""
    return BORDER.sub("(", text)


def load_prompt(
    package: str, default: str, file: str, schema: dict[str, Any], holes: frozenset[str]
) -> Prompt:
    """The service's prompt (`prompts/<default>` in its package), or the operator's own file. ConfigurationError when it has not the
    two parts, or other holes than `holes`."""
    try:
        text = (
            Path(file).read_text("utf-8")
            if file
            else (files(package) / "prompts" / default).read_text("utf-8")
        )
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(
            f"can't read the prompt {file or default}: {error}",
            "Check the prompt_file setting: it names a UTF-8 text",
        ) from None
    pieces = PARTS.split(text)
    found = {name: body.strip() for name, body in zip(pieces[1::2], pieces[2::2], strict=True)}
    if set(found) != {"system", "user"} or set(HOLE.findall(found["user"])) != holes:
        wanted = ", ".join(f"{{{{{hole}}}}}" for hole in sorted(holes))
        raise ConfigurationError(
            f"the prompt {file or default} lacks something",
            f"It needs '# system' and '# user', and in the latter {wanted}",
        )
    return Prompt(Path(file or default).stem, found["system"], found["user"], schema)
