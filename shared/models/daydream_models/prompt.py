"""A prompt is a file with two parts and `{{name}}` placeholders. Events carry its digest.

    # system
    …
    # user
    … {{first}} … {{second}} …

A third part, `# answer` with the word `prose`, says that the answer is free text and no JSON.

Text from documents is data. Against prompt injection it is wrapped in a fence. The text can't
contain one: what looks like a fence in it is escaped. The mark, from the text's own digest, tells
fences apart; it is short, because a fence is paid for in every call.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any

from nats.js.kv import KeyValue

from daydream_contracts.errors import ConfigurationError
from daydream_contracts.events import ContractModel, PromptRef
from daydream_contracts.text_limits import truncate

REPAIR = "Answer again, with nothing but one JSON object that follows this schema:\n"
PROBLEM_BYTES_MAX = 300  # of the sentence in a repair that says what was wrong
PARTS = re.compile(r"^# (system|user|answer)\s*$", re.MULTILINE)
PROSE = "prose"
BUNDLED_NAME = re.compile(r"[\w.-]+")
CONTROL_TOKENS = re.compile(
    r"<(?=\|)|<(?=\uff5c)"  # <|im_start|>, <|eot_id|>, and the wide bar of DeepSeek
    r"|<(?=<\s*/?\s*(?:data|end|sys)\b)"  # our fence, <<SYS>>
    r"|<(?=/?\s*(?:s|bos|eos|pad|unk)>)"  # </s>
    r"|<(?=/?\s*(?:start|end)_of_(?:turn|image)>)"
    r"|\[(?=/?\s*(?:INST|SYSTEM_PROMPT|AVAILABLE_TOOLS|TOOL_CALLS|TOOL_RESULTS)\s*\])",
    re.IGNORECASE,
)
PLACEHOLDER = re.compile(r"\{\{(\w+)\}\}")
MARK_CHARS = 4
FENCE_BYTES = 2 * len(f"<<data {MARK_CHARS * '0'}>>\n")
BYTES_PER_TOKEN = 4  # of an answer that is shown again in a repair


class StoredPrompt(ContractModel):
    """A prompt as stored under its digest, for the inspection of verdicts that name it."""

    name: str
    system: str
    user: str
    answer_schema: dict[str, Any]

    @property
    def prompt(self) -> Prompt:
        """Return the prompt, to be filled again."""
        return Prompt(self.name, self.system, self.user, self.answer_schema)


@dataclass(frozen=True)
class Prompt:
    """A prompt with unfilled placeholders, and the JSON schema of its answer.

    Without a schema the answer is prose: it is taken as it is.
    """

    name: str
    system: str
    user: str
    schema: dict[str, Any]

    @property
    def ref(self) -> PromptRef:
        """Return name and digest. The digest covers text and schema: the model sees both."""
        content = json.dumps([self.system, self.user, self.schema], sort_keys=True).encode()
        return PromptRef(name=self.name, digest=hashlib.sha256(content).hexdigest())

    @property
    def is_prose(self) -> bool:
        """Return whether the answer is free text."""
        return not self.schema

    @property
    def placeholders(self) -> frozenset[str]:
        """Return the names of the variables that it needs."""
        return _placeholders(self.user)

    @property
    def fixed_bytes(self) -> int:
        """Return the bytes of everything but the variables, the schema included."""
        return len((self.system + self.user + json.dumps(self.schema)).encode())

    def fill(self, **variables: str) -> tuple[dict[str, str], ...]:
        """Return the messages of a call. Every variable is wrapped as untrusted data."""
        user = PLACEHOLDER.sub(lambda match: wrap_untrusted(variables[match[1]]), self.user)
        return {"role": "system", "content": self.system}, {"role": "user", "content": user}


async def store_prompts(bucket: KeyValue, prompts: Iterable[Prompt]) -> None:
    """Store prompts under their digests. Idempotent: what has the same digest is the same."""
    for digest, prompt in {prompt.ref.digest: prompt for prompt in prompts}.items():
        stored = StoredPrompt(
            name=prompt.name, system=prompt.system, user=prompt.user, answer_schema=prompt.schema
        )
        await bucket.put(digest, stored.model_dump_json().encode())


def digest_of(messages: Sequence[Mapping[str, str]]) -> str:
    """Return the digest of messages as they are sent."""
    return hashlib.sha256(json.dumps(list(messages)).encode()).hexdigest()


def repair_messages(
    messages: tuple[dict[str, str], ...],
    answer: str,
    schema: dict[str, Any],
    output_tokens_max: int,
    problem: str,
) -> tuple[dict[str, str], ...]:
    """Return the messages of a repair: the first ones, the answer, what was wrong, the schema."""
    shown = escape_control_tokens(truncate(answer, BYTES_PER_TOKEN * output_tokens_max))
    wrong = escape_control_tokens(truncate(problem, PROBLEM_BYTES_MAX))
    return (
        *messages,
        {"role": "assistant", "content": shown or "(nothing)"},
        {"role": "user", "content": f"{wrong} {REPAIR}{json.dumps(schema)}"},
    )


def wrap_untrusted(text: str) -> str:
    """Return `text`, with control tokens escaped, between two marks that it can't contain."""
    mark = hashlib.sha256(text.encode()).hexdigest()[:MARK_CHARS]
    return f"<<data {mark}>>\n{escape_control_tokens(text)}\n<<end {mark}>>"


def escape_control_tokens(text: str) -> str:
    """Return `text` without anything that a server or a model takes for a border.

    These are the tokens that chat templates put between messages (llama.cpp also reads them in the
    content of a message), and our own fence. Their first bracket becomes a round one, so the length
    does not change.
    """
    return CONTROL_TOKENS.sub("(", text)


def load_prompt(
    package: str,
    default: str,
    file: str,
    schema: dict[str, Any],
    *placeholders: frozenset[str],
    prose: bool = False,
) -> Prompt:
    """Return the operator's prompt `file`, or `prompts/<default>` of the package if it is empty.

    `file` may also be the name of a bundled prompt, as `essay.v1`. The prompt must have exactly the
    placeholders of one of the sets. Raise ConfigurationError for a file that lacks a part, has
    other placeholders, or asks for prose where that can't be read (`prose`).
    """
    name = file or default
    try:
        text = _source(package, default, file).read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(
            f"can't read the prompt {name}: {error}",
            "Check the prompt_file setting: it names a UTF-8 text, or a bundled prompt",
        ) from None
    pieces = PARTS.split(text)
    parts = {part: body.strip() for part, body in zip(pieces[1::2], pieces[2::2], strict=True)}
    answer = parts.pop("answer", "")
    if set(parts) != {"system", "user"} or _placeholders(parts["user"]) not in placeholders:
        wanted = " or ".join(_listed(accepted) for accepted in placeholders)
        raise ConfigurationError(
            f"the prompt {name} lacks a part or a placeholder, or has another one",
            f"It needs '# system' and '# user', and in the latter {wanted}",
        )
    if answer not in ("", PROSE) or (answer and not prose):
        raise ConfigurationError(
            f"the prompt {name} asks for an answer that can't be read here: {answer[:40]}",
            "Remove its part '# answer': then a JSON object is asked for",
        )
    return Prompt(
        Path(name).name.removesuffix(".md"),
        parts["system"],
        parts["user"],
        {} if answer == PROSE else schema,
    )


def _source(package: str, default: str, file: str) -> Path | Traversable:
    prompts = files(package) / "prompts"
    if not file:
        return prompts / default
    bundled = prompts / f"{file}.md"
    return bundled if BUNDLED_NAME.fullmatch(file) and bundled.is_file() else Path(file)


def _placeholders(text: str) -> frozenset[str]:
    return frozenset(PLACEHOLDER.findall(text))


def _listed(placeholders: frozenset[str]) -> str:
    return ", ".join(f"{{{{{placeholder}}}}}" for placeholder in sorted(placeholders))
